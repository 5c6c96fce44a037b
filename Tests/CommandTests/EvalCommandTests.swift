import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct EvalCommandTests {
    private static let model = Repository.path("Samples/model")
    private static let set = """
        {"video":"shapes-and-cuts","question":"What moves?","answer":"circle"}
        {"video":"missing","question":"What moves?","answer":"circle"}
        {"video":"shapes-and-cuts","question":"When?","time":4}
        """

    private func run(_ arguments: String..., input: String = set) throws -> Tool.Outcome {
        try Tool(
            [
                "eval", "--dataset", "-", "--videos", Repository.path("Samples"), "--model",
                Self.model, "--max-new-tokens", "4",
            ] + arguments, input: input
        ).outcome()
    }

    @Test func aDocumentOnStandardOutputAndResultsInOrder() throws {
        let results = FileManager.default.temporaryDirectory
            .appendingPathComponent("eval-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: results) }
        let outcome = try run("--results", results.path, "--no-timing")
        #expect(outcome.status == 3)
        let document = try JSON.parse(outcome.output)
        #expect(DocumentValidator().faults(in: document) == [])
        #expect(document["scores"]?["lines"]?.int == 3)
        #expect(document["timing"] == nil)
        #expect(outcome.errors.contains("missing: no such file"))
        let lines = try String(contentsOf: results, encoding: .utf8).split(separator: "\n")
        #expect(try lines.map { try JSON.parse(String($0))["line"]?.int } == [1, 2, 3])
        let check = try Tool.run("validate", results.path)
        #expect(check.status == 0, "\(check.output)")
    }

    @Test func aTableForPeopleAndADocumentInAFile() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("eval-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let outcome = try run(
            "--format", "table", "--output", file.path, "--limit", "1", "--ablate", "zero-time")
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("1 lines about 1 videos"))
        #expect(outcome.output.contains("ablation: zero-time"))
        let document = try JSON.parse([UInt8](try Data(contentsOf: file)))
        #expect(document["dataset"]?["lines"]?.int == 3)
        #expect(document["dataset"]?["evaluated"]?.int == 1)
        #expect(document["settings"]?["answer"]?["ablation"]?.string == "zero-time")
    }

    // What is passed over in silence changes what is measured.
    @Test func misspeltFieldsAreTold() throws {
        let line = #"{"video":"shapes-and-cuts","question":"q","answer":"a","intervall":[1,2]}"#
        let outcome = try run(input: line)
        #expect(
            outcome.errors.contains(
                "line 1: there is no field \"intervall\": did you mean \"interval\"?"),
            "\(outcome.errors)")
        #expect(!(try run("--log-level", "error", input: line).errors.contains("intervall")))
    }

    // The example of the documentation.
    @Test func theSampleQuestionsAreADataset() throws {
        let outcome = try Tool.run(
            "eval", "--dataset", Repository.path("Samples/questions.jsonl"), "--model", Self.model,
            "--max-new-tokens", "4")
        #expect(outcome.status == 3)
        #expect(try JSON.parse(outcome.output)["scores"]?["lines"]?.int == 18)
        #expect(!outcome.errors.contains("did you mean"))
    }

    @Test func failuresHaveTheirStatus() throws {
        #expect(try run(input: "{}").status == 65)
        #expect(try run(input: #"{"video":"missing","question":"q","answer":"a"}"#).status == 4)
        #expect(try run("--output", "/no/such/folder/x").status == 73)
        #expect(try run("--limit", "0").status == 64)
        #expect(try run("--time-tolerance", "nan").status == 64)
    }
}

import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// Shapes of answers as users ask for them.
@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct ShapeCommandTests {
    private static let clip = "Samples/shapes-and-cuts.mp4"

    private func ask(_ options: String...) throws -> Tool.Outcome {
        try Tool.run(
            ["ask", Self.clip, "What moves?", "--fps", "1", "--max-new-tokens", "12"] + options,
            in: Repository.root)
    }

    private func withSchema(_ schema: String, _ body: (String) throws -> Void) throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("schema-\(UUID().uuidString).json")
        try schema.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        try body(file.path)
    }

    @Test func answersFollowASchemaFile() throws {
        let schema =
            #"{"type":"object","properties":{"n":{"type":"integer","minimum":0,"maximum":9},"at":{"type":"string","format":"video-time"}},"required":["n","at"]}"#
        try withSchema(schema) { path in
            let outcome = try ask("--json-schema", path)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let answer = try #require(try JSON.parse(outcome.output)["answer"])
            #expect((0...9).contains(try #require(answer["n"]?.int)))
            #expect(answer["at"]?.string?.hasPrefix("00:00:") ?? false)
        }
    }

    @Test func choicesComeWithProbabilities() throws {
        let outcome = try ask("--choices", "a circle", "--choices", "one, two")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let document = try JSON.parse(outcome.output)
        let choices = try #require(document["choices"]?.array)
        #expect(choices.map { $0["label"] } == ["a circle", "one, two"])
        #expect(choices.contains { $0["label"] == document["choice"] })
        #expect(document["answer"] == document["choice"])
    }

    // What is wrong is said at once, with its place: nothing is decoded or loaded for it.
    @Test func badShapesAreWrongUse() throws {
        try withSchema(#"{"properties":{"a":{"not":{}}}}"#) { path in
            let outcome = try ask("--json-schema", path)
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("/properties/a/not"))
            #expect(try ask("--json-schema", path, "--shape", "events").status == 64)
        }
        #expect(try ask("--json-schema", "missing.json").status == 64)
        #expect(try ask("--shape", "circle").status == 64)
        #expect(try ask("--shape", "events", "--choices", "a,b").status == 64)
        #expect(try ask("--choices", "only").status == 64)
    }

    @Test func jobsHaveShapesOfTheirOwn() throws {
        let lines = [
            #"{"id":"a","video":"\#(Self.clip)","task":"ask","questions":["Red?"],"options":{"shape":"yes-no"}}"#,
            #"{"id":"b","video":"\#(Self.clip)","task":"ask","questions":["Red?"]}"#,
            #"{"id":"c","video":"\#(Self.clip)","task":"ask","questions":["Red?"],"options":{"json-schema":{"not":{}}}}"#,
        ]
        let outcome = try Tool(
            ["stage", "--choices", "yes,no", "--max-new-tokens", "9", "--isolation", "none"],
            input: lines.joined(separator: "\n") + "\n", in: Repository.root
        ).outcome()
        let documents = try outcome.output.split(separator: "\n").map { try JSON.parse(String($0)) }
        try #require(documents.count == 3, "\(outcome.errors)")
        #expect(documents[0]["answer"]?["answer"]?.bool != nil)
        #expect(["yes", "no"].contains(documents[1]["choice"]?.string))
        #expect(documents[2]["error"]?["code"] == "job.invalid")
    }
}

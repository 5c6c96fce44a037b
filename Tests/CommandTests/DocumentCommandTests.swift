import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct DocumentCommandTests {
    private static let sound =
        #"{"schema":"reelscribe/error@1","error":{"code":"decode.damaged","stage":"decode","message":"m","hint":null,"retryable":false},"tool":{"name":"reelscribe","version":"1"}}"#

    @Test func soundDocumentsAreValid() throws {
        let outcome = try Tool.run("validate", "-", input: "\(Self.sound)\n\(Self.sound)\n")
        #expect(outcome.status == 0)
        #expect(outcome.output == "-: 2 documents, valid\n")
    }

    // A producer that died leaves nothing; a run without jobs leaves nothing and its journal.
    @Test func anEmptyFileIsNoDocument() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-empty-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("r.jsonl").path
        try "\n \n".write(toFile: file, atomically: false, encoding: .utf8)
        let empty = try Tool.run("validate", file)
        #expect(empty.status == 65)
        #expect(empty.output == "\(file):1: there is no document in it\n")
        try "".write(toFile: file, atomically: false, encoding: .utf8)
        try "".write(toFile: file + ".journal", atomically: false, encoding: .utf8)
        let results = try Tool.run("validate", file)
        #expect(results.status == 0)
        #expect(results.output == "\(file): 0 documents, valid\n")
    }

    @Test func jobFilesAreChecked() throws {
        for name in [
            "summarise-folder", "chapters-for-a-course", "question-list", "tag-with-labels",
            "watch-rules",
        ] {
            let file = Repository.path("Pipelines/\(name).yaml")
            let outcome = try Tool.run("validate", file)
            #expect(outcome.output == "\(file): 1 document, valid\n")
        }
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("job-\(UUID().uuidString).YML").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "inputs: [{files: [a]}]\ntasks:\n  - task: sumarize\n".write(
            toFile: path, atomically: false, encoding: .utf8)
        let wrong = try Tool.run("validate", path)
        #expect(wrong.status == 65)
        #expect(wrong.output.hasPrefix("\(path):3: tasks/0/task: expected one of"))
        let report = try Tool.run("validate", "--json", path)
        #expect(try JSON.parse(report.output)["faults"]?[0]?["line"]?.int == 3)
    }

    // A manifest is checked before a night's work, not by it.
    @Test func manifestsAreChecked() throws {
        let clip = Repository.path("Samples/shapes-and-cuts.mp4")
        let sound = #"{"id":"a","video":"\#(clip)","task":"summarize"}"#
        let fine = try Tool.run("validate", "-", input: sound + "\n")
        #expect(fine.status == 0)
        #expect(fine.output == "-: 1 job, valid\n")
        let lines = [sound, #"{"video":"/no/such.mp4","task":"summarize"}"#, "{", sound]
        let input = lines.joined(separator: "\n")
        let outcome = try Tool.run("validate", "-", input: input)
        #expect(outcome.status == 65)
        let said = outcome.output.split(separator: "\n")
        #expect(said.count == 3)
        #expect(said.first?.hasPrefix("standard input:3: not valid JSON") == true)
        #expect(
            said.dropFirst().first == #"standard input:4: the id "a" was used before, by line 1"#)
        #expect(
            said.last?.hasPrefix("standard input:2: warning: /no/such.mp4: no such file") == true)
        let report = try JSON.parse(try Tool.run("validate", "--json", "-", input: input).output)
        #expect(report["documents"]?.int == 4)
        #expect(report["warnings"]?[0]?["line"]?.int == 2)
        #expect(DocumentValidator().faults(in: report) == [])
        // Warnings alone leave a file valid.
        let warned = try Tool.run("validate", "-", input: lines[1])
        #expect(warned.status == 0)
        #expect(warned.output.hasSuffix("-: 1 job, valid\n"))
    }

    @Test func everyFaultIsALineWithItsPlace() throws {
        let broken = Self.sound.replacing("\"decode\"", with: "\"elsewhere\"")
        let outcome = try Tool.run("validate", "-", input: "\(Self.sound)\n\(broken)\n{\n")
        #expect(outcome.status == 65)
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("standard input:2: /error/stage: expected one of") == true)
        #expect(lines.last?.hasPrefix("standard input:3: ") == true)
    }

    @Test func aReportCanBeADocumentItself() throws {
        let report = try Tool.run("validate", "-", "--json", input: "{}")
        #expect(report.status == 65)
        let again = try Tool.run("validate", "-", input: report.output)
        #expect(again.status == 0)
    }

    @Test func whatIsNotThereIs66() throws {
        let outcome = try Tool.run("validate", "no-such-file.json")
        #expect(outcome.status == 66)
        #expect(outcome.errors.hasPrefix("reelscribe: error: cannot open no-such-file.json"))
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    @Test func outputsThatCannotBeMadeAre73() throws {
        let outcome = try Tool.run("schema", "error", "--output", "/no/such/folder/x.json")
        #expect(outcome.status == 73)
        #expect(outcome.errors.contains("cannot create /no/such/folder/x.json"))
    }

    @Test func outputsThatCannotBeWrittenAre74() throws {
        guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
        let outcome = try Tool.run("schema", "error", "--output", "/dev/full")
        #expect(outcome.status == 74)
    }

    @Test func aMissingModelIs78WithADocument() throws {
        let outcome = try Tool.run("model", "info", "No/Such-Model")
        #expect(outcome.status == 78)
        let document = try JSON.parse(outcome.output)
        #expect(DocumentValidator().faults(in: document) == [])
        #expect(document["error"]?["code"]?.string == "model.not_found")
        #expect(outcome.errors.contains("reelscribe model pull No/Such-Model"))
    }

    @Test func doctorsReportIsADocument() throws {
        let outcome = try Tool.run("doctor", "--json")
        let document = try JSON.parse(outcome.output)
        #expect(DocumentValidator().faults(in: document) == [])
        #expect([0, 78].contains(outcome.status))
        #expect((outcome.status == 78) == (document["status"]?.string == "error"))
    }

    // Guards the user's files: neither the input nor an older result may be lost to a run.
    @Test func nothingIsWrittenOver() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-guard-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let clip = folder.appendingPathComponent("clip.mp4").path
        try FileManager.default.copyItem(
            atPath: Repository.path("Samples/shapes-and-cuts.mp4"), toPath: clip)
        let before = try Data(contentsOf: URL(fileURLWithPath: clip))
        for option in ["--output", "--contact-sheet"] {
            let run = try Tool.run("frames", clip, option, clip)
            let byAddress = try Tool.run("frames", "file://" + clip, option, clip)
            #expect(byAddress.status == 64)
            #expect(run.status == 64)
            #expect(run.errors.contains("is the input"))
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: clip)) == before)
        // A picture under the name of another format would not open.
        let jpeg = try Tool.run("frames", clip, "--contact-sheet", clip + ".jpg")
        #expect(jpeg.status == 64 && jpeg.errors.contains("ends in .png"), "\(jpeg.errors)")
        #expect(!FileManager.default.fileExists(atPath: clip + ".jpg"))

        let result = folder.appendingPathComponent("result.json").path
        try "{}".write(toFile: result, atomically: true, encoding: .utf8)
        let failed = try Tool.run("frames", clip + ".missing", "--output", result)
        #expect(failed.status == 66)
        #expect(try String(contentsOfFile: result, encoding: .utf8) == "{}")
    }
}

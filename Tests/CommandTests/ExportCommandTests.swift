import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct ExportCommandTests {
    private static let clip = Repository.path("Samples/shapes-and-cuts.mp4")

    /// A folder with a copy of the clip and its summary.
    private func withSummary(_ body: (_ folder: String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-export-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(atPath: Self.clip, toPath: folder + "/clip.mp4")
        let made = try Tool.run(
            [
                "summarize", "clip.mp4", "--max-new-tokens", "4", "--model",
                Repository.path("Samples/model"), "--output", "clip.json",
            ], in: folder)
        try #require(made.status == 0, "\(made.errors)")
        try body(folder)
    }

    @Test func everyFormIsWritten() throws {
        try withSummary { folder in
            for (name, beginning) in [
                ("a.srt", "1\n00:00:00,000 --> 00:00:04,000\n"),
                ("a.vtt", "WEBVTT\n\n1\n00:00:00.000"),
                ("a.md", "# clip.mp4\n"), ("a.csv", "document,id,video,"),
                ("a.html", "<!DOCTYPE html>\n"),
            ] {
                let run = try Tool.run(["export", "clip.json", "--output", name], in: folder)
                #expect(run.status == 0 && run.errors.isEmpty, "\(name): \(run.errors)")
                let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
                #expect(text.hasPrefix(beginning), "\(name)")
            }
            // Decoded in a process of its own, and found beside the document from elsewhere.
            let page = try Tool.run(["export", folder + "/clip.json", "--format", "html"])
            #expect(page.errors.isEmpty)
            #expect(page.output.components(separatedBy: "<img ").count == 4)
            let piped = try Tool.run(
                "export", "-", "-f", "vtt",
                input: try String(contentsOfFile: "\(folder)/clip.json", encoding: .utf8))
            #expect(piped.output.hasPrefix("WEBVTT"))
        }
    }

    @Test func nothingIsWrittenOver() throws {
        try withSummary { folder in
            for target in ["clip.json", "clip.mp4"] {
                let before = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(target)"))
                let run = try Tool.run(
                    ["export", "clip.json", "--format", "html", "--output", target], in: folder)
                #expect(run.status == 64 && run.errors.contains("is the input"))
                #expect(
                    try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(target)")) == before)
            }
            // A form that cannot be made leaves the older one in place.
            try "old".write(
                toFile: "\(folder)/c.txt", atomically: false, encoding: .utf8)
            let run = try Tool.run(
                ["export", "clip.json", "--format", "chapters", "--output", "c.txt"], in: folder)
            #expect(run.status == 65 && run.errors.split(separator: "\n").count == 1)
            #expect(try String(contentsOfFile: "\(folder)/c.txt", encoding: .utf8) == "old")
        }
    }

    @Test(arguments: [
        ("{}", 65, "standard input:1: "), ("", 65, "there is no document"),
        ("{\"schema\":\"reelscribe/summary@1\"}", 65, "standard input:1: "),
    ])
    func badResultsAreALine(input: String, status: Int32, words: String) throws {
        let run = try Tool.run("export", "-", "--format", "csv", input: input)
        #expect(run.status == status && run.output.isEmpty)
        #expect(run.errors.contains(words) && run.errors.split(separator: "\n").count == 1)
    }

    @Test func wrongUseIs64() throws {
        #expect(try Tool.run("export", "-").status == 64)
        #expect(try Tool.run("export", "-", "--format", "pdf").status == 64)
        #expect(try Tool.run("export", "-", "--format", "csv", "--index", "-1").status == 64)
        #expect(try Tool.run("export", "no-such.json", "--format", "csv").status == 66)
        let several = try Tool.run(
            "summarize", "a.mp4", "b.mp4", "--subtitles", "c.srt")
        #expect(several.status == 64 && several.errors.contains("--subtitles auto"))
    }

    // The whole way of subtitles, decoded apart as a batch does it.
    @Test(
        .enabled(
            if: Repository.hasShared("assets/videos/nasa_13013.mp4"),
            "the shared media are not here"))
    func batchesReadSubtitles() throws {
        let video = Repository.shared("assets/videos/nasa_13013.mp4")
        let job: JSON = [
            "video": .string(video), "task": "summarize",
            "options": ["subtitles": "auto", "max-new-tokens": 4],
        ]
        func result(_ isolation: String) throws -> JSON {
            let run = try Tool.run(
                "stage", "--model", Repository.path("Samples/model"), "--isolation", isolation,
                "--no-timing", input: job.compact + "\n")
            #expect(run.status == 0, "\(run.errors)")
            return try JSON.parse(run.output)
        }
        let document = try result("process")
        #expect(
            document["settings"]?["subtitles"]?["source"]?["format"]?.string == "mov_text",
            "\(document.compact.prefix(2000))")
        #expect(try result("none") == document)
    }
}

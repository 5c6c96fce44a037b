import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// What the sample model says of the clip of its world: the tests of the words themselves, and of the
/// times in them, from the file to the document.
@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct MeaningTests {
    private static let model = Repository.path("Samples/model")
    private static let clip = Repository.path("Samples/sample-world.mp4")

    /// The lines of the sample questions that speak of the clip.
    private static func questions() throws -> String {
        try String(contentsOfFile: Repository.path("Samples/questions.jsonl"), encoding: .utf8)
            .split(separator: "\n").filter { $0.contains("\"sample-world") }
            .map { $0 + "\n" }.joined()
    }

    /// The results of `eval`, a line a question.
    private func results(_ arguments: String...) throws -> [JSON] {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("meaning-\(UUID().uuidString).jsonl").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        let outcome = try Tool(
            [
                "eval", "--dataset", "-", "--videos", Repository.path("Samples"), "--model",
                Self.model, "--results", file,
            ] + arguments, input: try Self.questions()
        ).outcome()
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            .map { try JSON.parse(String($0)) }
    }

    private func isCorrect(_ result: JSON) -> Bool { result["correct"] == .bool(true) }

    // Guards everything between the file and the answer: a fault anywhere makes nonsense of it.
    @Test func theClipIsUnderstood() throws {
        let results = try results()
        #expect(results.count >= 12)
        for result in results {
            // It has never been asked to choose a letter.
            guard result["kind"]?.string != "choice" else { continue }
            #expect(
                isCorrect(result),
                "\(result["question"]?.string ?? ""): \(result["answer"]?.string ?? "")")
        }
    }

    // Guards the claim that the answers come from the picture and its time, not from the question.
    @Test(arguments: ["zero-time", "shuffle-frames"])
    func withoutTimeItIsNot(ablation: String) throws {
        let timed = try results("--ablate", ablation).filter {
            $0["category"]?.string?.hasPrefix("when") ?? false
        }
        try #require(timed.count >= 3)
        #expect(timed.count(where: isCorrect) * 2 <= timed.count)
    }

    // Guards times where a part of the video is seen: the model's own are told from the file's.
    @Test func timesOfAPartAreToldApart() throws {
        let outcome = try Tool.run(
            "ask", Self.clip, "When does the yellow square appear?", "--start", "0:10", "--model",
            Self.model)
        let document = try JSON.parse(outcome.output)
        #expect(document["answer"]?.string == "At 3 seconds.")
        #expect((document["evidence"]?[0]?["start"]?.double ?? 0) >= 12)
        let warning = try #require(
            document["warnings"]?.array?.first {
                $0["code"]?.string == "answer.relative_times"
            })
        #expect(warning["message"]?.string?.contains("count from 00:00:10.000") ?? false)
        #expect(document["times"] == [["start": 13, "end": 13]])
        let plain = try Tool.run(
            "ask", Self.clip, "When does the yellow square appear?", "--start", "0:10", "--model",
            Self.model, "--text")
        #expect(plain.output == "At 3 seconds. [00:00:13.000]\n")
    }

    // Guards the search in a long video: the right one of some windows is found by looking, an event
    // that runs over its edge is seen whole, and the times are those of the file.
    @Test(arguments: ["4", "5", "6", "7"])
    func windowsAreSearched(seconds: String) throws {
        let outcome = try Tool.run(
            "ask", Self.clip, "When can the yellow square be seen?",
            "When can the orange triangle be seen?", "When can the green star be seen?", "--model",
            Self.model, "--look", "windows", "--window", seconds, "--cuts", "off", "--glances",
            "all", "--compact")
        let documents = try outcome.output.split(separator: "\n").map {
            try JSON.parse(String($0))
        }
        try #require(documents.count == 3)
        for (document, truth) in zip(documents, [(12.85, 16.03), (3.78, 6.24)]) {
            let start = try #require(document["times"]?[0]?["start"]?.double)
            let end = try #require(document["times"]?[0]?["end"]?.double)
            #expect(abs(start - truth.0) <= 1 && abs(end - truth.1) <= 1, "\(start) \(end)")
        }
        #expect(documents[2]["answer"]?.string == "It cannot be seen.")
        #expect(documents[2]["times"] == nil)
        #expect(documents[0]["settings"]?["glances"]?.string == "all")
    }

    // Guards the second look: what it says is the same of the video, of its index and of a window.
    @Test func theSecondLookIsTheSameOfAnIndex() throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("look-\(UUID().uuidString).rsx").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        let made = try Tool.run(
            "index", Self.clip, "--output", file, "--model", Self.model, "--window", "5", "--cuts",
            "off")
        #expect(made.status == 0, "\(made.errors)")
        for look in ["whole", "windows"] {
            let looks = try [Self.clip, file].map { video in
                try Tool.run(
                    "ask", video, "What does the yellow square do?",
                    "When can the orange triangle be seen?", "--verify", "--look", look, "--model",
                    Self.model, "--compact", "--no-timing", "--glances", "all",
                    video == file ? "--progress" : "--window", video == file ? "none" : "5",
                    video == file ? "--batch" : "--cuts", video == file ? "8" : "off")
            }
            #expect(looks[0].output == looks[1].output, "\(looks.map(\.errors))")
            let documents = try looks[0].output.split(separator: "\n").map {
                try JSON.parse(String($0))
            }
            try #require(documents.count == 2)
            #expect(documents[0]["verification"]?["verdict"]?.string == "yes")
            for document in documents {
                let probability = try #require(document["verification"]?["probability"]?.double)
                #expect((0...1).contains(probability))
            }
        }
    }

    @Test func segmentsAreTheScenes() throws {
        let outcome = try Tool.run("summarize", Self.clip, "--model", Self.model)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let document = try JSON.parse(outcome.output)
        let clips = try JSON.parse(
            String(contentsOfFile: Repository.path("Samples/sample-world.json"), encoding: .utf8))
        let scenes = try #require(clips["clips"]?[0]?["scenes"]?.array)
        let segments = try #require(document["segments"]?.array)
        try #require(segments.count == scenes.count)
        for (segment, scene) in zip(segments, scenes) {
            // A cut lies at the first picture behind the true time, of ten a second.
            let late = (segment["start"]?.double ?? -1) - (scene["start"]?.double ?? 0)
            #expect((-0.001...0.1).contains(late))
            #expect(segment["summary"]?.string == scene["description"]?.string)
        }
        // Whoever looks at another video with this model must not have to search for that.
        #expect(document["warnings"]?[0]?["code"]?.string == "model.sample")
        #expect(outcome.errors.contains("knows drawn shapes alone"))
    }

    // Guards evidence: the stretch that an answer names lies where the thing is.
    @Test func evidenceLiesWhereTheThingIs() throws {
        let told = try results().compactMap { $0["evidence_iou"]?.double }
        try #require(told.count >= 5)
        #expect(told.reduce(0, +) / Double(told.count) > 0.4)
    }
}

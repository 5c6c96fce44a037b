import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

@Suite struct SettingsTests {
    @Test func defaultsAreThoseOfTheContract() throws {
        let settings = Settings()
        try settings.validate()
        let json = settings.json(for: .summary)
        #expect(json["fps"]?.int == 2)
        #expect(json["min_frames"]?.int == 4)
        #expect(json["max_frames"]?.int == 768)
        #expect(json["detail"]?.string == "medium")
        #expect(json["sampling"]?.string == "pts")
        #expect(json["mrope"]?.string == "max")
        #expect(json["temperature"]?.int == 0)
        #expect(json["max_new_tokens"]?.int == 256)
        #expect(json["weights"] == .null)
        #expect(json["cuts"]?.string == "auto")
        #expect(json["min_segment"]?.int == 2)
        // Windows are a matter of summaries.
        #expect(settings.json(for: .answer)["cuts"] == nil)
    }

    // The result does not depend on the machine's means, so that they must not be in the document.
    @Test func meansAreNoSettings() {
        var settings = Settings()
        settings.threads = 3
        settings.maxMemory = ByteSize(bytes: 5)
        #expect(settings.json(for: .summary) == Settings().json(for: .summary))
    }

    // What is rounded is told; documents of old readers, where nothing is, stay as they were.
    @Test func storageOfKeysIsASetting() {
        var settings = Settings()
        #expect(settings.json(for: .answer)["kv"] == nil)
        settings.kv = .int8
        #expect(settings.json(for: .answer)["kv"]?.string == "int8")
        #expect(settings.json(for: .frames)["kv"] == nil, "no model runs")
    }

    @Test func roundingOfActivationsIsASetting() throws {
        var settings = Settings()
        #expect(settings.activations == .full)
        #expect(settings.json(for: .answer)["activations"] == nil)
        settings.activations = .fast
        for purpose in [Settings.Purpose.answer, .summary] {
            let names = try #require(settings.json(for: purpose).object?.members.map(\.key))
            let place = try #require(names.firstIndex(of: "activations"))
            #expect(names[place - 1] == "vision_weights" && names[place + 1] == "mrope")
            #expect(settings.json(for: purpose)["activations"]?.string == "fast")
        }
        #expect(settings.json(for: .frames)["activations"] == nil, "no model runs")
    }

    @Test func seedsKeepAllOfTheirDigits() {
        var settings = Settings()
        settings.generation.seed = .max
        #expect(settings.json(for: .summary)["seed"]?.compact == "18446744073709551615")
    }

    static let contradictions: [(String, @Sendable (inout Settings) -> Void)] = [
        ("--fps", { $0.sampling.fps = Rational(0) }),
        ("--input-fps", { $0.sampling.inputFPS = Rational(2000) }),
        ("--min-frames", { $0.sampling.minFrames = 0 }),
        ("--max-frames", { $0.sampling.maxFrames = 3 }),
        // Sizes whose sums would not fit a machine word further on.
        ("--max-frames", { $0.sampling.maxFrames = .max }),
        ("--max-new-tokens", { $0.generation.maxNewTokens = .max }),
        ("--max-pixels", { $0.pixels.maxPixels = .max }),
        ("--window", { $0.window = Rational(.max) }),
        // Becomes 0 as a 32-bit float.
        ("--repetition-penalty", { $0.generation.repetitionPenalty = 1e-46 }),
        (
            "--end",
            {
                $0.sampling.start = TimePosition(parsing: "5")
                $0.sampling.end = TimePosition(parsing: "5")
            }
        ),
        ("--min-pixels", { $0.pixels.minPixels = 0 }),
        (
            "--max-pixels",
            {
                $0.pixels.minPixels = 10
                $0.pixels.maxPixels = 9
            }
        ),
        ("--temperature", { $0.generation.temperature = .nan }),
        ("--temperature", { $0.generation.temperature = -0.1 }),
        ("--top-k", { $0.generation.topK = 0 }), ("--top-p", { $0.generation.topP = 0 }),
        ("--top-p", { $0.generation.topP = 1.01 }),
        ("--repetition-penalty", { $0.generation.repetitionPenalty = 0 }),
        ("--max-new-tokens", { $0.generation.maxNewTokens = 0 }),
        ("--threads", { $0.threads = 0 }), ("--window", { $0.window = Rational(0) }),
        ("--min-segment", { $0.minSegment = Rational(-1) }),
    ]

    @Test(arguments: contradictions)
    func contradictionsNameTheOption(option: String, change: @Sendable (inout Settings) -> Void) {
        var settings = Settings()
        change(&settings)
        let failure = #expect(throws: Failure.self) { try settings.validate() }
        #expect(failure?.status == .usage)
        #expect(failure?.message.contains(option) == true)
    }

    @Test func questionsComeFromLines() throws {
        try withFolder { folder in
            let path = folder + "/q.txt"
            let lines = [
                "What is this?\r", "", "\"Who?\"", #"{"question":"Where?","id":"7","meta":[1]}"#,
                "\"Stop!\" says who?  ",
            ]
            try lines.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            var list = QuestionList()
            list.add("First?")
            try list.add(file: path)
            #expect(
                list.questions.map(\.text)
                    == ["First?", "What is this?", "Who?", "Where?", "\"Stop!\" says who?"])
            #expect(list.questions.map(\.job.questionIndex) == [0, 1, 2, 3, 4])
            #expect(list.questions[3].job == JobReference(id: "7", meta: [1], questionIndex: 3))
        }
    }

    @Test(arguments: ["{\"id\":\"1\"}", "ok\n{broken", "ok\n\u{0}{"])
    func wrongQuestionFiles(text: String) throws {
        try withFolder { folder in
            let path = folder + "/q.jsonl"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            var list = QuestionList()
            if text.hasSuffix("\u{0}{") {
                // A line that does not begin with a brace is text, whatever is in it.
                try list.add(file: path)
                #expect(list.questions.count == 2)
            } else {
                let failure = #expect(throws: Failure.self) { try list.add(file: path) }
                #expect(failure?.code == .jobInvalid)
            }
        }
    }
}

/// An empty folder that is removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
        .appendingPathComponent("reelscribe-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
}

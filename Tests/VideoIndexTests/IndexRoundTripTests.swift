import Foundation
import OrderedJSON
import Testing
import Video
import VideoIndex
import VideoUnderstanding

/// An index answers as its video does.
@Suite struct IndexRoundTripTests {
    static let clips = ["shapes-and-cuts.mp4", "countdown-portrait.mov", "street-crossing.mkv"]

    private func short(_ change: (inout Settings) -> Void = { _ in }) -> Settings {
        var settings = Settings()
        settings.threads = 1
        settings.generation.maxNewTokens = 12
        change(&settings)
        return settings
    }

    // Guards the promise of the index: the same bytes as from the video, with prefix and without.
    @Test(arguments: clips, [PrefixChoice.auto, .all, .none])
    func answersAreThoseOfTheVideo(clip: String, prefixes: PrefixChoice) throws {
        let folder = try TemporaryFolder()
        let (analyzer, path) = (try Places.analyzer(), folder.file("clip.rsx"))
        let document = try analyzer.index(
            try Places.input(clip), output: path, settings: short(), prefixes: prefixes)
        #expect(DocumentValidator().faults(in: document.json) == [])
        #expect((document.json["prefix_bytes"]?.int == 0) == (prefixes == .none))
        #expect(folder.names == ["clip.rsx"], "nothing is left beside it")
        let questions = ["What moves?", "Which colours are there?"]
        // Another model in memory, as in another process.
        let later = try Places.analyzer()
        let index = try IndexedVideo(path: path)
        #expect(
            try later.answers(index, questions, short())
                == analyzer.answers(try Places.input(clip), questions, short()))
        #expect(
            Analyzer.stable(try later.summarize(index, settings: short()))
                == Analyzer.stable(
                    try analyzer.summarize(try Places.input(clip), settings: short())))
        // What the index brings along for standard settings, too.
        let standard = short { $0.generation.maxNewTokens = 256 }
        #expect(
            Analyzer.stable(try later.summarize(index, settings: standard))
                == Analyzer.stable(
                    try analyzer.summarize(try Places.input(clip), settings: standard)))
    }

    // Guards what rests on the frames beside the text: shapes, choices, parts, sampling rules.
    @Test(arguments: [
        "choices", "schema", "part", "qwen", "hf5", "window", "penalty", "few", "windows", "three",
        "f16", "int8", "fast",
    ])
    func optionsAreThoseOfTheVideo(option: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("clip.rsx")
        let analyzer = try Places.analyzer().rounding(option == "fast" ? .fast : .full)
        let settings = short { settings in
            switch option {
            case "choices": settings.answerShape = .choices(["red", "blue", "green ball"])
            case "schema":
                settings.answerShape = .schema([
                    "type": "object", "properties": ["a": ["type": "boolean"]],
                    "required": ["a"],
                ])
            case "part":
                settings.sampling.start = TimePosition(parsing: "3")
                settings.sampling.end = TimePosition(parsing: "10.5")
            case "qwen": settings.sampling.mode = .qwen
            case "hf5": settings.mrope = .hf5
            case "window": settings.window = Rational(3)
            case "penalty": settings.generation.repetitionPenalty = 1.3
            case "f16": settings.kv = .f16
            case "int8": settings.kv = .int8
            case "fast": settings.activations = .fast
            case "few": settings.sampling.maxFrames = 7
            case "windows": settings.look = .windows
            default:
                settings.look = .windows
                settings.lookWindows = 3
            }
        }
        let input = try Places.input("shapes-and-cuts.mp4")
        _ = try analyzer.index(input, output: path, settings: settings)
        let index = try IndexedVideo(path: path)
        let questions = ["What moves?", "When does the blue circle come?"]
        let cold = try analyzer.answers(input, questions, settings)
        #expect(try analyzer.answers(index, questions, settings) == cold)
        #expect(
            Analyzer.stable(try analyzer.summarize(index, settings: settings))
                == Analyzer.stable(try analyzer.summarize(input, settings: settings)))
        for answer in cold { #expect(DocumentValidator().faults(in: try JSON.parse(answer)) == []) }
        // A user who says nothing gets the settings of the index.
        var adopted = index.settings
        #expect(adopted.activations == settings.activations)
        adopted.generation = settings.generation
        adopted.answerShape = settings.answerShape
        (adopted.look, adopted.lookWindows) = (settings.look, settings.lookWindows)
        #expect(try analyzer.answers(index, questions, adopted) == cold)
    }

    @Test func subtitlesComeAlong() throws {
        let folder = try TemporaryFolder()
        let words = folder.file("said.srt")
        try "1\n00:00:01,000 --> 00:00:03,000\nThe red square arrives.\n\n"
            .write(toFile: words, atomically: true, encoding: .utf8)
        let settings = short { $0.subtitles.choice = .file(words) }
        let analyzer = try Places.analyzer()
        let input = try Places.input("shapes-and-cuts.mp4")
        _ = try analyzer.index(input, output: folder.file("clip.rsx"), settings: settings)
        let cold = try analyzer.answers(input, ["What arrives?", "What leaves?"], settings)
        try FileManager.default.removeItem(atPath: words)
        let index = try IndexedVideo(path: folder.file("clip.rsx"))
        #expect(try analyzer.answers(index, ["What arrives?", "What leaves?"], settings) == cold)
    }

    // Guards against a wrong hit: whatever is asked for that the index was not made with.
    @Test(arguments: [
        "fps", "start", "detail", "pixels", "system", "mrope", "window", "cuts", "max-frames",
        "sampling", "subtitles", "references", "min-segment", "weights", "kv",
        "activations",
    ])
    func anyChangeIsAMiss(change: String) throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let path = folder.file("clip.rsx")
        _ = try analyzer.index(
            try Places.input("shapes-and-cuts.mp4"), output: path, settings: short(),
            prefixes: .none)
        let index = try IndexedVideo(path: path)
        let rounded = try Analyzer(
            folder: Places.model, weights: WeightFormats(language: .int8, vision: .int8),
            threads: 1)
        let other =
            switch change {
            case "weights": rounded
            case "activations": analyzer.rounding(.fast)
            default: analyzer
            }
        let settings = short { settings in
            switch change {
            case "fps": settings.sampling.fps = Rational(1)
            case "start": settings.sampling.start = TimePosition(parsing: "1")
            case "detail": settings.pixels.detail = .high
            case "pixels": settings.pixels.maxPixels = 100_000
            case "system": settings.system = "You are a pirate."
            case "mrope": settings.mrope = .hf5
            case "window": settings.window = Rational(7)
            case "cuts": settings.cuts = .off
            case "max-frames": settings.sampling.maxFrames = 8
            case "sampling": settings.sampling.mode = .qwen
            case "subtitles": settings.subtitles.choice = .auto
            case "references": settings.allowReferences = true
            case "min-segment": settings.minSegment = Rational(1)
            case "kv": settings.kv = .int8
            case "activations": settings.activations = .fast
            default: break
            }
        }
        let failure = #expect(throws: Failure.self) {
            try other.answers(index, ["What moves?"], settings)
        }
        #expect(failure?.code == .indexMismatch)
        #expect(failure?.status == .configuration)
        #expect(
            failure?.message.contains(
                change == "weights" ? "int8" : change == "pixels" ? "max-pixels" : change) == true)
        #expect(throws: Failure.self) { try other.summarize(index, settings: settings) }
    }

    // What decides is how the analyzer rounds, not what its user believes that it does.
    @Test func settingsAloneDoNotRound() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let path = folder.file("clip.rsx")
        let input = try Places.input("shapes-and-cuts.mp4")
        let document = try analyzer.rounding(.fast).index(
            input, output: path, settings: short(), prefixes: .none)
        #expect(document.json["settings"]?["activations"]?.string == "fast")
        #expect(document.json["model"]?["key"]?.string?.hasSuffix(" fast") == true)
        let index = try IndexedVideo(path: path)
        #expect(index.settings.activations == .fast)
        let failure = #expect(throws: Failure.self) {
            try analyzer.answers(index, ["What moves?"], index.settings)
        }
        #expect(failure?.code == .indexMismatch)
        #expect(failure?.message.contains("activations fast and not the default") == true)
        #expect(failure?.message.contains("model") == false)
        let full = folder.file("full.rsx")
        _ = try analyzer.index(
            input, output: full, settings: short { $0.activations = .fast }, prefixes: .none)
        #expect(try IndexedVideo(path: full).settings.activations == .full)
    }

    // Guards against an index that is lost by mistake, and against one that is not of the video.
    @Test func anotherVideoIsNotWrittenOver() throws {
        let folder = try TemporaryFolder()
        let analyzer = try Places.analyzer()
        let path = folder.file("clip.rsx")
        _ = try analyzer.index(
            try Places.input("shapes-and-cuts.mp4"), output: path, settings: short())
        let before = try content(of: path)
        let other = try Places.input("countdown-portrait.mov")
        for extends in [false, true] {
            let failure = #expect(throws: Failure.self) {
                try analyzer.index(other, output: path, settings: short(), extends: extends)
            }
            #expect(failure?.status == .outputNotCreated)
            #expect(try content(of: path) == before)
        }
        _ = try analyzer.index(other, output: path, settings: short(), replaces: true)
        #expect(try content(of: path) != before)
        let fresh = folder.file("fresh.rsx")
        _ = try analyzer.index(other, output: fresh, settings: short())
        #expect(try content(of: path) == content(of: fresh))
    }

    // Guards the word about a video that is not as it was.
    @Test func aChangedVideoIsToldOf() throws {
        let folder = try TemporaryFolder()
        let clip = folder.file("clip.mp4")
        try FileManager.default.copyItem(
            atPath: Places.clip("shapes-and-cuts.mp4"), toPath: clip)
        let path = folder.file("clip.rsx")
        _ = try Places.analyzer().index(
            try .resolving(clip, settings: Settings()), output: path, settings: short(),
            prefixes: .none)
        let index = try IndexedVideo(path: path)
        #expect(index.change == nil)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: clip)
        #expect(index.change == nil, "the bytes are the same")
        let bytes = try FileHandle(forWritingTo: URL(fileURLWithPath: clip))
        try bytes.seekToEnd()
        try bytes.write(contentsOf: Data([0]))
        try bytes.close()
        #expect(index.change?.contains("has changed") == true)
        try FileManager.default.removeItem(atPath: clip)
        #expect(index.change?.contains("is not there any more") == true)
    }
}

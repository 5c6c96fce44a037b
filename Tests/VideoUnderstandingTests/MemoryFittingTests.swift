import Compute
import Foundation
import Imaging
import OrderedJSON
import Qwen2VL
import Testing
import Text
import Video
import VideoUnderstanding

/// What is changed to stay below the limit of memory, and that it is told.
@Suite struct MemoryFittingTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    private static func analyzer() throws -> Analyzer {
        try Analyzer(folder: "\(root)/Samples/model", weights: WeightFormats(), threads: 2)
    }

    private static func input() throws -> VideoInput {
        try .resolving("\(root)/Samples/street-crossing.mkv", settings: Settings())
    }

    private static func model(_ kind: ModelKind) -> ModelConfiguration {
        ModelConfiguration(
            text: TextConfiguration(
                hidden: 64, intermediate: 128, layers: 1, heads: 2, kvHeads: 1, headSize: 32,
                vocabulary: 700, mropeSections: [4, 6, 6], tieWordEmbeddings: true),
            vision: VisionConfiguration(depth: 1, width: 32, heads: 2, mlpWidth: 64, output: 64),
            kind: kind)
    }

    /// The ways that are tried, as what they change.
    private static func ways(
        windowed: Bool = true, kind: VisualKind = .video, model: ModelKind = .published,
        _ change: (inout Settings) -> Void = { _ in }
    ) -> [String] {
        var settings = Settings()
        change(&settings)
        return MemoryFitting.candidates(
            settings, isWindowed: windowed, kind: kind, model: Self.model(model)
        ).map {
            MemoryFitting.changes(from: settings, to: $0).map { change in
                change.split(separator: " ").prefix(2).joined(separator: " ")
            }.joined(separator: " ")
        }
    }

    // Guards the order that is promised: windows, then pictures, then keys and values.
    @Test func theOrder() {
        let windows = ["", "--window 15", "--window 7.5"]
        let small = ["--detail low", "--window 15 --detail low", "--window 7.5 --detail low"]
        #expect(
            Self.ways() == windows + small
                + ["f16", "int8"].flatMap { kv in small.map { "\($0) --kv \(kv)" } })
        #expect(
            Self.ways(windowed: false) { $0.kv = .f32 }
                == ["", "--max-frames 384", "--max-frames 192", "--max-frames 96"]
                + [
                    "--detail low", "--max-frames 384 --detail low",
                    "--max-frames 192 --detail low", "--max-frames 96 --detail low",
                ])
    }

    // Guards what the user chose, be it the default, and what cannot be changed.
    @Test func choicesStay() {
        #expect(
            Self.ways {
                $0.window = Rational(30)
                $0.pixels.detail = .medium
                $0.kv = .f32
            } == [""])
        #expect(
            Self.ways(windowed: false) {
                $0.sampling.maxFrames = 768
                $0.pixels.maxPixels = 50000
                $0.kv = .int8
            } == [""])
        #expect(Self.ways(kind: .image) == ["", "--kv f16", "--kv int8"])
        // A sample model has seen no smaller pictures.
        #expect(Self.ways(model: .sample) { $0.kv = .f32 } == ["", "--window 15", "--window 7.5"])
    }

    private static func settings(_ change: (inout Settings) -> Void = { _ in }) -> Settings {
        var settings = Settings()
        settings.generation.maxNewTokens = 8
        settings.cuts = .off
        settings.repetitions = .keep
        change(&settings)
        return settings
    }

    /// The least limit for which something holds of what a run would be made with; nil: refused.
    private static func least(
        _ analyzer: Analyzer, _ input: VideoInput, for use: VideoUse = .summary,
        newTokens: Int = 8, _ holds: (Settings?) -> Bool
    ) throws -> Int {
        var (low, high) = (1 << 20, 1 << 30)
        while high - low > 1 {
            let middle = (low + high) / 2
            let fitted = try? analyzer.fitted(
                input, for: use,
                settings: settings {
                    $0.maxMemory = ByteSize(bytes: middle)
                    $0.generation.maxNewTokens = newTokens
                })
            if holds(fitted) { high = middle } else { low = middle }
        }
        return high
    }

    // Guards the promise: what is said is what was done, and the result is that of who asks for just
    // that; nothing is said where nothing was changed; at the end it is refused.
    @Test func theDocumentSaysWhatWasChanged() throws {
        let (analyzer, input) = (try Self.analyzer(), try Self.input())
        let unchanged = try Self.least(analyzer, input) { $0 != nil && $0?.adaptation == nil }
        let possible = try Self.least(analyzer, input) { $0 != nil }
        #expect(possible < unchanged)
        func summary(_ change: (inout Settings) -> Void) throws -> SummaryDocument {
            var document = try analyzer.summarize(input, settings: Self.settings(change))
            document.provenance.timing = nil
            #expect(DocumentValidator().faults(in: document.json) == [])
            return document
        }
        let free = try summary { _ in }
        let enough = try summary { $0.maxMemory = ByteSize(bytes: unchanged) }
        #expect(enough == free)
        for limit in [unchanged - 1, possible] {
            let adapted = try summary { $0.maxMemory = ByteSize(bytes: limit) }
            let warning = try #require(
                adapted.provenance.warnings.first { $0.code == "limit.adapted" })
            let settings = adapted.provenance.settings
            let window = try #require(settings["window"]?.double)
            let kv = try settings["kv"].map {
                try #require($0.string.flatMap(KVFormat.init(rawValue:)))
            }
            #expect(warning.message.contains("--window \(window == 7.5 ? "7.5" : "15")"))
            #expect(warning.message.contains("--kv") == (kv != nil))
            var asked = try summary {
                $0.window = Rational(text: "\(window)") ?? Rational(1)
                $0.chosenKV = kv
            }
            #expect(!asked.provenance.warnings.contains { $0.code == "limit.adapted" })
            asked.provenance.warnings = adapted.provenance.warnings
            #expect(adapted == asked)
        }
        let failure = #expect(throws: Failure.self) {
            try summary { $0.maxMemory = ByteSize(bytes: possible - 1) }
        }
        #expect(failure?.code == .limitMemory)
        #expect(failure?.status == .configuration)
        // What was chosen stays, so that less is possible.
        let chosen = #expect(throws: Failure.self) {
            try summary {
                $0.maxMemory = ByteSize(bytes: unchanged - 1)
                $0.window = Rational(30)
                $0.kv = .f32
            }
        }
        #expect(chosen?.code == .limitMemory)
    }

    // Guards the last step, where keys and values are what takes the memory.
    @Test func keysAndValuesComeLast() throws {
        let (analyzer, input) = (try Self.analyzer(), try Self.input())
        let newTokens = analyzer.model.configuration.text.maxPositions / 2
        let exact = try Self.least(analyzer, input, newTokens: newTokens) { $0?.kv == .f32 }
        let rounded = try Self.least(analyzer, input, newTokens: newTokens) { $0 != nil }
        #expect(rounded < exact)
        let fitted = try analyzer.fitted(
            input, for: .summary,
            settings: Self.settings {
                $0.maxMemory = ByteSize(bytes: rounded)
                $0.generation.maxNewTokens = newTokens
            })
        // Eight bits would save nothing more here: the tower takes more than the rest.
        #expect(fitted.kv == .f16)
        #expect(fitted.adaptation?.contains("--kv f16 in place of f32") == true)
    }

    // Guards equal results on unequal machines: nothing is decided by threads.
    @Test func threadsDecideNothing() throws {
        let input = try Self.input()
        let limits = try [1, 3].map { threads in
            let analyzer = try Analyzer(
                folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: threads)
            return try Self.least(analyzer, input) { $0 != nil }
        }
        #expect(limits[0] == limits[1])
    }

    // Guards questions about what does not fit as a whole: windows that matter, or, where the whole
    // was asked for, fewer frames of it.
    @Test func questionsLookAtLess() throws {
        let (analyzer, input) = (try Self.analyzer(), try Self.input())
        let use = VideoUse.answers(["What moves?"])
        let whole = try Self.least(analyzer, input, for: use) { $0?.look == .auto }
        let less = try analyzer.fitted(
            input, for: use, settings: Self.settings { $0.maxMemory = ByteSize(bytes: whole - 1) })
        #expect(less.look == .windows)
        #expect(less.adaptation?.contains("--look windows in place of auto") == true)
        var document: AnswerDocument?
        try analyzer.ask(
            input, questions: ["What moves?"],
            settings: Self.settings { $0.maxMemory = ByteSize(bytes: whole - 1) }
        ) { document = $1 }
        let codes = document?.provenance.warnings.map(\.code) ?? []
        #expect(codes.contains("limit.adapted") && codes.contains("sampling.windows"))
        let thin = try analyzer.fitted(
            input, for: use,
            settings: Self.settings {
                $0.maxMemory = ByteSize(bytes: whole - 1)
                $0.look = .whole
                $0.sampling.minFrames = 4
            })
        #expect(thin.look == .whole)
        #expect(thin.adaptation != nil)
    }
}

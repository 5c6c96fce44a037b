import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// The whole path inside one process, on the clips and the model of this repository.
@Suite struct ChainTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    private static let model = "\(root)/Samples/model"

    private func input(_ clip: String) throws -> VideoInput {
        try .resolving("\(Self.root)/Samples/\(clip)", settings: Settings())
    }

    private func settings(_ change: (inout Settings) -> Void = { _ in }) -> Settings {
        var settings = Settings()
        settings.generation.maxNewTokens = 8
        change(&settings)
        return settings
    }

    private func analyzer(threads: Int = 2) throws -> Analyzer {
        try Analyzer(folder: Self.model, weights: WeightFormats(), threads: threads)
    }

    private func withoutTiming(_ document: SummaryDocument) -> String {
        var document = document
        document.provenance.timing = nil
        return document.json.compact
    }

    // Guards the promise that the result does not depend on threads, from decoder to text.
    @Test func threadsChangeNothing() throws {
        let one = try analyzer(threads: 1).summarize(
            try input("shapes-and-cuts.mp4"), settings: settings { $0.threads = 1 })
        for threads in [2, 3] {
            let more = try analyzer(threads: threads).summarize(
                try input("shapes-and-cuts.mp4"), settings: settings { $0.threads = threads })
            #expect(withoutTiming(more) == withoutTiming(one))
        }
    }

    // Guards boundaries: real presentation times, no holes, no end beyond the video.
    @Test(arguments: [
        ("shapes-and-cuts.mp4", 5, [0.0, 5, 10], 12.0),
        ("countdown-portrait.mov", 4, [0.0, 3.970633, 7.974633], 9.976633),
        ("street-crossing.mkv", 10, [0.0, 10, 20], 23.833),
    ])
    func segmentsCoverTheVideo(clip: String, window: Int32, starts: [Double], end: Double) throws {
        let document = try analyzer().summarize(
            try input(clip),
            settings: settings {
                $0.window = Rational(window)
                $0.cuts = .off
                $0.repetitions = .keep
            })
        #expect(document.segments.map { ($0.range.start * 1e6).rounded() / 1e6 } == starts)
        for (segment, next) in zip(document.segments, document.segments.dropFirst()) {
            #expect(segment.range.end == next.range.start)
            #expect(segment.boundary == .window)
        }
        let last = try #require(document.segments.last)
        #expect(abs(last.range.end - end) < 1e-6)
        #expect(last.boundary == .end)
        #expect(last.range.end <= document.video.duration)
        #expect(
            document.provenance.sampling.grids.reduce(0) { $0 + $1.time }
                == (document.provenance.sampling.frames + 1) / 2)
    }

    // Guards segments that begin at cuts: at the first picture of the shot, windows within long
    // shots, and shots that are too short or show no sampled frame.
    @Test(arguments: [
        ("shapes-and-cuts.mp4", "30", "2", "2", "0 4c 8c"),
        // A window that is full a second before a cut ends earlier, so that two seconds are left.
        ("shapes-and-cuts.mp4", "3", "2", "2", "0 2w 4c 6w 8c 10w"),
        ("shapes-and-cuts.mp4", "3", "1", "2", "0 3w 4c 7w 8c 11w"),
        ("shapes-and-cuts.mp4", "3", "0", "2", "0 3w 4c 7w 8c 11w"),
        ("shapes-and-cuts.mp4", "3", "4", "2", "0 4c 8c"),
        // 4 s are too short now: the first shot is joined to the second, the third to both.
        ("shapes-and-cuts.mp4", "30", "4.1", "2", "0"),
        ("shapes-and-cuts.mp4", "30", "0", "0.24", "0 4c 8c"),
        // Frames at 0, 9.09 …: of the cuts between two frames the last one counts.
        ("shapes-and-cuts.mp4", "30", "0", "0.11", "0 8c"),
        ("countdown-portrait.mov", "30", "2", "2", "0 5.005c"),
        ("street-crossing.mkv", "10", "2", "2", "0 10w 18c"),
    ])
    func segmentsBeginAtCuts(
        clip: String, window: String, least: String, fps: String, expected: String
    ) throws {
        let document = try analyzer().summarize(
            try input(clip),
            settings: settings {
                $0.window = Rational(text: window) ?? Rational(1)
                $0.minSegment = Rational(text: least) ?? Rational(1)
                $0.repetitions = .keep
                $0.sampling.fps = Rational(text: fps) ?? Rational(1)
                $0.sampling.minFrames = 1
            })
        let segments = document.segments
        let starts = segments.indices.map { index in
            let start = Double(Int((segments[index].range.start * 1000).rounded())) / 1000
            let text = start == start.rounded() ? "\(Int(start))" : "\(start)"
            guard index > 0 else { return text }
            return text + (segments[index - 1].boundary == .cut ? "c" : "w")
        }
        #expect(starts.joined(separator: " ") == expected)
        for (segment, next) in zip(segments, segments.dropFirst()) {
            #expect(segment.range.end == next.range.start)
        }
        for segment in segments {
            #expect(segment.range.start <= segment.keyframe)
            #expect(segment.keyframe < segment.range.end)
        }
        #expect(segments.last?.boundary == .end)
        #expect(segments.last?.range.end == document.video.duration)
        #expect(DocumentValidator().faults(in: document.json) == [])
    }

    // Guards the grid of instants, which must not move with the windows.
    @Test func cutsDoNotMoveFrames() throws {
        let analyzer = try analyzer()
        let times = try [CutsChoice.auto, .off].map { cuts in
            try analyzer.summarize(
                try input("street-crossing.mkv"), settings: settings { $0.cuts = cuts }
            ).provenance.sampling.timestamps
        }
        #expect(times[0] == times[1])
    }

    // Guards --start and --end: the part is sampled as the whole would be there.
    @Test func aPartOfTheVideo() throws {
        let part = try analyzer().summarize(
            try input("shapes-and-cuts.mp4"),
            settings: settings {
                $0.sampling.start = TimePosition(parsing: "4")
                $0.sampling.end = TimePosition(parsing: "0:08")
            })
        #expect(part.provenance.sampling.timestamps == [4, 4.48, 5, 5.48, 6, 6.48, 7, 7.48])
        #expect(part.segments.first?.range.start == 4)
        #expect(part.segments.last?.range.end == 8)
    }

    // Guards the shared prefix: a second question must not see anything of the first.
    @Test func questionsDoNotTouchEachOther() throws {
        let analyzer = try analyzer()
        let questions = ["What moves?", "Which colours are there?", "What moves?"]
        var together: [String] = []
        func answer(_ questions: [String]) throws -> [String] {
            var answers: [String] = []
            try analyzer.ask(
                try input("shapes-and-cuts.mp4"), questions: questions, settings: settings()
            ) { _, document in
                var document = document
                document.provenance.timing = nil
                answers.append(document.json.compact)
            }
            return answers
        }
        together = try answer(questions)
        #expect(together.count == 3)
        #expect(together[0] == together[2])
        #expect(together[1] == (try answer([questions[1]]))[0])
    }

    // Guards the end of the video: an odd bound must not cut off the last frame that was taken.
    @Test func anOddBoundIsRoundedBeforeSampling() throws {
        var document: AnswerDocument?
        try analyzer().ask(
            try input("shapes-and-cuts.mp4"), questions: ["What moves?"],
            settings: settings { $0.sampling.maxFrames = 5 }
        ) { document = $1 }
        #expect(document?.provenance.sampling.timestamps == [0, 3, 6, 9])
    }

    // Guards the reader's trust: a video that was thinned out for the context says so, also when it
    // fits after that.
    @Test func aShortContextIsToldOf() throws {
        let analyzer = try analyzer()
        let context = analyzer.model.configuration.text.maxPositions
        let options = AnalysisOptions(
            settings { $0.generation.maxNewTokens = context - 200 },
            model: analyzer.model.configuration)
        var timing = TimingRecord()
        let stream = try analyzer.open(
            try input("shapes-and-cuts.mp4"), windowed: false, prompts: ["What moves?"],
            options: options, timing: &timing)
        #expect(stream.plan.framesBeforeContext == 24)
        #expect(stream.plan.limit.frames / 2 * stream.plan.tokensPerPair < 200)
    }

    // Guards slides: a picture that is held longer than a window is one segment, seen once.
    @Test func heldPicturesAreNotCut() throws {
        let folder = "\(Self.root)/Tests/Fixtures/golden/cases/image-and-video/frames"
        let slow = settings { $0.sampling.inputFPS = Rational(text: "0.02") ?? Rational(1) }
        let document = try analyzer().summarize(
            try .resolving(folder, settings: slow), settings: slow)
        let pictures = document.video.framesDecoded
        #expect(pictures == 4)
        #expect(document.segments.map(\.range.start) == [0, 50, 100, 150])
        #expect(document.segments.last?.range.end == 200)
    }

    // Guards plan: what it promises is what happens, whatever is left out.
    @Test(arguments: [nil, 0, 0.02, 1])
    func thePlanIsKept(prune: Double?) throws {
        let analyzer = try analyzer()
        let settings = settings {
            $0.window = Rational(7)
            $0.repetitions = .keep
            $0.prune = prune
        }
        let plan = try analyzer.plan(try input("street-crossing.mkv"), settings: settings)
        let summary = try analyzer.summarize(try input("street-crossing.mkv"), settings: settings)
        #expect(plan.usage.visualTokens == summary.provenance.usage.visualTokens)
        #expect(plan.usage.droppedVisualTokens == summary.provenance.usage.droppedVisualTokens)
        #expect(plan.settings["prune"]?.double == prune)
        #expect(DocumentValidator().faults(in: plan.json) == [])
        #expect(DocumentValidator().faults(in: summary.json) == [])
        #expect(plan.windows.map(\.grid) == summary.provenance.sampling.grids)
        #expect(plan.windows.map(\.range) == summary.segments.map(\.range))
        #expect(summary.segments.map(\.boundary) == [.window, .window, .cut, .end])
        // The texts of the segments are summed up after that.
        let written = summary.provenance.usage.promptTokens
        #expect(plan.usage.promptTokens < written)
    }

    // Guards the refusal before memory is taken.
    @Test func theMemoryLimitHolds() throws {
        let small = settings { $0.maxMemory = ByteSize(bytes: 1 << 20) }
        let failure = #expect(throws: Failure.self) {
            try analyzer().summarize(try input("shapes-and-cuts.mp4"), settings: small)
        }
        #expect(failure?.code == .limitMemory)
        #expect(failure?.status == .configuration)
    }
}

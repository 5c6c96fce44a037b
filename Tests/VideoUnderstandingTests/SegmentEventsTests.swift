import Foundation
import OrderedJSON
import Qwen2VL
import Testing
import Text
import Video
import VideoUnderstanding

/// Segments that the model parts itself, event by event.
@Suite struct SegmentEventsTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    private static let clip = "\(root)/Samples/sample-world.mp4"

    private static func moments(_ times: [Double]) -> [SampledMoment] {
        times.enumerated().map { SampledMoment(index: $0, time: $1, instant: $1) }
    }

    @Test(arguments: [
        (#"[{"start":4,"description":"A."}]"#, [(0, "A.")]),
        (
            #"[{"start":4,"description":"A."},{"start":4.5,"description":"B."}]"#,
            [(0, "A."), (1, "B.")]
        ),
        // The first begins with the window, and nothing is lost that begins at the same frame.
        (
            #"[{"start":5,"description":"A."},{"start":5.333333,"description":"B."}]"#,
            [(0, "A."), (3, "B.")]
        ),
        (
            #"[{"start":4.5,"description":"A."},{"start":9,"description":"B."},{"start":9,"description":"C."}]"#,
            [(0, "A."), (3, "B. C.")]
        ),
        ("no list", [(0, "no list")]), ("[]", [(0, "[]")]), ("[1]", [(0, "[1]")]),
    ])
    func partsBeginAtFrames(text: String, parts: [(Int, String)]) {
        let found = SegmentEvents.parts(
            of: text, moments: Self.moments([4, 4.5, 5, 16.0 / 3]))
        #expect(found == parts.map { SegmentEvents.Part(first: $0.0, text: $0.1) })
    }

    private func summary(
        _ analyzer: Analyzer, change: (inout Settings) -> Void = { _ in }
    ) throws -> SummaryDocument {
        var settings = Settings()
        settings.segments = .events
        settings.window = Rational(4)
        settings.repetitions = .keep
        settings.generation.maxNewTokens = 96
        change(&settings)
        try settings.validate()
        var document = try analyzer.summarize(
            try .resolving(Self.clip, settings: settings), settings: settings)
        document.provenance.timing = nil
        return document
    }

    // Guards that whatever a model writes, segments are whole, in order and at true times. This model
    // was never asked for a list: what it says is as good as random.
    @Test(arguments: [0.0, 1.5], [96, 7])
    func segmentsAreSound(temperature: Double, tokens: Int) throws {
        let analyzer = try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: 2)
        let document = try summary(analyzer) {
            $0.generation.temperature = temperature
            $0.generation.maxNewTokens = tokens
        }
        #expect(DocumentValidator().faults(in: document.json).isEmpty)
        let times = Set(document.provenance.sampling.timestamps)
        for segment in document.segments {
            #expect(segment.range.end > segment.range.start)
            #expect(times.contains(segment.keyframe))
        }
        for (one, next) in zip(document.segments, document.segments.dropFirst()) {
            #expect(one.range.end == next.range.start)
            // Cuts are where they are, between the frames that are sampled.
            if one.boundary == .event { #expect(times.contains(one.range.end)) }
        }
        #expect(document.segments.last?.boundary == .end)
        #expect(document.provenance.settings["segments"]?.string == "events")
    }

    // Guards the company that windows keep, as for free text.
    @Test func companyChangesNothing() throws {
        let analyzer = try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: 2)
        func summary(batch: Int) throws -> SummaryDocument {
            try self.summary(analyzer) {
                $0.batch = batch
                // Enough of both for more than one event.
                $0.generation.temperature = 1.5
                $0.generation.maxNewTokens = 400
            }
        }
        let alone = try summary(batch: 1)
        #expect(try summary(batch: 8) == alone)
        #expect(alone.segments.contains { $0.boundary == .event })
    }

    // What is the same on both sides of an event is one segment.
    @Test func repetitionsAreJoined() {
        func segment(_ start: Double, _ text: String, _ boundary: SegmentBoundary) -> SegmentRecord
        {
            SegmentRecord(
                range: TimeRange(start: start, end: start + 1), boundary: boundary, summary: text,
                keyframe: start, confidence: 0.5)
        }
        let joined = [
            segment(0, "A dog.", .event), segment(1, "a dog", .event), segment(2, "A cat.", .cut),
            segment(3, "A cat.", .event), segment(4, "A cat.", .end),
        ].joiningRepetitions()
        #expect(joined.map(\.summary) == ["A dog.", "A cat.", "A cat."])
        #expect(joined.map(\.boundary) == [.event, .cut, .end])
    }
}

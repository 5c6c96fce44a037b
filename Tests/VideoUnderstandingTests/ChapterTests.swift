import Testing
import VideoUnderstanding

/// Numbers that are the same in every run (a linear congruence; its high bits are used).
private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        var result: UInt64 = 0
        for _ in 0..<4 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            result = result << 16 | state >> 48
        }
        return result
    }
}

/// Which segments are one, and which make up a chapter.
@Suite struct ChapterTests {
    /// Segments from their lengths, in seconds, what ends them, and their words.
    private func segments(
        _ parts: [(length: Double, boundary: SegmentBoundary, text: String)]
    ) -> [SegmentRecord] {
        var start = 0.0
        return parts.enumerated().map { index, part in
            defer { start += part.length }
            return SegmentRecord(
                range: TimeRange(start: start, end: start + part.length),
                boundary: index == parts.count - 1 ? .end : part.boundary, summary: part.text,
                keyframe: start + part.length / 2, confidence: 0.5)
        }
    }

    // MARK: - Joining

    // Guards that only windows of one shot are joined, whatever the writing, and in runs.
    @Test func windowsThatSayTheSameAreOne() {
        let joined = segments([
            (2, .window, "A dog runs."), (4, .window, "a dog runs"), (3, .cut, "A  dog, runs!"),
            (3, .window, "A dog runs."), (3, .window, "A cat runs."), (3, .window, ""),
            (3, .window, ""),
        ]).joiningRepetitions()
        #expect(joined.map(\.range.start) == [0, 9, 12, 15, 18])
        #expect(joined.map(\.range.end) == [9, 12, 15, 18, 21])
        #expect(joined.map(\.boundary) == [.cut, .window, .window, .window, .end])
        #expect(joined[0].summary == "a dog runs")
        #expect(joined[0].keyframe == 4)
    }

    // Guards the confidence of what is joined: by time, not by number.
    @Test func confidenceIsTheMeanOverTime() {
        var parts = segments([(1, .window, "x"), (2, .window, "x"), (3, .cut, "x"), (1, .cut, "y")])
        for (index, confidence) in [1.0, 0.5, 0, 1].enumerated() {
            parts[index].confidence = confidence
        }
        let joined = parts.joiningRepetitions()
        #expect(joined.count == 2)
        #expect(abs(joined[0].confidence - 1 / 3) < 1e-12)
    }

    // MARK: - Chapters

    private func starts(
        _ parts: [(length: Double, boundary: SegmentBoundary, text: String)]
    ) -> [Int] {
        ChapterPlan(segments(parts)).chapters.map(\.lowerBound)
    }

    @Test func aShortSummaryHasNone() {
        #expect(starts([]) == [])
        #expect(starts((0..<5).map { (60, .cut, "w\($0)") }) == [])
    }

    @Test func whatIsToldInTheSameWordsHasNone() {
        #expect(starts((0..<20).map { _ in (60, .cut, "The lecture goes on.") }) == [])
        #expect(starts((0..<20).map { _ in (60, .cut, "") }) == [])
    }

    @Test func eachSceneIsAChapter() {
        #expect(starts((0..<40).map { (270, .cut, "scene\($0)") }) == Array(0..<40))
    }

    // Guards long shots: their windows differ in some words, but nothing in the picture ends.
    @Test func windowsOfAShotStayTogether() {
        let parts = (0..<12).map { index -> (Double, SegmentBoundary, String) in
            let shot = index / 4
            return (30, index % 4 == 3 ? .cut : .window, "shot\(shot) goes on w\(index)")
        }
        #expect(starts(parts) == [0, 4, 8])
    }

    // Guards videos without any cut, such as a lecture.
    @Test func withoutCutsAChapterBeginsWhereAllIsNew() {
        let parts = (0..<9).map { index -> (Double, SegmentBoundary, String) in
            (30, .window, index < 5 ? "introduction begins now" : "graphs trees walks")
        }
        #expect(starts(parts) == [0, 5])
    }

    @Test func chaptersAreLongEnough() {
        // An hour of shots of 4 seconds: a minute is the least.
        let parts = (0..<900).map { (4.0, SegmentBoundary.cut, "shot\($0)") }
        let chapters = ChapterPlan(segments(parts)).chapters
        #expect(chapters.count == 60)
        #expect(chapters.allSatisfy { $0.count == 15 })
        // Half a minute of them: ten seconds are.
        #expect(starts((0..<30).map { (1, .cut, "shot\($0)") }) == [0, 10, 20])
    }

    // Guards the choice: no other way to part the segments gains more.
    @Test(arguments: 0..<60)
    func noOtherWayIsBetter(seed: UInt64) throws {
        var random = Numbers(state: seed)
        let parts = (0..<Int.random(in: 6...12, using: &random)).map { _ in
            (
                Double(Int.random(in: 1...9, using: &random)),
                Bool.random(using: &random) ? SegmentBoundary.cut : .window,
                ["sea", "hill", "town"].randomElement(using: &random) ?? ""
            )
        }
        let records = segments(parts)
        func gain(_ starts: [Int]) -> Double {
            starts.dropFirst().reduce(0) { sum, index in
                let isNew = records[index].summary != records[index - 1].summary
                let isCut = records[index - 1].boundary == .cut
                return sum + (isNew ? 1 : 0)
                    - (isCut ? ChapterPlan.changeAtCut : ChapterPlan.changeInShot)
            }
        }
        let end = records[records.count - 1].range.end
        var best = 0.0
        for choice in 0..<(1 << (records.count - 1)) {
            let starts = [0] + (1..<records.count).filter { choice >> ($0 - 1) & 1 == 1 }
            let times = starts.map { records[$0].range.start } + [end]
            guard zip(times, times.dropFirst()).allSatisfy({ $1 - $0 >= 10 }) else { continue }
            best = max(best, gain(starts))
        }
        let chapters = ChapterPlan(records).chapters
        #expect(abs(gain(chapters.map(\.lowerBound)) - best) < 1e-12)
        guard !chapters.isEmpty else { return }
        #expect(chapters[0].lowerBound == 0)
        #expect(chapters.last?.upperBound == records.count)
        for (chapter, next) in zip(chapters, chapters.dropFirst()) {
            #expect(chapter.upperBound == next.lowerBound)
        }
    }

    // MARK: - Documents

    private func document(chapters: [ChapterRecord]) -> SummaryDocument {
        var document = SampleDocuments.summary
        document.segments = segments([(4, .cut, "a"), (2, .cut, "b"), (3.5, .cut, "c")])
        document.chapters = chapters
        return document
    }

    @Test func chaptersFollowTheSegments() {
        let first = ChapterRecord(
            range: TimeRange(start: 0, end: 6), summary: "ab", segments: 0..<2)
        let second = ChapterRecord(
            range: TimeRange(start: 6, end: 9.5), summary: "c", segments: 2..<3)
        let validator = DocumentValidator()
        let valid = document(chapters: [first, second])
        #expect(validator.faults(in: valid.json).filter { $0.path.contains("chapters") } == [])
        #expect(valid.text.contains("1. 00:00:00.000 – 00:00:06.000  ab\n   00:00:00.000"))
        #expect(document(chapters: []).json["chapters"] == nil)

        var late = second
        late.range = TimeRange(start: 6.5, end: 9.5)
        for wrong in [[first, late], [second, first], [first], [first, first]] {
            let faults = validator.faults(in: document(chapters: wrong).json)
            #expect(faults.contains { $0.path.hasPrefix("/chapters") })
        }
    }
}

/// Which segments make up each chapter of a summary.
///
/// A chapter begins where a shot does and what is told changes: of all ways to part the segments into
/// chapters that are long enough, the one is taken whose beginnings differ most from what is told
/// before them. Where a long shot was watched in several windows, a chapter begins inside it only
/// where two windows have hardly a word in common, since nothing in the picture says that anything
/// ended.
package struct ChapterPlan: Sendable, Equatable {
    /// Consecutive segments, by their indices; none where the video is too short or all the same.
    package let chapters: [Range<Int>]

    /// A summary of fewer segments is short enough to be read without chapters.
    package static let fewestSegments = 6
    /// Seconds of the shortest chapter.
    package static let shortest = 10.0
    /// A long video has no more than this many chapters.
    package static let most = 60.0
    /// Part of the words that must differ for a chapter to begin at a cut, and inside a shot.
    package static let changeAtCut = 0.25
    package static let changeInShot = 0.75

    /// - Parameter segments: of the whole processed range, in order.
    package init(_ segments: [SegmentRecord]) {
        guard segments.count >= Self.fewestSegments, let first = segments.first,
            let last = segments.last
        else {
            chapters = []
            return
        }
        let shortest = max(Self.shortest, (last.range.end - first.range.start) / Self.most)
        let best = Self.best(
            starts: segments.map(\.range.start) + [last.range.end],
            gains: Self.gains(segments), shortest: shortest)
        // A single chapter would repeat the summary of the whole.
        chapters = best.count > 1 ? best : []
    }

    /// What is won by a chapter that begins with each segment; below 0 where it should not.
    private static func gains(_ segments: [SegmentRecord]) -> [Double] {
        let words = segments.map { Set(Self.words(of: $0.summary)) }
        return segments.indices.map { index in
            guard index > 0 else { return 0 }
            let all = words[index - 1].union(words[index]).count
            let common = words[index - 1].intersection(words[index]).count
            let change = all == 0 ? 0 : 1 - Double(common) / Double(all)
            let isCut = segments[index - 1].boundary == .cut
            return change - (isCut ? changeAtCut : changeInShot)
        }
    }

    /// Lowercased words, without those that are in every sentence.
    private static func words(of text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
            .filter { !["a", "an", "and", "the", "of", "in", "is", "are", "to"].contains($0) }
    }

    /// The ranges whose beginnings gain most, each at least `shortest` long; fewer ranges where
    /// that is the same. Takes time in proportion to the number of segments.
    ///
    /// - Parameter starts: of each segment, and the end of the last one, rising.
    private static func best(
        starts: [Double], gains: [Double], shortest: Double
    ) -> [Range<Int>] {
        let count = gains.count
        /// Of the segments before each, parted as well as can be: gain, and where the last part
        /// begins. Where no part is long enough, all are one.
        var best = [(gain: Double, from: Int)](repeating: (0, 0), count: count + 1)
        // The best of the beginnings from which a part that ends here would be long enough.
        var candidate = (gain: 0.0, from: 0)
        var next = 1
        for end in 1...count {
            while next < end, starts[end] - starts[next] >= shortest {
                if starts[next] - starts[0] >= shortest {
                    let gain = best[next].gain + gains[next]
                    if gain > candidate.gain { candidate = (gain, next) }
                }
                next += 1
            }
            best[end] = candidate
        }
        var ranges: [Range<Int>] = []
        var end = count
        while end > 0 {
            let from = best[end].from
            ranges.append(from..<end)
            end = from
        }
        return ranges.reversed()
    }
}

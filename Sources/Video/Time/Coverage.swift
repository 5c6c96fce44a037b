/// A stretch of the presentation in seconds; its end does not belong to it.
public struct TimeSpan: Sendable, Hashable {
    public var start: Double
    public var end: Double

    public init(start: Double, end: Double) {
        self.start = start
        self.end = end
    }
}

/// Which parts of the presentation could be seen. Spans are in order and do not touch.
public struct Coverage: Sendable, Hashable {
    public var seen: [TimeSpan]
    public var unseen: [TimeSpan]

    public init(seen: [TimeSpan] = [], unseen: [TimeSpan] = []) {
        self.seen = seen
        self.unseen = unseen
    }

    /// What of it lies in a range; `unseenEnd` may lie behind the range of what can be seen.
    func clipped(from start: Double, to end: Double, unseenEnd: Double) -> Coverage {
        func clip(_ spans: [TimeSpan], to end: Double) -> [TimeSpan] {
            spans.compactMap { span in
                let part = TimeSpan(start: max(span.start, start), end: min(span.end, end))
                return part.start < part.end ? part : nil
            }
        }
        return Coverage(seen: clip(seen, to: end), unseen: clip(unseen, to: unseenEnd))
    }
}

/// Exact half-open spans in rising order; spans that overlap or touch are one.
package struct SpanList: Sendable {
    package private(set) var spans: [Range<MediaTime>] = []

    package init() {}

    /// Adds a span anywhere; an empty or reversed one adds nothing.
    package mutating func insert(from start: MediaTime, to end: MediaTime) {
        guard start < end else { return }
        let first = spans.partitioningIndex { $0.upperBound >= start }
        let next = spans.partitioningIndex { $0.lowerBound > end }
        var merged = start..<end
        if first < next {
            merged = min(start, spans[first].lowerBound)..<max(end, spans[next - 1].upperBound)
        }
        spans.replaceSubrange(first..<next, with: CollectionOfOne(merged))
    }

    /// What of `whole` lies in none of the spans.
    package func gaps(in whole: Range<MediaTime>) -> SpanList {
        var result = SpanList()
        var from = whole.lowerBound
        for span in spans {
            result.insert(from: from, to: min(span.lowerBound, whole.upperBound))
            from = max(from, span.upperBound)
        }
        result.insert(from: from, to: whole.upperBound)
        return result
    }

    package var seconds: [TimeSpan] {
        spans.map {
            TimeSpan(start: max(0, $0.lowerBound.seconds), end: max(0, $0.upperBound.seconds))
        }
    }
}

extension Array {
    /// The first index whose element satisfies a predicate that, once true, stays true.
    func partitioningIndex(where isAfter: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension [SegmentRecord] {
    /// The segments, of which consecutive ones that say the same are one, where neither a cut
    /// nor the end parted them.
    ///
    /// What is the same is decided by the words alone, whatever their case and punctuation. The
    /// longest part lends its text and key frame; the confidence is the mean over time.
    package func joiningRepetitions() -> [SegmentRecord] {
        var joined: [(segment: SegmentRecord, words: [Substring], longest: Double)] = []
        for segment in self {
            let words = segment.summary.lowercased().split { !$0.isLetter && !$0.isNumber }
            let length = segment.range.end - segment.range.start
            guard let last = joined.last, [.window, .event].contains(last.segment.boundary),
                !words.isEmpty, last.words == words
            else {
                joined.append((segment, words, length))
                continue
            }
            let before = last.segment.range.end - last.segment.range.start
            var whole = length > last.longest ? segment : last.segment
            whole.range = TimeRange(start: last.segment.range.start, end: segment.range.end)
            whole.boundary = segment.boundary
            // Segments of no length at all count alike.
            let total = before + length
            let share = total > 0 ? before / total : 0.5
            whole.confidence =
                last.segment.confidence * share + segment.confidence * (1 - share)
            joined[joined.count - 1] = (whole, words, Swift.max(length, last.longest))
        }
        return joined.map(\.segment)
    }
}

/// Finds the stretches of a video that an answer rests on, from where the model looked while it
/// wrote.
///
/// Pairs that got at least a share of what the strongest got are taken; neighbours make one stretch.
/// The score of a stretch is its part of all attention to the video.
package struct EvidenceFinder: Sendable {
    /// Of the strongest pair's attention, what another needs.
    package var threshold = 0.3
    /// The smallest score that is told.
    package var floor = 0.05
    /// Stretches that are told at most.
    package var most = 5

    package init() {}

    /// - Parameters:
    ///   - shares: attention on each pair, in any unit.
    ///   - moments: the frames; pair p is made of the frames 2p and 2p + 1, where there are so many.
    ///   - end: of the last pair, in seconds.
    /// - Returns: in descending score.
    package func evidence(
        shares: [Double], moments: [SampledMoment], end: Double
    ) -> [EvidenceRecord] {
        let total = shares.reduce(0, +)
        guard let highest = shares.max(), highest > 0, total.isFinite,
            shares.count * 2 <= moments.count + 1
        else { return [] }
        let strong = shares.indices.filter { shares[$0] >= threshold * highest }
        let stretches = strong.reduce(into: [Range<Int>]()) { stretches, pair in
            if let last = stretches.last, last.upperBound == pair {
                stretches[stretches.count - 1] = last.lowerBound..<pair + 1
            } else {
                stretches.append(pair..<pair + 1)
            }
        }
        let records = stretches.map { stretch in
            let strongest = stretch.max { shares[$0] < shares[$1] } ?? stretch.lowerBound
            return EvidenceRecord(
                range: TimeRange(
                    start: moments[2 * stretch.lowerBound].time,
                    end: stretch.upperBound < shares.count
                        ? moments[2 * stretch.upperBound].time : end),
                keyframe: moments[2 * strongest].time,
                score: shares[stretch].reduce(0, +) / total)
        }
        return Array(
            records.filter { $0.score >= floor }.sorted {
                ($1.score, $0.range.start) < ($0.score, $1.range.start)
            }.prefix(most))
    }
}

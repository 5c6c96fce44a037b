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
        guard shares.count * 2 <= moments.count + 1 else { return [] }
        return evidence(
            shares: shares,
            pairs: shares.indices.map { pair in
                TimeRange(
                    start: moments[2 * pair].time,
                    end: pair + 1 < shares.count ? moments[2 * pair + 2].time : end)
            })
    }

    /// - Parameters:
    ///   - shares: attention on each pair, in any unit.
    ///   - pairs: the time that each stands for; where one does not begin at the end of the one
    ///     before, something of the video lies between them that was not looked at.
    /// - Returns: in descending score.
    package func evidence(shares: [Double], pairs: [TimeRange]) -> [EvidenceRecord] {
        let total = shares.reduce(0, +)
        guard let highest = shares.max(), highest > 0, total.isFinite, shares.count <= pairs.count
        else { return [] }
        let strong = shares.indices.filter { shares[$0] >= threshold * highest }
        let stretches = strong.reduce(into: [Range<Int>]()) { stretches, pair in
            if let last = stretches.last, last.upperBound == pair,
                pairs[pair - 1].end == pairs[pair].start
            {
                stretches[stretches.count - 1] = last.lowerBound..<pair + 1
            } else {
                stretches.append(pair..<pair + 1)
            }
        }
        let records = stretches.map { stretch in
            let strongest = stretch.max { shares[$0] < shares[$1] } ?? stretch.lowerBound
            return EvidenceRecord(
                range: TimeRange(
                    start: pairs[stretch.lowerBound].start, end: pairs[stretch.upperBound - 1].end),
                keyframe: pairs[strongest].start,
                score: shares[stretch].reduce(0, +) / total)
        }
        return Array(
            records.filter { $0.score >= floor }.sorted {
                ($1.score, $0.range.start) < ($0.score, $1.range.start)
            }.prefix(most))
    }
}

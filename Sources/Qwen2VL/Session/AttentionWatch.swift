/// What a session notes about where it looks: shares of attention on the pairs of one visual input.
///
/// While it is set, every pass through the layers adds what its last token attends to; that token is
/// the one from which the next is chosen.
public struct AttentionWatch: Sendable {
    /// Places of the visual tokens in the sequence.
    public let visual: Range<Int>
    /// Frame pairs; each has an equal part of the visual tokens.
    public let pairs: Int
    /// Shares of attention on each pair, added up over the watched heads and over passes.
    public private(set) var shares: [Double]
    /// Passes that were added.
    public private(set) var passes = 0
    let heads: EvidenceHeads

    /// - Parameter visual: as many tokens a pair in each of them.
    public init(visual: Range<Int>, pairs: Int, heads: EvidenceHeads) {
        precondition(
            pairs > 0 && !visual.isEmpty && visual.count % pairs == 0,
            "\(visual) for \(pairs) pairs")
        self.visual = visual
        self.pairs = pairs
        self.heads = heads
        shares = [Double](repeating: 0, count: pairs)
    }

    /// - Parameter found: `[heads, pairs]` of a watched layer.
    mutating func add(_ found: [Float]) {
        for (head, start) in stride(from: 0, to: found.count, by: pairs).enumerated()
        where heads.contains(head: head) {
            for pair in 0..<pairs {
                let share = found[start + pair]
                // Broken weights give NaN, which would stay for good.
                if share.isFinite { shares[pair] += Double(share) }
            }
        }
    }

    mutating func endPass() { passes += 1 }
}

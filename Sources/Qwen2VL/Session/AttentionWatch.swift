import Compute

/// What a session notes about where it looks: shares of attention on the pairs of one visual input.
///
/// While it is set, every pass through the layers adds what the tokens attend to from which the next
/// are chosen.
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

    /// Adds what one token attended to.
    ///
    /// - Parameter layers: `[heads, pairs]` of each watched layer, in their order.
    mutating func add(_ layers: [[Float]]) {
        for found in layers {
            for (head, start) in stride(from: 0, to: found.count, by: pairs).enumerated()
            where heads.contains(head: head) {
                for pair in 0..<pairs {
                    let share = found[start + pair]
                    // Broken weights give NaN, which would stay for good.
                    if share.isFinite { shares[pair] += Double(share) }
                }
            }
        }
        passes += 1
    }
}

/// A row of a pass, and what is to be noted of where it looks.
struct WatchedRow: Sendable {
    let row: Int
    /// The row's token is the last of it.
    let sequence: KVSequence
    let watch: AttentionWatch
}

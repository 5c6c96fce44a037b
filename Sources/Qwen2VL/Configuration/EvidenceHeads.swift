/// The attention heads that look at what an answer is about.
///
/// A checkpoint may name them in its configuration, `"reelscribe": {"evidence": {"layers": [3],
/// "heads": [0, 5]}}`.
public struct EvidenceHeads: Sendable, Equatable {
    /// Ascending, from 0.
    public var layers: [Int]
    /// Of each of these layers, from 0; nil: all.
    public var heads: [Int]?

    public init(layers: [Int], heads: [Int]? = nil) {
        self.layers = layers
        self.heads = heads
    }

    func contains(head: Int) -> Bool { heads?.contains(head) ?? true }

    /// Where a checkpoint says nothing: one layer in five, those just behind the middle. In the
    /// model of the sample world these look at the right place most often; no published
    /// checkpoint was measured.
    static func usual(layers: Int) -> EvidenceHeads {
        let first = min(layers - 1, layers / 2)
        return EvidenceHeads(layers: Array(first..<min(layers, first + max(1, layers / 5))))
    }
}

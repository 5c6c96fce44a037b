/// What the kernels of a pass are for.
package enum LayerKind: String, Sendable, CaseIterable {
    // Of the vision tower alone.
    case patchEmbedding = "patch_embedding"
    /// With its activation.
    case mlpUp = "mlp_up"
    case mlpDown = "mlp_down"
    /// Both layers and the activation between them; its norm counts as ``norm``.
    case merger

    // Of both parts.
    case norm
    /// The products that give queries, keys and values.
    case qkv
    case rope
    /// Scores, their softmax and the weighted values; in the language model also storing keys and
    /// values.
    case attention
    /// The product behind attention.
    case projection

    // Of the language model alone.
    /// With the activation.
    case gateUp = "gate_up"
    case down
    case head
}

/// Notes where the time of passes goes, kind by kind of layer.
///
/// While one is there each kernel's end is noted; without one the system's clock is never asked.
/// Results are the same.
package struct LayerClock: Sendable {
    /// Time of all passes so far. What belongs to no kind is in none.
    package private(set) var spent: [LayerKind: Duration] = [:]
    private var last = ContinuousClock.now

    package init() {}

    /// What comes from now on is noted.
    mutating func begin() { last = .now }

    /// What came since ``begin()``, or since the last call, was of this kind.
    mutating func lap(_ kind: LayerKind) {
        let now = ContinuousClock.now
        spent[kind, default: .zero] += now - last
        last = now
    }
}

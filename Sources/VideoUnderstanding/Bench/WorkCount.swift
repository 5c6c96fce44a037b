import Compute
import Qwen2VL

/// Floating-point operations and bytes that the passes of a model take, counted from its sizes.
///
/// A multiply-add counts as two operations. Norms, activations and rotations are left out: they are
/// below one percent.
package struct WorkCount: Sendable {
    let text: TextConfiguration
    let vision: VisionConfiguration

    package init(_ configuration: ModelConfiguration) {
        text = configuration.text
        vision = configuration.vision
    }

    /// Operations of the vision tower and merger on pairs of `patchesPerPair` patches.
    package func vision(pairs: Int, patchesPerPair: Int) -> Double {
        Self.products(in: visionLayers(pairs: pairs, patchesPerPair: patchesPerPair))
    }

    /// Operations of a prefill from an empty cache, with logits of the last token.
    package func prefill(tokens: Int) -> Double {
        Self.products(in: prefillLayers(tokens: tokens))
    }

    /// Bytes read for one decoded token behind `context` tokens.
    ///
    /// - Parameter weights: bytes that are read of them, see ``Model/decodeWeightBytes``.
    package func decodeBytes(weights: Int, context: Int, kv: KVFormat) -> Double {
        Double(weights + text.cacheBytes(tokens: context, kv: kv))
    }

    /// Weights of the matrices of one layer.
    package var layerWeights: Double {
        Double(
            text.hidden * (2 * text.queryWidth + 2 * text.kvWidth)
                + 3 * text.hidden * text.intermediate)
    }

    private static func products(in layers: [LayerWork]) -> Double {
        layers.reduce(0) { sum, layer in
            if case .products(let operations) = layer.amount { sum + operations } else { sum }
        }
    }
}

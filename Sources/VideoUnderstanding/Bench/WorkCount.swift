import Compute
import Qwen2VL

/// Floating-point operations and bytes that the passes of a model take, counted from its sizes.
///
/// A multiply-add counts as two operations. Norms, activations and rotations are left out: they are
/// below one percent.
package struct WorkCount: Sendable {
    private let text: TextConfiguration
    private let vision: VisionConfiguration

    package init(_ configuration: ModelConfiguration) {
        text = configuration.text
        vision = configuration.vision
    }

    /// Operations of the vision tower and merger on pairs of `patchesPerPair` patches.
    package func vision(pairs: Int, patchesPerPair: Int) -> Double {
        let patches = Double(pairs * patchesPerPair)
        let width = Double(vision.width)
        let linear = 4 * width * width + 2 * width * Double(vision.mlpWidth)
        let attention = 2 * Double(patchesPerPair) * width
        let perPatch =
            Double(vision.patchVolume) * width + Double(vision.depth) * (linear + attention)
        let merged = Double(vision.mergedWidth)
        let tokens = patches / Double(vision.mergeSize * vision.mergeSize)
        let perToken = merged * merged + merged * Double(vision.output)
        return 2 * (patches * perPatch + tokens * perToken)
    }

    /// Operations of a prefill from an empty cache, with logits of the last token.
    package func prefill(tokens: Int) -> Double {
        let count = Double(tokens)
        // A causal query sees half of the keys on average; scores and sums both count.
        let attention = 2 * Double(text.queryWidth) * (count + 1) / 2
        let head = Double(text.vocabulary * text.hidden)
        return 2 * (count * Double(text.layers) * (layerWeights + attention) + head)
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
}

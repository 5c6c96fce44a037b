import Compute
import Qwen2VL

/// What the kernels of one kind have to do in a pass.
package struct LayerWork: Sendable, Equatable {
    package enum Amount: Sendable, Equatable {
        /// Floating-point operations of matrix products.
        case products(Double)
        /// Bytes of activations that are read and written.
        case rows(Double)
        /// Bytes of weights, or of keys and values, that are read for a single token.
        case reading(Double)
        /// Too little to be worth a rate.
        case little
    }

    package let kind: LayerKind
    package let amount: Amount
}

extension WorkCount {
    /// What ``vision(pairs:patchesPerPair:)`` consists of, in the order of the path.
    package func visionLayers(pairs: Int, patchesPerPair: Int) -> [LayerWork] {
        let patches = Double(pairs * patchesPerPair)
        let (width, depth) = (Double(vision.width), Double(vision.depth))
        let merged = Double(vision.mergedWidth)
        let tokens = patches / Double(vision.mergeSize * vision.mergeSize)
        func products(_ weights: Double) -> LayerWork.Amount {
            .products(2 * patches * depth * weights)
        }
        return [
            LayerWork(
                kind: .patchEmbedding,
                amount: .products(2 * patches * Double(vision.patchVolume) * width)),
            LayerWork(kind: .norm, amount: .rows(Self.moved(patches * width * (2 * depth + 1)))),
            LayerWork(kind: .qkv, amount: products(3 * width * width)),
            LayerWork(kind: .rope, amount: .rows(Self.moved(patches * 2 * width * depth))),
            LayerWork(kind: .attention, amount: products(2 * Double(patchesPerPair) * width)),
            LayerWork(kind: .projection, amount: products(width * width)),
            LayerWork(kind: .mlpUp, amount: products(width * Double(vision.mlpWidth))),
            LayerWork(kind: .mlpDown, amount: products(width * Double(vision.mlpWidth))),
            LayerWork(
                kind: .merger,
                amount: .products(
                    2 * tokens * (merged * merged + merged * Double(vision.output)))),
        ]
    }

    /// What ``prefill(tokens:)`` consists of, in the order of the path.
    package func prefillLayers(tokens: Int) -> [LayerWork] {
        let (count, layers) = (Double(tokens), Double(text.layers))
        let hidden = Double(text.hidden)
        let (queries, pairs) = (Double(text.queryWidth), Double(text.kvWidth))
        func products(_ weights: Double) -> LayerWork.Amount {
            .products(2 * count * layers * weights)
        }
        return [
            LayerWork(
                kind: .norm, amount: .rows(Self.moved((2 * layers * count + 1) * hidden))),
            LayerWork(kind: .qkv, amount: products(hidden * (queries + 2 * pairs))),
            LayerWork(
                kind: .rope, amount: .rows(Self.moved(count * layers * (queries + pairs)))),
            // A causal query sees half of the keys on average; scores and sums both count.
            LayerWork(kind: .attention, amount: products(2 * queries * (count + 1) / 2)),
            LayerWork(kind: .projection, amount: products(queries * hidden)),
            LayerWork(kind: .gateUp, amount: products(2 * hidden * Double(text.intermediate))),
            LayerWork(kind: .down, amount: products(hidden * Double(text.intermediate))),
            LayerWork(
                kind: .head, amount: .products(2 * Double(text.vocabulary) * hidden)),
        ]
    }

    /// What ``decodeBytes(weights:context:kv:)`` consists of, in the order of the path.
    package func decodeLayers(_ model: Model, context: Int, kv: KVFormat) -> [LayerWork] {
        prefillLayers(tokens: 1).map { layer in
            let bytes = model.languageLayers(layer.kind)
                .reduce(0) { $0 + $1.weight.byteCount + 4 * $1.bias.count }
            let amount: LayerWork.Amount =
                switch layer.kind {
                case .attention: .reading(Double(text.cacheBytes(tokens: context, kv: kv)))
                case _ where bytes > 0: .reading(Double(bytes))
                default: .little
                }
            return LayerWork(kind: layer.kind, amount: amount)
        }
    }

    /// Bytes that a kernel moves which reads so many numbers and writes as many.
    private static func moved(_ numbers: Double) -> Double { 8 * numbers }
}

extension Model {
    /// The linear layers of a kind in the vision tower; none where the kind has none there.
    package func visionLayers(_ kind: LayerKind) -> [LinearWeights] {
        switch kind {
        case .patchEmbedding: [LinearWeights(weight: vision.patchEmbedding)]
        case .qkv: vision.blocks.map(\.qkv)
        case .projection: vision.blocks.map(\.proj)
        case .mlpUp: vision.blocks.map(\.fc1)
        case .mlpDown: vision.blocks.map(\.fc2)
        case .merger: [vision.merger0, vision.merger2]
        case .norm, .rope, .attention, .gateUp, .down, .head: []
        }
    }

    /// The same in the language model.
    package func languageLayers(_ kind: LayerKind) -> [LinearWeights] {
        switch kind {
        case .qkv: language.layers.flatMap { [$0.q, $0.k, $0.v] }
        case .projection: language.layers.map(\.o)
        case .gateUp: language.layers.flatMap { [$0.gate, $0.up] }
        case .down: language.layers.map(\.down)
        case .head: [LinearWeights(weight: language.head)]
        case .norm, .rope, .attention, .patchEmbedding, .mlpUp, .mlpDown, .merger: []
        }
    }
}

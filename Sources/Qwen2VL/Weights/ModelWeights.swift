import Compute

/// Weight and bias of a layer norm, or the weight of an RMS norm (empty bias); 32-bit, as they are
/// small and used in every row.
public struct NormWeights: Sendable {
    public var weight: [Float]
    public var bias: [Float]

    public init(weight: [Float], bias: [Float] = []) {
        self.weight = weight
        self.bias = bias
    }
}

/// `y = x · Wᵀ + b`; `bias` is empty where the layer has none.
public struct LinearWeights: Sendable {
    /// `[outputs, inputs]`.
    public var weight: WeightMatrix
    /// `[outputs]` or empty.
    public var bias: [Float]

    public init(weight: WeightMatrix, bias: [Float] = []) {
        self.weight = weight
        self.bias = bias
    }
}

/// One block of the vision tower (spec 4.3).
public struct VisionBlockWeights: Sendable {
    public var norm1: NormWeights
    /// Rows: all queries, all keys, all values, each `heads · headSize`.
    public var qkv: LinearWeights
    public var proj: LinearWeights
    public var norm2: NormWeights
    public var fc1: LinearWeights
    public var fc2: LinearWeights
}

/// The vision tower with its merger (spec 4).
public struct VisionWeights: Sendable {
    /// `[width, channels · temporalPatch · patch · patch]`, no bias.
    public var patchEmbedding: WeightMatrix
    public var blocks: [VisionBlockWeights]
    public var mergerNorm: NormWeights
    /// First layer of the merger's MLP, on 4 patches side by side.
    public var merger0: LinearWeights
    /// Second layer, into the width of the language model.
    public var merger2: LinearWeights
}

/// One layer of the language model (spec 5.1).
public struct DecoderLayerWeights: Sendable {
    public var inputNorm: NormWeights
    public var q: LinearWeights
    public var k: LinearWeights
    public var v: LinearWeights
    public var o: LinearWeights
    public var postAttentionNorm: NormWeights
    public var gate: LinearWeights
    public var up: LinearWeights
    public var down: LinearWeights
}

/// The language model (spec 5).
public struct LanguageWeights: Sendable {
    /// `[vocabulary, hidden]`.
    public var embedding: WeightMatrix
    public var layers: [DecoderLayerWeights]
    public var norm: NormWeights
    /// `[vocabulary, hidden]`; the embedding again where the head is tied.
    public var head: WeightMatrix
}

import Compute

/// Where the weights of a model come from: a checkpoint, or a generator.
///
/// Asked only for tensors of ``ModelConfiguration/requirements``.
protocol TensorSource {
    /// A matrix `[rows, columns]`, whatever more dimensions its columns had in the file.
    mutating func matrix(
        _ name: String, rows: Int, columns: Int
    ) throws(ModelError) -> WeightMatrix
    /// The head: the embedding, or the same numbers in another format, where the two are tied.
    mutating func head(
        rows: Int, columns: Int, tiedTo embedding: WeightMatrix?
    ) throws(ModelError) -> WeightMatrix
    /// A vector in 32 bits.
    mutating func vector(_ name: String, count: Int) throws(ModelError) -> [Float]
}

extension TensorSource {
    fileprivate mutating func linear(
        _ name: String, _ outputs: Int, _ inputs: Int, bias: Bool
    ) throws(ModelError) -> LinearWeights {
        LinearWeights(
            weight: try matrix(name + ".weight", rows: outputs, columns: inputs),
            bias: bias ? try vector(name + ".bias", count: outputs) : [])
    }

    fileprivate mutating func norm(
        _ name: String, _ width: Int, bias: Bool
    ) throws(ModelError) -> NormWeights {
        NormWeights(
            weight: try vector(name + ".weight", count: width),
            bias: bias ? try vector(name + ".bias", count: width) : [])
    }
}

extension VisionWeights {
    /// Puts the tower together, tensor by tensor.
    init(
        _ configuration: ModelConfiguration, from source: inout some TensorSource
    ) throws(ModelError) {
        let vision = configuration.vision
        let width = vision.width
        patchEmbedding = try source.matrix(
            "visual.patch_embed.proj.weight", rows: width, columns: vision.patchVolume)
        blocks = []
        for index in 0..<vision.depth {
            let name = "visual.blocks.\(index)."
            blocks.append(
                VisionBlockWeights(
                    norm1: try source.norm(name + "norm1", width, bias: true),
                    qkv: try source.linear(name + "attn.qkv", 3 * width, width, bias: true),
                    proj: try source.linear(name + "attn.proj", width, width, bias: true),
                    norm2: try source.norm(name + "norm2", width, bias: true),
                    fc1: try source.linear(name + "mlp.fc1", vision.mlpWidth, width, bias: true),
                    fc2: try source.linear(name + "mlp.fc2", width, vision.mlpWidth, bias: true)))
        }
        mergerNorm = try source.norm("visual.merger.ln_q", width, bias: true)
        merger0 = try source.linear(
            "visual.merger.mlp.0", vision.mergedWidth, vision.mergedWidth, bias: true)
        merger2 = try source.linear(
            "visual.merger.mlp.2", vision.output, vision.mergedWidth, bias: true)
    }
}

extension LanguageWeights {
    /// Puts the language model together, tensor by tensor.
    init(
        _ configuration: ModelConfiguration, from source: inout some TensorSource
    ) throws(ModelError) {
        let text = configuration.text
        let hidden = text.hidden
        embedding = try source.matrix(
            "model.embed_tokens.weight", rows: text.vocabulary, columns: hidden)
        layers = []
        for index in 0..<text.layers {
            let name = "model.layers.\(index)."
            let attention = name + "self_attn."
            let mlp = name + "mlp."
            layers.append(
                DecoderLayerWeights(
                    inputNorm: try source.norm(name + "input_layernorm", hidden, bias: false),
                    q: try source.linear(attention + "q_proj", text.queryWidth, hidden, bias: true),
                    k: try source.linear(attention + "k_proj", text.kvWidth, hidden, bias: true),
                    v: try source.linear(attention + "v_proj", text.kvWidth, hidden, bias: true),
                    o: try source.linear(
                        attention + "o_proj", hidden, text.queryWidth, bias: false),
                    postAttentionNorm: try source.norm(
                        name + "post_attention_layernorm", hidden, bias: false),
                    gate: try source.linear(
                        mlp + "gate_proj", text.intermediate, hidden, bias: false),
                    up: try source.linear(mlp + "up_proj", text.intermediate, hidden, bias: false),
                    down: try source.linear(
                        mlp + "down_proj", hidden, text.intermediate, bias: false)))
        }
        norm = try source.norm("model.norm", hidden, bias: false)
        head = try source.head(
            rows: text.vocabulary, columns: hidden,
            tiedTo: text.tieWordEmbeddings ? embedding : nil)
    }
}

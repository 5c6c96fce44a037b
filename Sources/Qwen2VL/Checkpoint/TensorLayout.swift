/// How a checkpoint names its tensors (spec 1.3).
public enum TensorLayout: String, Sendable, CaseIterable {
    /// `visual.*`, `model.layers.*`: the published checkpoints.
    case published
    /// `model.visual.*`, `model.language_model.*`: saved again by newer libraries.
    case nested
    /// `language_model.model.*`, `vision_tower.*`: exports for MLX.
    case exported
    /// `blk.*`, `v.blk.*`: GGUF files.
    case gguf

    /// The published name of a tensor, and the layout that its prefix belongs to, or nil where
    /// the name is the same in several.
    static func canonical(_ name: String) -> (name: String, layout: TensorLayout?) {
        let rules: [(prefix: String, replacement: String, layout: TensorLayout?)] = [
            ("model.visual.", "visual.", .nested),
            ("model.language_model.", "model.", .nested),
            ("language_model.model.", "model.", .exported),
            ("language_model.lm_head.", "lm_head.", .exported),
            ("vision_tower.", "visual.", .exported),
            ("visual.", "visual.", .published),
            ("model.", "model.", .published),
        ]
        for rule in rules where name.hasPrefix(rule.prefix) {
            return (rule.replacement + name.dropFirst(rule.prefix.count), rule.layout)
        }
        return (name, nil)
    }
}

/// A tensor that a model cannot do without.
package struct TensorRequirement: Equatable {
    package let name: String
    package let shape: [Int]
}

extension ModelConfiguration {
    /// Every tensor of the model under its published name.
    ///
    /// Source: spec 1.3.
    package var requirements: [TensorRequirement] {
        var list: [TensorRequirement] = []
        func need(_ name: String, _ shape: Int...) {
            list.append(TensorRequirement(name: name, shape: shape))
        }
        func linear(_ name: String, _ outputs: Int, _ inputs: Int, bias: Bool) {
            need(name + ".weight", outputs, inputs)
            if bias { need(name + ".bias", outputs) }
        }
        func layerNorm(_ name: String, _ width: Int) {
            need(name + ".weight", width)
            need(name + ".bias", width)
        }

        need(
            "visual.patch_embed.proj.weight", vision.width, vision.channels,
            vision.temporalPatchSize, vision.patchSize, vision.patchSize)
        for index in 0..<vision.depth {
            let block = "visual.blocks.\(index)."
            layerNorm(block + "norm1", vision.width)
            linear(block + "attn.qkv", 3 * vision.width, vision.width, bias: true)
            linear(block + "attn.proj", vision.width, vision.width, bias: true)
            layerNorm(block + "norm2", vision.width)
            linear(block + "mlp.fc1", vision.mlpWidth, vision.width, bias: true)
            linear(block + "mlp.fc2", vision.width, vision.mlpWidth, bias: true)
        }
        layerNorm("visual.merger.ln_q", vision.width)
        linear("visual.merger.mlp.0", vision.mergedWidth, vision.mergedWidth, bias: true)
        linear("visual.merger.mlp.2", vision.output, vision.mergedWidth, bias: true)

        need("model.embed_tokens.weight", text.vocabulary, text.hidden)
        for index in 0..<text.layers {
            let layer = "model.layers.\(index)."
            need(layer + "input_layernorm.weight", text.hidden)
            linear(layer + "self_attn.q_proj", text.queryWidth, text.hidden, bias: true)
            linear(layer + "self_attn.k_proj", text.kvWidth, text.hidden, bias: true)
            linear(layer + "self_attn.v_proj", text.kvWidth, text.hidden, bias: true)
            linear(layer + "self_attn.o_proj", text.hidden, text.queryWidth, bias: false)
            need(layer + "post_attention_layernorm.weight", text.hidden)
            linear(layer + "mlp.gate_proj", text.intermediate, text.hidden, bias: false)
            linear(layer + "mlp.up_proj", text.intermediate, text.hidden, bias: false)
            linear(layer + "mlp.down_proj", text.hidden, text.intermediate, bias: false)
        }
        need("model.norm.weight", text.hidden)
        if !text.tieWordEmbeddings { need("lm_head.weight", text.vocabulary, text.hidden) }
        return list
    }
}

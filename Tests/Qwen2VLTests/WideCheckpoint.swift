import Compute
import OrderedJSON
import Qwen2VL

/// Numbers that look random and are the same everywhere.
struct Noise {
    private var state: UInt64

    init(_ seed: String) { state = seed.utf8.reduce(11) { ($0 &* 1_099_511_628_211) ^ UInt64($1) } }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }

    /// From 0 to below `bound`.
    mutating func whole(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    /// From −1 to 1.
    mutating func unit() -> Float { Float(next()) / Float(1 << 30) - 1 }
}

/// A model whose rows are long enough for the groups and blocks of quantized formats. Shapes are
/// spelled out here by hand.
enum WideCheckpoint {
    static let hidden = 256
    static let intermediate = 512
    static let vocabulary = 32

    /// Linear layers of the language model: what quantizers take.
    static let linears: [(name: String, rows: Int, columns: Int)] = (0..<2).flatMap { layer in
        [
            ("self_attn.q_proj", 256, 256), ("self_attn.k_proj", 128, 256),
            ("self_attn.v_proj", 128, 256), ("self_attn.o_proj", 256, 256),
            ("mlp.gate_proj", 512, 256), ("mlp.up_proj", 512, 256), ("mlp.down_proj", 256, 512),
        ].map { ("model.layers.\(layer).\($0.0)", $0.1, $0.2) }
    }

    static func config() -> JSONObject {
        [
            "model_type": "qwen2_vl", "tie_word_embeddings": true, "vision_start_token_id": 3,
            "vision_end_token_id": 4, "image_token_id": 5, "video_token_id": 6,
            "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 32,
            "rms_norm_eps": .decimal(0.000001), "max_position_embeddings": 128,
            "rope_theta": 10000,
            "rope_scaling": ["type": "mrope", "mrope_section": [16, 24, 24]],
            "vision_config": [
                "depth": 1, "embed_dim": 32, "num_heads": 2, "mlp_ratio": 2, "hidden_size": 256,
                "patch_size": 2, "spatial_merge_size": 2, "temporal_patch_size": 2, "in_chans": 3,
            ],
        ]
    }

    static func shapes() -> [(String, [Int])] {
        var list: [(String, [Int])] = [("visual.patch_embed.proj.weight", [32, 3, 2, 2, 2])]
        for norm in ["blocks.0.norm1", "blocks.0.norm2", "merger.ln_q"] {
            list.append(("visual.\(norm).weight", [32]))
            list.append(("visual.\(norm).bias", [32]))
        }
        for (name, outputs, inputs) in [
            ("blocks.0.attn.qkv", 96, 32), ("blocks.0.attn.proj", 32, 32),
            ("blocks.0.mlp.fc1", 64, 32), ("blocks.0.mlp.fc2", 32, 64),
            ("merger.mlp.0", 128, 128), ("merger.mlp.2", 256, 128),
        ] {
            list.append(("visual.\(name).weight", [outputs, inputs]))
            list.append(("visual.\(name).bias", [outputs]))
        }
        list.append(("model.embed_tokens.weight", [32, 256]))
        for layer in 0..<2 {
            list.append(("model.layers.\(layer).input_layernorm.weight", [256]))
            list.append(("model.layers.\(layer).post_attention_layernorm.weight", [256]))
            for (name, rows) in [("q", 256), ("k", 128), ("v", 128)] {
                list.append(("model.layers.\(layer).self_attn.\(name)_proj.bias", [rows]))
            }
        }
        for linear in linears {
            list.append((linear.name + ".weight", [linear.rows, linear.columns]))
        }
        list.append(("model.norm.weight", [256]))
        return list
    }

    static func values(_ name: String, _ shape: [Int]) -> [Float] {
        var noise = Noise(name)
        let isNorm = name.contains("norm") && name.hasSuffix("weight")
        return (0..<shape.reduce(1, *)).map { _ in (isNorm ? 1 : 0) + 0.1 * noise.unit() }
    }

    /// The checkpoint in 32 bits, some of its tensors with other numbers.
    static func writer(_ replaced: [String: [Float]] = [:]) -> CheckpointWriter {
        var writer = CheckpointWriter()
        writer.config = config()
        writer.tensors = shapes().map { name, shape in
            CheckpointWriter.Tensor(
                name: name, scalar: "F32", shape: shape,
                bytes: CheckpointWriter.encode(replaced[name] ?? values(name, shape), "F32"))
        }
        return writer
    }

    /// The scores of every token after a prompt.
    static func logits(_ model: Model) throws -> [Float] {
        let ids = (0..<24).map { $0 * 7 % 32 }
        var session = try Session(model: model, pool: ThreadPool(threads: 1), capacity: 64)
        return try session.prefill(
            ids: ids, positions: RotaryPositions.of([.text(ids.count)], merge: 2, rule: .max),
            wantAllLogits: true)
    }

    static func linear(_ model: Model, _ name: String) -> WeightMatrix? {
        let parts = name.split(separator: ".")
        guard parts.count >= 5, let index = Int(parts[2]) else { return nil }
        let layer = model.language.layers[index]
        switch parts[4] {
        case "q_proj": return layer.q.weight
        case "k_proj": return layer.k.weight
        case "v_proj": return layer.v.weight
        case "o_proj": return layer.o.weight
        case "gate_proj": return layer.gate.weight
        case "up_proj": return layer.up.weight
        default: return layer.down.weight
        }
    }
}

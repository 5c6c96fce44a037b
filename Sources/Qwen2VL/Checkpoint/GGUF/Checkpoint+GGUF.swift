import Compute
import OrderedJSON

extension Checkpoint {
    /// Opens a pair of GGUF files: metadata, tensor names and types as in spec appendix C.
    static func open(_ pair: GGUFPair) throws(ModelError) -> Checkpoint {
        var faults = pair.language.faults + pair.vision.faults
        // Metadata of a file that could not be read to its end would only add noise.
        guard faults.isEmpty else { throw .damaged(path: pair.path, faults: faults) }
        let described = try GGUFConfiguration(pair)
        let read = described.read()
        if let reason = read.unsupported { throw .unsupported(path: pair.path, reason: reason) }
        faults += read.faults
        var weights: [String: StoredWeight] = [:]
        var used: Set<String> = []
        if let configuration = read.configuration {
            var source = GGUFWeights(pair, hasSwappedMLP: described.hasSwappedMLP)
            for need in configuration.requirements {
                weights[need.name] = source.weight(need)
            }
            faults += source.faults
            used = source.used
        }
        guard faults.isEmpty, let configuration = read.configuration else {
            throw .damaged(path: pair.path, faults: faults)
        }
        let files = [pair.language.file, pair.vision.file]
        let stored = pair.language.tensors.count + pair.vision.tensors.count
        var name = pair.language.name
        if GGUFPair.isGGUF(name) { name.removeLast(".gguf".count) }
        let all = JSON.array([
            .object(described.config), .object(described.generation),
            .object(described.preprocessor),
        ])
        return Checkpoint(
            path: pair.path, name: name, configuration: configuration, weights: weights,
            files: files, fileNames: [pair.language.name, pair.vision.name],
            layouts: [.gguf], extraTensors: stored - used.count,
            fingerprint: Fingerprint.of(
                config: Array(all.compact.utf8), files: files,
                tensors: Array(pair.language.tensors.values) + pair.vision.tensors.values))
    }
}

/// Finds the tensors of a weight under the names that GGUF files give them.
struct GGUFWeights {
    private let pair: GGUFPair
    private let hasSwappedMLP: Bool
    private(set) var faults: [Fault] = []
    /// Names of the tensors that were taken; those of the tower begin with `v.` or `mm.`.
    private(set) var used: Set<String> = []

    init(_ pair: GGUFPair, hasSwappedMLP: Bool) {
        self.pair = pair
        self.hasSwappedMLP = hasSwappedMLP
    }

    private static let layerNames = [
        "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    ]
    private static let wholeNames = [
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
        "visual.merger.ln_q": "v.post_ln", "visual.merger.mlp.0": "mm.0",
        "visual.merger.mlp.2": "mm.2",
    ]

    private var blockNames: [String: String] {
        [
            "norm1": "ln1", "norm2": "ln2", "attn.qkv": "attn_qkv", "attn.proj": "attn_out",
            "mlp.fc1": hasSwappedMLP ? "ffn_down" : "ffn_up",
            "mlp.fc2": hasSwappedMLP ? "ffn_up" : "ffn_down",
        ]
    }

    /// The name in the file of a name of the published layout, without its last word.
    private func name(_ base: String) -> String? {
        if let name = Self.wholeNames[base] { return name }
        func inside(_ prefix: String, _ target: String, _ names: [String: String]) -> String? {
            guard base.hasPrefix(prefix) else { return nil }
            let rest = base.dropFirst(prefix.count)
            guard let dot = rest.firstIndex(of: "."),
                let part = names[String(rest[rest.index(after: dot)...])]
            else { return nil }
            return target + rest[...dot] + part
        }
        return inside("model.layers.", "blk.", Self.layerNames)
            ?? inside("visual.blocks.", "v.blk.", blockNames)
    }

    /// The weight, or nil with at least one fault.
    mutating func weight(_ need: TensorRequirement) -> StoredWeight? {
        if need.name == "visual.patch_embed.proj.weight" { return patchEmbedding(need) }
        guard let dot = need.name.lastIndex(of: "."), let name = name(String(need.name[..<dot]))
        else { preconditionFailure("\(need.name) has no name in GGUF files") }
        let kind = String(need.name[dot...])
        let suffix = "attn_qkv"
        if name.hasSuffix(suffix), pair.vision.tensors[name + kind] == nil {
            // Three tensors, one below the other: queries, keys, values.
            var shape = need.shape
            shape[0] /= 3
            let base = name.dropLast(suffix.count)
            var parts: [StoredWeight] = []
            for part in ["attn_q", "attn_k", "attn_v"] {
                guard let found = tensor(base + part + kind, shape) else { return nil }
                parts.append(found)
            }
            return .stacked(parts)
        }
        return tensor(name + kind, need.shape)
    }

    private mutating func patchEmbedding(_ need: TensorRequirement) -> StoredWeight? {
        let shape = [need.shape[0], need.shape[1], need.shape[3], need.shape[4]]
        let name = "v.patch_embd.weight"
        guard let first = tensor(name, shape), let second = tensor(name + ".1", shape) else {
            return nil
        }
        return .temporalTaps(first, second, area: shape[2] * shape[3])
    }

    private mutating func tensor(_ name: String, _ shape: [Int]) -> StoredWeight? {
        let isVision = name.hasPrefix("v.") || name.hasPrefix("mm.")
        let reader = isVision ? pair.vision : pair.language
        guard let tensor = reader.tensors[name] else {
            faults.append(Fault(reader.name, name, .missing))
            return nil
        }
        used.insert(name)
        guard tensor.shape == shape else {
            faults.append(
                Fault(reader.name, name, .wrongShape(found: tensor.shape, expected: shape)))
            return nil
        }
        if let type = tensor.type { return .numbers(tensor, type) }
        guard let type = BlockType(rawValue: tensor.scalar.lowercased()) else {
            faults.append(Fault(reader.name, name, .wrongBlocks(found: tensor.scalar)))
            return nil
        }
        return .blocks(tensor, type)
    }
}

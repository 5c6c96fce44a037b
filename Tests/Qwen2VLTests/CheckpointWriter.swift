import Foundation
import OrderedJSON

/// A tiny checkpoint in the making, so that every rule of the loader is tested without a file from
/// elsewhere. Shapes are spelled out here by hand, from the specification and not from the code
/// under test.
struct CheckpointWriter {
    struct Tensor {
        var name: String
        var scalar: String
        var shape: [Int]
        var bytes: [UInt8]
    }

    var config: JSONObject
    var generation: JSONObject? = ["eos_token_id": [2, 0], "top_k": 1]
    var preprocessor: JSONObject? = ["min_pixels": 64, "max_pixels": 4096]
    var tensors: [Tensor]
    /// Spaces after the header, as writers pad it to a multiple of 8.
    var padding: Int?

    enum Layout: String, CaseIterable { case published, nested, exported }

    static let hidden = 16
    static let vocabulary = 32

    init(scalar: String = "F32", layout: Layout = .published, tied: Bool = true) {
        config = Self.config(nested: layout == .nested, tied: tied)
        tensors = Self.shapes(tied: tied).map { name, shape in
            let count = shape.reduce(1, *)
            let values = (0..<count).map { Self.value(name, $0) }
            return Tensor(
                name: Self.rename(name, layout), scalar: scalar, shape: shape,
                bytes: Self.encode(values, scalar))
        }
    }

    /// A value that every storage type holds exactly, different from tensor to tensor.
    static func value(_ name: String, _ index: Int) -> Float {
        let salt = name.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
        return Float((salt &+ index &* 37) % 255 - 127) / 64
    }

    static func encode(_ values: [Float], _ scalar: String) -> [UInt8] {
        switch scalar {
        case "F32": values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
        case "F16":
            values.flatMap { withUnsafeBytes(of: Float16($0).bitPattern.littleEndian, Array.init) }
        default:
            values.flatMap {
                withUnsafeBytes(of: UInt16($0.bitPattern >> 16).littleEndian, Array.init)
            }
        }
    }

    private static func rename(_ name: String, _ layout: Layout) -> String {
        let visual = name.hasPrefix("visual.")
        let rest = name.drop { $0 != "." }
        switch layout {
        case .published: return name
        case .nested:
            if name.hasPrefix("lm_head") { return name }
            return visual ? "model." + name : "model.language_model" + rest
        case .exported: return visual ? "vision_tower" + rest : "language_model." + name
        }
    }

    private static func shapes(tied: Bool) -> [(String, [Int])] {
        var list: [(String, [Int])] = [("visual.patch_embed.proj.weight", [8, 3, 2, 2, 2])]
        for norm in ["norm1", "norm2"] {
            list.append(("visual.blocks.0.\(norm).weight", [8]))
            list.append(("visual.blocks.0.\(norm).bias", [8]))
        }
        for (name, outputs, inputs) in [
            ("blocks.0.attn.qkv", 24, 8), ("blocks.0.attn.proj", 8, 8), ("blocks.0.mlp.fc1", 16, 8),
            ("blocks.0.mlp.fc2", 8, 16), ("merger.mlp.0", 32, 32), ("merger.mlp.2", 16, 32),
        ] {
            list.append(("visual.\(name).weight", [outputs, inputs]))
            list.append(("visual.\(name).bias", [outputs]))
        }
        list.append(("visual.merger.ln_q.weight", [8]))
        list.append(("visual.merger.ln_q.bias", [8]))
        list.append(("model.embed_tokens.weight", [32, 16]))
        for layer in 0..<2 {
            let prefix = "model.layers.\(layer)."
            list.append((prefix + "input_layernorm.weight", [16]))
            list.append((prefix + "post_attention_layernorm.weight", [16]))
            for (name, outputs) in [("q", 16), ("k", 8), ("v", 8)] {
                list.append((prefix + "self_attn.\(name)_proj.weight", [outputs, 16]))
                list.append((prefix + "self_attn.\(name)_proj.bias", [outputs]))
            }
            list.append((prefix + "self_attn.o_proj.weight", [16, 16]))
            list.append((prefix + "mlp.gate_proj.weight", [24, 16]))
            list.append((prefix + "mlp.up_proj.weight", [24, 16]))
            list.append((prefix + "mlp.down_proj.weight", [16, 24]))
        }
        list.append(("model.norm.weight", [16]))
        if !tied { list.append(("lm_head.weight", [32, 16])) }
        return list
    }

    static func config(nested: Bool, tied: Bool) -> JSONObject {
        let sizes: JSONObject = [
            "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 32,
            "rms_norm_eps": .decimal(0.000001), "max_position_embeddings": 128,
        ]
        let vision: JSON = [
            "depth": 1, "embed_dim": 8, "num_heads": 2, "mlp_ratio": 2, "hidden_size": 16,
            "patch_size": 2, "spatial_merge_size": 2, "temporal_patch_size": 2, "in_chans": 3,
        ]
        var root: JSONObject = [
            "model_type": "qwen2_vl", "tie_word_embeddings": .bool(tied),
            "vision_start_token_id": 3, "vision_end_token_id": 4, "image_token_id": 5,
            "video_token_id": 6, "vision_config": vision,
        ]
        if nested {
            var text = sizes
            text["rope_parameters"] = [
                "mrope_section": [1, 1, 2], "rope_theta": 10000, "rope_type": "default",
            ]
            root["text_config"] = .object(text)
        } else {
            root.members += sizes.members
            root["rope_theta"] = 10000
            root["rope_scaling"] = ["type": "mrope", "mrope_section": [1, 1, 2]]
        }
        return root
    }

    // MARK: - Files

    /// The header as an object, before it is padded and given its length.
    static func header(_ tensors: [Tensor]) -> JSONObject {
        var header: JSONObject = ["__metadata__": ["format": "pt"]]
        var offset = 0
        for tensor in tensors {
            let end = offset + tensor.bytes.count
            header[tensor.name] = [
                "dtype": .string(tensor.scalar), "shape": .array(tensor.shape.map(JSON.int)),
                "data_offsets": [.int(offset), .int(end)],
            ]
            offset = end
        }
        return header
    }

    /// The bytes of a safetensors file.
    static func file(header: String, padding: Int? = nil, data: [UInt8]) -> [UInt8] {
        var text = Array(header.utf8)
        let spaces = padding ?? (8 - text.count % 8) % 8
        text += [UInt8](repeating: 0x20, count: spaces)
        return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text + data
    }

    static func file(_ tensors: [Tensor], padding: Int? = nil) -> [UInt8] {
        file(
            header: JSON.object(header(tensors)).compact, padding: padding,
            data: tensors.flatMap(\.bytes))
    }

    /// Writes the checkpoint in one file.
    func write() throws -> TemporaryFolder {
        let folder = try writeConfiguration()
        try folder.write("model.safetensors", Self.file(tensors, padding: padding))
        return folder
    }

    /// Writes the checkpoint in `shards` files, tensors dealt out like cards.
    ///
    /// - Parameter edit: changes the map from names to files before it is written.
    func write(
        shards: Int, edit: (inout JSONObject) -> Void = { _ in }
    ) throws -> TemporaryFolder {
        let folder = try writeConfiguration()
        var map = JSONObject()
        for shard in 0..<shards {
            let name = "model-\(shard + 1)-of-\(shards).safetensors"
            let part = tensors.enumerated().filter { $0.offset % shards == shard }.map(\.element)
            for tensor in part { map[tensor.name] = .string(name) }
            try folder.write(name, Self.file(part))
        }
        edit(&map)
        let index: JSON = ["metadata": ["total_size": 1], "weight_map": .object(map)]
        try folder.write("model.safetensors.index.json", Array(index.pretty.utf8))
        return folder
    }

    func writeConfiguration() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (name, object) in [
            ("config.json", config), ("generation_config.json", generation),
            ("preprocessor_config.json", preprocessor),
        ] {
            if let object { try folder.write(name, Array(JSON.object(object).pretty.utf8)) }
        }
        return folder
    }
}

/// A folder that goes with its last reference.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/reelscribe-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }
}

/// Where the reference cases lie, beside the repository or where the environment says.
enum SharedFiles {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    static let folder =
        ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"]
        ?? root.deletingLastPathComponent().appendingPathComponent("shared").path
    static let reference = folder + "/reference"
    static var isThere: Bool { FileManager.default.fileExists(atPath: reference) }
}

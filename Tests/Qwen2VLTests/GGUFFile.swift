import Foundation
import OrderedJSON

/// A GGUF file in the making, written here by the description of the format.
struct GGUFFile {
    enum Value {
        case word(UInt32)
        case float(Float)
        case bool(Bool)
        case string(String)
        case strings([String])
        case integers([Int32])
        case floats([Float])
        /// A type and the bytes of a value, for what no writer would write.
        case raw(UInt32, [UInt8])
    }

    struct Tensor {
        var name: String
        /// Slowest dimension first; the file has them the other way round.
        var shape: [Int]
        var type: UInt32
        var bytes: [UInt8]
        /// Where the tensor is said to be, if not where it is.
        var offset: UInt64?
    }

    var magic: UInt32 = 0x4655_4747
    var version: UInt32 = 3
    var tensorCount: UInt64?
    var entryCount: UInt64?
    var entries: [(String, Value)] = []
    var tensors: [Tensor] = []
    var alignment = 32

    static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }

    static func bytes(_ text: String) -> [UInt8] {
        bytes(UInt64(text.utf8.count)) + Array(text.utf8)
    }

    private static func bytes(_ value: Value) -> [UInt8] {
        switch value {
        case .word(let number): bytes(UInt32(4)) + bytes(number)
        case .float(let number): bytes(UInt32(6)) + bytes(number.bitPattern)
        case .bool(let bool): bytes(UInt32(7)) + [bool ? 1 : 0]
        case .string(let text): bytes(UInt32(8)) + bytes(text)
        case .strings(let texts):
            bytes(UInt32(9)) + bytes(UInt32(8)) + bytes(UInt64(texts.count))
                + texts.flatMap { bytes($0) }
        case .integers(let numbers):
            bytes(UInt32(9)) + bytes(UInt32(5)) + bytes(UInt64(numbers.count))
                + numbers.flatMap { bytes($0) }
        case .floats(let numbers):
            bytes(UInt32(9)) + bytes(UInt32(6)) + bytes(UInt64(numbers.count))
                + numbers.flatMap { bytes($0.bitPattern) }
        case .raw(let type, let raw): bytes(type) + raw
        }
    }

    subscript(_ key: String) -> Value? {
        get { entries.first { $0.0 == key }?.1 }
        set {
            entries.removeAll { $0.0 == key }
            if let newValue { entries.append((key, newValue)) }
        }
    }

    func encoded() -> [UInt8] {
        var head = Self.bytes(magic) + Self.bytes(version)
        head += Self.bytes(tensorCount ?? UInt64(tensors.count))
        head += Self.bytes(entryCount ?? UInt64(entries.count))
        for (key, value) in entries { head += Self.bytes(key) + Self.bytes(value) }
        var data: [UInt8] = []
        for tensor in tensors {
            head += Self.bytes(tensor.name) + Self.bytes(UInt32(tensor.shape.count))
            for dimension in tensor.shape.reversed() { head += Self.bytes(UInt64(dimension)) }
            head += Self.bytes(tensor.type) + Self.bytes(tensor.offset ?? UInt64(data.count))
            data += tensor.bytes
            data += [UInt8](repeating: 0, count: (alignment - data.count % alignment) % alignment)
        }
        head += [UInt8](repeating: 0, count: (alignment - head.count % alignment) % alignment)
        return head + data
    }

    // MARK: - A model

    /// The wide checkpoint as its two files.
    struct Pair {
        var language = GGUFFile()
        var vision = GGUFFile()

        func write() throws -> TemporaryFolder {
            let folder = try TemporaryFolder()
            try folder.write("model-f32.gguf", language.encoded())
            try folder.write("mmproj-f32.gguf", vision.encoded())
            return folder
        }
    }

    private static func tensor(_ name: String, _ shape: [Int], _ values: [Float]) -> Tensor {
        Tensor(
            name: name, shape: shape, type: 0, bytes: CheckpointWriter.encode(values, "F32"))
    }

    /// - Parameter oldNames: the two layers of the tower's MLP with each other's names.
    static func pair(oldNames: Bool = false, fusedQKV: Bool = false) -> Pair {
        var pair = Pair()
        pair.language.entries = [
            ("general.architecture", .string("qwen2vl")),
            ("qwen2vl.context_length", .word(128)), ("qwen2vl.embedding_length", .word(256)),
            ("qwen2vl.block_count", .word(2)), ("qwen2vl.feed_forward_length", .word(512)),
            ("qwen2vl.attention.head_count", .word(2)),
            ("qwen2vl.attention.head_count_kv", .word(1)),
            ("qwen2vl.attention.layer_norm_rms_epsilon", .float(0.000001)),
            ("qwen2vl.rope.freq_base", .float(10000)),
            ("qwen2vl.rope.dimension_sections", .integers([16, 24, 24, 0])),
            ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string("qwen2")),
            (
                "tokenizer.ggml.tokens",
                .strings(
                    [
                        "a", "b", "c", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
                        "<|video_pad|>", "<|im_end|>", "<|endoftext|>",
                    ])
            ),
            ("tokenizer.ggml.eos_token_id", .word(7)),
        ]
        pair.vision.entries = [
            ("general.architecture", .string("clip")),
            ("clip.has_vision_encoder", .bool(true)),
            ("clip.projector_type", .string("qwen2vl_merger")),
            ("clip.vision.image_size", .word(560)), ("clip.vision.patch_size", .word(2)),
            ("clip.vision.embedding_length", .word(32)),
            // As the converter writes it, which is wrong.
            ("clip.vision.feed_forward_length", .word(256)),
            ("clip.vision.block_count", .word(1)), ("clip.vision.projection_dim", .word(256)),
            ("clip.vision.attention.head_count", .word(2)),
            ("clip.vision.attention.layer_norm_epsilon", .float(0.000001)),
            ("clip.vision.image_mean", .floats([0.48145466, 0.4578275, 0.40821073])),
            ("clip.vision.image_std", .floats([0.5, 0.5, 0.25])),
        ]
        let (fc1, fc2) = oldNames ? ("ffn_down", "ffn_up") : ("ffn_up", "ffn_down")
        let tower = [
            "visual.blocks.0.norm1": "v.blk.0.ln1", "visual.blocks.0.norm2": "v.blk.0.ln2",
            "visual.blocks.0.attn.proj": "v.blk.0.attn_out",
            "visual.blocks.0.mlp.fc1": "v.blk.0." + fc1,
            "visual.blocks.0.mlp.fc2": "v.blk.0." + fc2,
            "visual.merger.ln_q": "v.post_ln", "visual.merger.mlp.0": "mm.0",
            "visual.merger.mlp.2": "mm.2",
        ]
        let parts = [
            "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q",
            "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
            "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
            "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
        ]
        for (name, shape) in WideCheckpoint.shapes() {
            let values = WideCheckpoint.values(name, shape)
            let dot = name.lastIndex(of: ".") ?? name.startIndex
            let (base, kind) = (String(name[..<dot]), String(name[dot...]))
            if name == "visual.patch_embed.proj.weight" {
                for time in 0..<2 {
                    // [32, 3, time, 2, 2]
                    let tap = (0..<32 * 3).flatMap { place in
                        (0..<4).map { values[(place * 2 + time) * 4 + $0] }
                    }
                    pair.vision.tensors.append(
                        tensor(
                            "v.patch_embd.weight" + (time == 0 ? "" : ".1"), [32, 3, 2, 2], tap))
                }
            } else if base == "visual.blocks.0.attn.qkv" {
                if fusedQKV {
                    pair.vision.tensors.append(tensor("v.blk.0.attn_qkv" + kind, shape, values))
                } else {
                    let third = values.count / 3
                    for (index, part) in ["q", "k", "v"].enumerated() {
                        pair.vision.tensors.append(
                            tensor(
                                "v.blk.0.attn_\(part)" + kind, [32] + shape.dropFirst(),
                                Array(values[index * third..<(index + 1) * third])))
                    }
                }
            } else if let known = tower[base] {
                pair.vision.tensors.append(tensor(known + kind, shape, values))
            } else if base == "model.embed_tokens" {
                pair.language.tensors.append(tensor("token_embd.weight", shape, values))
            } else if base == "model.norm" {
                pair.language.tensors.append(tensor("output_norm.weight", shape, values))
            } else {
                let words = name.split(separator: ".")
                let part = parts[words[3..<words.count - 1].joined(separator: ".")] ?? "?"
                pair.language.tensors.append(
                    tensor("blk.\(words[2]).\(part)" + kind, shape, values))
            }
        }
        return pair
    }
}

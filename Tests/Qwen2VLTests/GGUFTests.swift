import Compute
import Foundation
import OrderedJSON
import Qwen2VL
import Testing

@Suite struct GGUFBlockTests {
    private static let golden = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/gguf/blocks.safetensors").path

    /// Against the format's own Python package: wrong nibbles, fifth bits or scales would all give
    /// plausible numbers.
    @Test(arguments: BlockType.allCases) func numbersOfBlocks(_ type: BlockType) throws {
        var reader = SafetensorsReader(
            file: try MappedFile(path: Self.golden), name: "blocks.safetensors")
        let tensors = Dictionary(uniqueKeysWithValues: reader.tensors().map { ($0.name, $0) })
        let blocks = try #require(tensors[type.rawValue + ".blocks"]).bytes
        let right = try #require(tensors[type.rawValue + ".values"])
        var values = [Float](repeating: .nan, count: right.shape[0])
        #expect(blocks.count / type.size * type.count == values.count && values.count >= 192)
        values.withUnsafeMutableBufferPointer { type.expand(blocks, into: $0) }
        let expected = (0..<values.count).map {
            right.bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
        }
        #expect(values == expected)
        #expect(Set(values).count > values.count / 8)
    }
}

/// A file that was damaged on its way, or made to do harm.
struct HostileGGUF: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let says: String
    let edit: @Sendable (inout GGUFFile) -> Void

    private init(_ name: String, says: String, _ edit: @escaping @Sendable (inout GGUFFile) -> Void)
    {
        testDescription = name
        self.says = says
        self.edit = edit
    }

    static let all = [
        HostileGGUF("another format", says: "not a GGUF file") { $0.magic = 0x4755_4747 },
        HostileGGUF("big-endian", says: "big-endian") { $0.version = 3 << 24 },
        HostileGGUF("version 1", says: "version 1 is not read") { $0.version = 1 },
        HostileGGUF("2⁶⁴ − 1 tensors", says: "18446744073709551615") { $0.tensorCount = .max },
        HostileGGUF("more tensors than there are", says: "not a usable checkpoint") {
            $0.tensorCount = 60000
        },
        HostileGGUF("2⁶³ entries", says: "9223372036854775808") { $0.entryCount = 1 << 63 },
        HostileGGUF("a key twice", says: "more than once") {
            $0.entries.append(("general.architecture", .string("qwen2vl")))
        },
        HostileGGUF("a text of 2⁶⁰ bytes", says: "the length of x") {
            $0.entries.append(("x", .raw(8, GGUFFile.bytes(UInt64(1) << 60))))
        },
        HostileGGUF("a text longer than the file", says: "cut short") {
            $0.entries.append(("x", .raw(8, GGUFFile.bytes(UInt64(1) << 24))))
        },
        HostileGGUF("a text that is none", says: "not UTF-8") {
            $0.entries.append(("x", .raw(8, GGUFFile.bytes(UInt64(1)) + [0xFF])))
        },
        HostileGGUF("a value of an unknown type", says: "unknown type 13") {
            $0.entries.append(("x", .raw(13, [])))
        },
        HostileGGUF("a list of lists", says: "unknown type 9") {
            $0.entries.append(
                ("x", .raw(9, GGUFFile.bytes(UInt32(9)) + GGUFFile.bytes(UInt64(1)))))
        },
        HostileGGUF("a list of 2⁴⁰ numbers", says: "the number of elements of x") {
            $0.entries.append(
                ("x", .raw(9, GGUFFile.bytes(UInt32(4)) + GGUFFile.bytes(UInt64(1) << 40))))
        },
        HostileGGUF("a list longer than the file", says: "cut short") {
            $0.entries.append(
                ("x", .raw(9, GGUFFile.bytes(UInt32(12)) + GGUFFile.bytes(UInt64(1) << 24))))
        },
        HostileGGUF("alignment 0", says: "general.alignment") {
            $0["general.alignment"] = .word(0)
        },
        HostileGGUF("alignment of a text", says: "general.alignment") {
            $0["general.alignment"] = .string("32")
        },
        HostileGGUF("five dimensions", says: "5 dimensions") {
            $0.tensors[0].shape = [1, 1, 1, 32, 256]
        },
        HostileGGUF("a dimension of 2⁶³", says: "a dimension of token_embd.weight") {
            $0.tensors[0].shape = [.max, 1]
        },
        HostileGGUF("a shape whose size overflows", says: "sane size") {
            $0.tensors[0].shape = [1 << 40, 1 << 40]
        },
        HostileGGUF("an unknown type of tensor", says: "stored as type 99") {
            $0.tensors[0].type = 99
        },
        HostileGGUF("a type that we do not read", says: "stored as IQ4_NL") {
            $0.tensors[0].type = 20
        },
        HostileGGUF("integers", says: "stored as I32") { $0.tensors[0].type = 26 },
        HostileGGUF("rows that are no whole blocks", says: "blocks of 256") {
            $0.tensors[0].shape = [2 * 32, 128]
            $0.tensors[0].type = 12
        },
        HostileGGUF("an odd offset", says: "offset 1 is not a multiple of 32") {
            $0.tensors[1].offset = 1
        },
        HostileGGUF("an offset of 2⁶⁴ − 1", says: "the offset of") { $0.tensors[1].offset = .max },
        HostileGGUF("a tensor behind the file", says: "cut short") {
            $0.tensors[1].offset = 1 << 40
        },
        HostileGGUF("two tensors in one place", says: "overlaps") { $0.tensors[1].offset = 0 },
        HostileGGUF("a tensor twice", says: "more than once") {
            $0.tensors[1].name = $0.tensors[0].name
        },
        HostileGGUF("a missing tensor", says: "blk.1.ffn_up.weight: missing") {
            $0.tensors.removeAll { $0.name == "blk.1.ffn_up.weight" }
        },
        HostileGGUF("a width of another model", says: "expected") {
            $0["qwen2vl.feed_forward_length"] = .word(768)
        },
        HostileGGUF("a missing size", says: "qwen2vl.block_count: missing") {
            $0["qwen2vl.block_count"] = nil
        },
        HostileGGUF("a size of a text", says: "qwen2vl.embedding_length: must be") {
            $0["qwen2vl.embedding_length"] = .string("256")
        },
        HostileGGUF("2³² − 1 layers", says: "qwen2vl.block_count") {
            $0["qwen2vl.block_count"] = .word(.max)
        },
        HostileGGUF("no positions", says: "qwen2vl.rope.dimension_sections") {
            $0["qwen2vl.rope.dimension_sections"] = nil
        },
        HostileGGUF("positions of another model", says: "qwen2vl.rope.dimension_sections") {
            $0["qwen2vl.rope.dimension_sections"] = .integers([16, 24, 24, 8])
        },
        HostileGGUF("no visual tokens", says: "<|image_pad|>") {
            $0["tokenizer.ggml.tokens"] = .strings(["a", "b"])
        },
        HostileGGUF("a model of another family", says: "\"llama\" is not supported") {
            $0["general.architecture"] = .string("llama")
        },
        HostileGGUF("one part of several", says: "split.count is 3") {
            $0["split.count"] = .word(3)
        },
        HostileGGUF("stretched positions", says: "rope.scaling.type is \"yarn\"") {
            $0["qwen2vl.rope.scaling.type"] = .string("yarn")
        },
    ]
}

@Suite struct GGUFTests {
    private static let shapes = WideCheckpoint.shapes()

    private func plain() throws -> Model {
        let folder = try WideCheckpoint.writer().write()
        return try Model.load(folder: folder.path)
    }

    private func values(_ matrix: WeightMatrix) -> [Float] { CheckpointTests.values(matrix) }

    /// Names, the order of dimensions, the thirds of the attention, the two taps of the patches:
    /// the same numbers as from safetensors, in their places.
    @Test(arguments: [(false, false), (true, false), (false, true)])
    func sameModelAsFromSafetensors(oldNames: Bool, fused: Bool) throws {
        let folder = try GGUFFile.pair(oldNames: oldNames, fusedQKV: fused).write()
        let model = try Model.load(folder: folder.path + "/model-f32.gguf")
        let right = try plain()
        #expect(values(model.vision.patchEmbedding) == values(right.vision.patchEmbedding))
        let pairs = [
            (model.vision.blocks[0], right.vision.blocks[0])
        ]
        for (found, expected) in pairs {
            for part in [\VisionBlockWeights.qkv, \.proj, \.fc1, \.fc2] {
                #expect(
                    values(found[keyPath: part].weight) == values(expected[keyPath: part].weight))
                #expect(found[keyPath: part].bias == expected[keyPath: part].bias)
            }
            #expect(found.norm1.weight == expected.norm1.weight)
            #expect(found.norm2.bias == expected.norm2.bias)
        }
        #expect(values(model.vision.merger2.weight) == values(right.vision.merger2.weight))
        #expect(model.vision.mergerNorm.bias == right.vision.mergerNorm.bias)
        #expect(try WideCheckpoint.logits(model) == (try WideCheckpoint.logits(right)))
        // Plain numbers stay in the mapped file.
        #expect(model.language.layers[1].down.weight.storage is MappedFile)
        #expect(model.vision.merger0.weight.storage is MappedFile)
        #expect(model.name == "model-f32")
        // A folder with the two files means the same.
        #expect(try Model.load(folder: folder.path).fingerprint == model.fingerprint)
    }

    @Test func configurationOfMetadata() throws {
        let folder = try GGUFFile.pair().write()
        let found = try ModelInfo.read(folder: folder.path)
        let plain = try WideCheckpoint.writer().write()
        let right = try ModelInfo.read(folder: plain.path)
        #expect(found.configuration.text == right.configuration.text)
        #expect(found.configuration.vision == right.configuration.vision)
        // To the last digit: a rounded mean moves every pixel.
        #expect(found.configuration.preprocessor.mean == [0.48145466, 0.4578275, 0.40821073])
        #expect(found.configuration.preprocessor.std == [0.5, 0.5, 0.25])
        #expect(found.configuration.tokens.endOfSequence == [7, 8])
        #expect(found.configuration.tokens.videoPad == 6)
        #expect(found.parameters == right.parameters && found.extraTensors == 0)
        #expect(found.layouts == [.gguf] && found.files.count == 2)
    }

    @Test func ownHead() throws {
        var pair = GGUFFile.pair()
        let head = WideCheckpoint.values("head", [32, 256])
        pair.language.tensors.append(
            GGUFFile.Tensor(
                name: "output.weight", shape: [32, 256], type: 0,
                bytes: CheckpointWriter.encode(head, "F32")))
        let folder = try pair.write()
        let model = try Model.load(folder: folder.path)
        #expect(values(model.language.head) == head)
        #expect(!model.configuration.text.tieWordEmbeddings)
    }

    /// Whole matrices of blocks: rows one after the other, in memory as halves or whatever is asked
    /// for.
    @Test(arguments: [
        (UInt32(2), BlockType.q40), (3, .q41), (6, .q50), (7, .q51), (8, .q80), (12, .q4K),
        (13, .q5K), (14, .q6K),
    ])
    func matricesOfBlocks(number: UInt32, type: BlockType) throws {
        var pair = GGUFFile.pair()
        var replaced: [String: [Float]] = [:]
        let names = [
            "attn_q": "self_attn.q_proj", "ffn_down": "mlp.down_proj", "ffn_up": "mlp.up_proj",
        ]
        for index in pair.language.tensors.indices {
            let name = pair.language.tensors[index].name
            let words = name.split(separator: ".").map(String.init)
            guard words.count == 4, words[3] == "weight", let part = names[words[2]] else {
                continue
            }
            let shape = pair.language.tensors[index].shape
            let count = shape[0] * shape[1]
            var noise = Noise(name + type.rawValue)
            var bytes = (0..<count / type.count * type.size).map { _ in UInt8(noise.whole(256)) }
            for block in stride(from: 0, to: bytes.count, by: type.size) {
                let places =
                    switch type {
                    case .q6K: [208]
                    case .q41, .q51, .q4K, .q5K: [0, 2]
                    default: [0]
                    }
                // Factors as small as those of a model, so that its logits stay finite.
                let size: Float = type.rawValue.hasSuffix("k") ? 1e-4 : 3e-3
                for place in places {
                    let half = Float16(size * noise.unit())
                    bytes.replaceSubrange(
                        block + place..<block + place + 2, with: GGUFFile.bytes(half.bitPattern))
                }
            }
            var numbers = [Float](repeating: 0, count: count)
            numbers.withUnsafeMutableBufferPointer { target in
                bytes.withUnsafeBytes { type.expand($0, into: target) }
            }
            replaced["model.layers.\(words[1]).\(part).weight"] = numbers
            pair.language.tensors[index].type = number
            pair.language.tensors[index].bytes = bytes
        }
        #expect(replaced.count == 6)
        let folder = try pair.write()
        let plain = try WideCheckpoint.writer(replaced).write()
        let wide = try Model.load(folder: folder.path, weights: WeightFormats(.f32))
        let right = try Model.load(folder: plain.path)
        #expect(try WideCheckpoint.logits(wide) == (try WideCheckpoint.logits(right)))
        let model = try Model.load(folder: folder.path)
        let down = model.language.layers[1].down.weight
        #expect(down.format == .f16)
        #expect(
            values(down) == values(right.language.layers[1].down.weight).map { Float(Float16($0)) })
        // Packed from the numbers themselves, not from halves of them.
        for format in [WeightFormat.int8, .int4] {
            let packed = try Model.load(folder: folder.path, weights: WeightFormats(format))
            let truth = try Model.load(folder: plain.path, weights: WeightFormats(format))
            #expect(
                values(packed.language.layers[0].up.weight)
                    == values(truth.language.layers[0].up.weight))
        }
        let info = try ModelInfo.read(folder: folder.path)
        let share = try #require(info.types.first { $0.stored == type.rawValue })
        #expect(share.memory == .f16 && !share.isExact)
        #expect(share.parameters == replaced.values.reduce(0) { $0 + $1.count })
    }

    // MARK: - Faults

    private func failure(_ pair: GGUFFile.Pair) throws -> ModelError? {
        let folder = try pair.write()
        do {
            _ = try Model.load(folder: folder.path + "/model-f32.gguf")
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: HostileGGUF.all) func hostileFiles(_ file: HostileGGUF) throws {
        var pair = GGUFFile.pair()
        pair.language.tensors.sort { first, _ in first.name == "token_embd.weight" }
        file.edit(&pair.language)
        let error = try #require(try failure(pair))
        #expect(error.description.contains(file.says), "\(error)")
    }

    /// Cut anywhere, a file is an error and never a crash.
    @Test func cutsEverywhere() throws {
        var pair = GGUFFile.pair()
        pair.language.tensors.removeLast(pair.language.tensors.count - 3)
        let bytes = pair.language.encoded()
        let folder = try pair.write()
        let head = bytes.count - pair.language.tensors.reduce(0) { $0 + $1.bytes.count }
        for length in stride(from: 1, to: head, by: 7) {
            try folder.write("model-f32.gguf", Array(bytes[..<length]))
            #expect(throws: ModelError.self) { try ModelInfo.read(folder: folder.path) }
        }
    }

    @Test(arguments: [
        ("clip.projector_type", "\"qwen2.5vl_merger\"", "clip.projector_type"),
        ("general.architecture", "\"llava\"", "general.architecture"),
    ])
    func otherTowers(key: String, value: String, says: String) throws {
        var pair = GGUFFile.pair()
        pair.vision[key] = .string(value)
        let error = try #require(try failure(pair))
        #expect(error.code == "model.unsupported" && error.description.contains(says))
        pair = GGUFFile.pair()
        pair.vision["clip.use_silu"] = .bool(true)
        #expect(try failure(pair)?.code == "model.unsupported")
    }

    // MARK: - Which files

    @Test func theTowerIsFoundOrNamed() throws {
        let folder = try GGUFFile.pair().write()
        let language = folder.path + "/model-f32.gguf"
        let elsewhere = try TemporaryFolder()
        let tower = elsewhere.path + "/tower.gguf"
        try FileManager.default.moveItem(atPath: folder.path + "/mmproj-f32.gguf", toPath: tower)
        let missing = #expect(throws: ModelError.self) { try ModelInfo.read(folder: language) }
        #expect(missing?.hint?.contains("--mmproj") == true)
        #expect(try ModelInfo.read(folder: language, projector: tower).files.count == 2)
        for name in ["mmproj-a.gguf", "b-MMPROJ.gguf"] {
            try FileManager.default.copyItem(atPath: tower, toPath: folder.path + "/" + name)
        }
        let several = #expect(throws: ModelError.self) { try ModelInfo.read(folder: language) }
        #expect(several?.description.contains("b-MMPROJ.gguf, mmproj-a.gguf") == true)
        try folder.write("other.gguf", [1])
        let two = #expect(throws: ModelError.self) { try ModelInfo.read(folder: folder.path) }
        #expect(two?.description.contains("model-f32.gguf, other.gguf") == true)
        let nothing = #expect(throws: ModelError.self) {
            try ModelInfo.read(folder: folder.path + "/nothing.gguf")
        }
        #expect(nothing?.code == "model.not_found")
    }
}

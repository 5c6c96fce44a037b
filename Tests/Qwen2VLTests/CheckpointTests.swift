import Compute
import Foundation
import OrderedJSON
import Qwen2VL
import Testing

/// A way in which the same tiny model can be written.
struct WrittenForm: Sendable, CustomTestStringConvertible {
    var scalar = "F32"
    var layout = CheckpointWriter.Layout.published
    var tied = true
    var shards = 1

    var testDescription: String {
        "\(scalar) \(layout.rawValue) \(tied ? "tied" : "untied"), \(shards) file(s)"
    }

    static let all = [
        WrittenForm(), WrittenForm(scalar: "BF16"), WrittenForm(scalar: "F16"),
        WrittenForm(tied: false), WrittenForm(layout: .nested), WrittenForm(shards: 3),
        WrittenForm(layout: .exported, tied: false),
        WrittenForm(scalar: "BF16", layout: .nested, tied: false, shards: 2),
    ]

    func write() throws -> TemporaryFolder {
        let writer = CheckpointWriter(scalar: scalar, layout: layout, tied: tied)
        return shards == 1 ? try writer.write() : try writer.write(shards: shards)
    }
}

@Suite struct CheckpointTests {
    static func values(_ matrix: WeightMatrix) -> [Float] {
        let count = matrix.rows * matrix.columns
        guard let type = matrix.format.scalar else {
            guard var numbers = try? FloatBuffer(count: count) else { return [] }
            for row in 0..<matrix.rows {
                matrix.expandRow(row, into: &numbers, at: row * matrix.columns)
            }
            return numbers.array(0..<count)
        }
        return (0..<count).map { index in
            switch type {
            case .f32: (matrix.base + index * 4).load(as: Float.self)
            case .f16: Float((matrix.base + index * 2).load(as: Float16.self))
            case .bf16:
                Float(
                    bitPattern: UInt32((matrix.base + index * 2).load(as: UInt16.self)) << 16)
            }
        }
    }

    private static func written(_ name: String, _ count: Int) -> [Float] {
        (0..<count).map { CheckpointWriter.value(name, $0) }
    }

    /// Every tensor lands in its own place: a swap of two of one shape would go unnoticed
    /// elsewhere.
    @Test(arguments: WrittenForm.all) func tensorsAreWhereTheyBelong(_ form: WrittenForm) throws {
        let folder = try form.write()
        let model = try Model.load(folder: folder.path)
        var matrices: [(String, WeightMatrix)] = [
            ("visual.patch_embed.proj.weight", model.vision.patchEmbedding),
            ("visual.merger.mlp.0.weight", model.vision.merger0.weight),
            ("visual.merger.mlp.2.weight", model.vision.merger2.weight),
            ("model.embed_tokens.weight", model.language.embedding),
            (
                form.tied ? "model.embed_tokens.weight" : "lm_head.weight",
                model.language.head
            ),
        ]
        var vectors: [(String, [Float])] = [
            ("visual.merger.mlp.0.bias", model.vision.merger0.bias),
            ("visual.merger.mlp.2.bias", model.vision.merger2.bias),
            ("visual.merger.ln_q.weight", model.vision.mergerNorm.weight),
            ("visual.merger.ln_q.bias", model.vision.mergerNorm.bias),
            ("model.norm.weight", model.language.norm.weight),
        ]
        for (index, block) in model.vision.blocks.enumerated() {
            let name = "visual.blocks.\(index)."
            for (part, linear) in [
                ("attn.qkv", block.qkv), ("attn.proj", block.proj), ("mlp.fc1", block.fc1),
                ("mlp.fc2", block.fc2),
            ] {
                matrices.append((name + part + ".weight", linear.weight))
                vectors.append((name + part + ".bias", linear.bias))
            }
            for (part, norm) in [("norm1", block.norm1), ("norm2", block.norm2)] {
                vectors.append((name + part + ".weight", norm.weight))
                vectors.append((name + part + ".bias", norm.bias))
            }
        }
        for (index, layer) in model.language.layers.enumerated() {
            let name = "model.layers.\(index)."
            for (part, linear) in [("q", layer.q), ("k", layer.k), ("v", layer.v)] {
                matrices.append((name + "self_attn.\(part)_proj.weight", linear.weight))
                vectors.append((name + "self_attn.\(part)_proj.bias", linear.bias))
            }
            for (part, linear) in [
                ("self_attn.o", layer.o), ("mlp.gate", layer.gate), ("mlp.up", layer.up),
                ("mlp.down", layer.down),
            ] {
                matrices.append((name + part + "_proj.weight", linear.weight))
                #expect(linear.bias.isEmpty)
            }
            vectors.append((name + "input_layernorm.weight", layer.inputNorm.weight))
            vectors.append(
                (name + "post_attention_layernorm.weight", layer.postAttentionNorm.weight))
        }
        #expect(model.vision.blocks.count == 1)
        #expect(model.language.layers.count == 2)
        for (name, matrix) in matrices {
            #expect(
                Self.values(matrix) == Self.written(name, matrix.rows * matrix.columns), "\(name)")
            // No second copy of what can be used in place.
            #expect(matrix.storage is MappedFile, "\(name)")
        }
        for (name, vector) in vectors {
            #expect(!vector.isEmpty && vector == Self.written(name, vector.count), "\(name)")
        }
        #expect(model.format.rawValue.uppercased() == form.scalar)
        #expect(model.vision.patchEmbedding.columns == 24)
    }

    /// A library may leave a head in the file that a tied model must not use.
    @Test func tiedHeadIsTheEmbedding() throws {
        var writer = CheckpointWriter(tied: false)
        writer.config["tie_word_embeddings"] = true
        let folder = try writer.write()
        let model = try Model.load(folder: folder.path)
        #expect(model.language.head.base == model.language.embedding.base)
        #expect(try ModelInfo.read(folder: folder.path).extraTensors == 1)
    }

    /// The format does not promise padding: an odd header puts every number at an odd address.
    @Test(arguments: ["F32", "BF16", "F16"]) func misalignedTensorsAreMoved(scalar: String) throws {
        var writer = CheckpointWriter(scalar: scalar)
        let length = JSON.object(CheckpointWriter.header(writer.tensors)).compact.utf8.count
        writer.padding = length % 2 == 0 ? 1 : 2
        let folder = try writer.write()
        let model = try Model.load(folder: folder.path)
        let embedding = model.language.embedding
        #expect(embedding.storage is OwnedBytes)
        #expect(Int(bitPattern: embedding.base) % 64 == 0)
        #expect(Self.values(embedding) == Self.written("model.embed_tokens.weight", 32 * 16))
        #expect(model.language.norm.weight == Self.written("model.norm.weight", 16))
    }

    @Test(arguments: ["F32", "BF16", "F16"], [WeightFormat.f32, .bf16, .f16])
    func conversionOnLoad(scalar: String, target: WeightFormat) throws {
        let folder = try CheckpointWriter(scalar: scalar).write()
        let model = try Model.load(folder: folder.path, weights: WeightFormats(target))
        let down = model.language.layers[1].down.weight
        #expect(down.format == target && model.format == target)
        #expect(
            Self.values(down) == Self.written("model.layers.1.mlp.down_proj.weight", 16 * 24))
        // Identity is that of the source, whatever it is loaded as.
        #expect(model.fingerprint == (try Model.load(folder: folder.path).fingerprint))
    }

    /// Which parts are packed, and that the rest stays as and where it is.
    @Test(arguments: [WeightFormat.int8, .int4]) func packingOnLoad(target: WeightFormat) throws {
        let folder = try CheckpointWriter(tied: true).write()
        let model = try Model.load(folder: folder.path, weights: WeightFormats(target))
        let plain = try Model.load(folder: folder.path)
        let (text, tower) = (model.language, model.vision)
        #expect(model.format == target && model.visionFormat == target)
        #expect(text.layers.allSatisfy { $0.q.weight.format == target })
        #expect(tower.blocks.allSatisfy { $0.qkv.weight.format == target })
        #expect(
            text.layers.allSatisfy {
                [$0.o, $0.gate, $0.up, $0.down].allSatisfy { $0.weight.format == target }
            })
        // These keep 8 bits.
        #expect(text.head.format == .int8 && tower.merger2.weight.format == .int8)
        #expect(text.layers.allSatisfy { $0.k.weight.format == .int8 })
        #expect(text.layers.allSatisfy { $0.v.weight.format == .int8 })
        #expect(text.embedding.storage is MappedFile && tower.patchEmbedding.storage is MappedFile)
        #expect(model.fingerprint == plain.fingerprint)
        let values = Self.values(text.layers[1].down.weight)
        let exact = Self.values(plain.language.layers[1].down.weight)
        let range = (exact.max() ?? 0) - (exact.min() ?? 0)
        let step = range / (target == .int8 ? 254 : 15)
        #expect(zip(values, exact).allSatisfy { abs($0 - $1) <= step })
        #expect(values != exact)

        let mixed = try Model.load(
            folder: folder.path, weights: WeightFormats(language: target, vision: nil))
        #expect(mixed.format == target)
        #expect(mixed.vision.blocks[0].qkv.weight.storage is MappedFile)
    }

    /// A weight beyond the range of half precision would become infinite.
    @Test func narrowingBeyondTheRangeIsAFault() throws {
        var writer = CheckpointWriter()
        let index = 0
        let count = writer.tensors[index].bytes.count / 4
        writer.tensors[index].bytes = CheckpointWriter.encode(
            [70_000] + [Float](repeating: 0, count: count - 1), "F32")
        let folder = try writer.write()
        #expect(throws: ModelError.self) {
            try Model.load(folder: folder.path, weights: WeightFormats(.f16))
        }
        #expect(throws: Never.self) {
            try Model.load(folder: folder.path, weights: WeightFormats(.bf16))
        }
    }

    @Test func notANumberInANormIsAFault() throws {
        var writer = CheckpointWriter()
        let index = try #require(writer.tensors.firstIndex { $0.name == "model.norm.weight" })
        writer.tensors[index].bytes = CheckpointWriter.encode(
            [Float](repeating: .nan, count: 16), "F32")
        let folder = try writer.write()
        let error = #expect(throws: ModelError.self) { try Model.load(folder: folder.path) }
        #expect(error?.description.contains("model.norm.weight") == true)
    }

    // MARK: - Identity

    @Test func fingerprintFollowsContent() throws {
        let plain = try CheckpointWriter().write()
        let same = try CheckpointWriter().write()
        var changed = CheckpointWriter()
        changed.tensors[3].bytes[0] ^= 1
        var configured = CheckpointWriter()
        configured.config["rope_theta"] = 20000
        let prints = try [plain, same, changed.write(), configured.write()].map {
            try ModelInfo.read(folder: $0.path).fingerprint
        }
        #expect(prints[0] == prints[1])
        #expect(Set(prints).count == 3)
        #expect(prints.allSatisfy { $0.utf8.count == 32 })
    }

    @Test func infoTellsWhatIsThere() throws {
        var writer = CheckpointWriter(scalar: "BF16", layout: .nested, tied: false)
        writer.config["reelscribe"] = ["kind": "sample"]
        let numbers = writer.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
        writer.tensors.append(
            CheckpointWriter.Tensor(
                name: "extra", scalar: "I64", shape: [1], bytes: .init(repeating: 0, count: 8)))
        let folder = try writer.write(shards: 2)
        let info = try ModelInfo.read(folder: folder.path + "/")
        #expect(info.parameters == numbers)
        #expect(info.bytes == 2 * numbers)
        #expect(info.types.map(\.stored) == ["bf16"] && info.types[0].parameters == numbers)
        #expect(info.layouts == [.nested])
        #expect(
            info.files.map(\.name).sorted() == [
                "model-1-of-2.safetensors", "model-2-of-2.safetensors",
            ])
        #expect(info.extraTensors == 1)
        #expect(info.configuration.kind == .sample)
        #expect(info.name == folder.path.split(separator: "/").last.map(String.init))
        #expect(info.loadedBytes(weights: WeightFormats()) == 2 * numbers)
        #expect(info.loadedBytes(weights: WeightFormats(.f32)) == 4 * numbers)
        for format in [WeightFormat.bf16, .int8, .int4] {
            let formats = WeightFormats(format)
            let model = try Model.load(folder: folder.path, weights: formats)
            let vectors = writer.tensors.filter { $0.shape.count == 1 && $0.scalar == "BF16" }
                .reduce(0) { $0 + 4 * $1.shape[0] }
            let language = model.language.layers.flatMap {
                [$0.q, $0.k, $0.v, $0.o, $0.gate, $0.up, $0.down].map(\.weight)
            }
            let tower = model.vision.blocks.flatMap { [$0.qkv, $0.proj, $0.fc1, $0.fc2] }
            let merger = [model.vision.merger0, model.vision.merger2]
            var matrices = language + (tower + merger).map(\.weight)
            matrices += [model.vision.patchEmbedding, model.language.head]
            if !model.configuration.text.tieWordEmbeddings {
                matrices.append(model.language.embedding)
            }
            let sum = matrices.reduce(vectors) { $0 + $1.byteCount }
            #expect(info.loadedBytes(weights: formats) == sum, "\(format)")
        }
    }

    /// The cache of a hub: a snapshot named after a revision, whose files are links to blobs.
    @Test func cacheOfAHub() throws {
        let blobs = try CheckpointWriter().write()
        let cache = try TemporaryFolder()
        let snapshot = cache.path + "/models--Some--Model--2b/snapshots/0123abc"
        try FileManager.default.createDirectory(
            atPath: snapshot, withIntermediateDirectories: true)
        for name in ["config.json", "model.safetensors"] {
            try FileManager.default.createSymbolicLink(
                atPath: snapshot + "/" + name, withDestinationPath: blobs.path + "/" + name)
        }
        #expect(try Model.load(folder: snapshot).name == "Some/Model--2b")
    }

    // MARK: - Random models

    @Test(arguments: WeightFormat.allCases) func randomModel(format: WeightFormat) throws {
        let folder = try CheckpointWriter(tied: false).write()
        let configuration = try ModelInfo.read(folder: folder.path).configuration
        let formats = WeightFormats(format)
        let one = try Model.random(configuration: configuration, formats: formats, seed: 1)
        let again = try Model.random(configuration: configuration, formats: formats, seed: 1)
        let other = try Model.random(configuration: configuration, formats: formats, seed: 2)
        let values = Self.values(one.language.layers[1].up.weight)
        #expect(values == Self.values(again.language.layers[1].up.weight))
        #expect(values != Self.values(other.language.layers[1].up.weight))
        #expect(values != Self.values(one.language.layers[0].up.weight))
        #expect(values.allSatisfy { abs($0) < 0.037 })
        #expect(format.scalar == nil || Set(values).count > values.count / 2)
        #expect(one.language.norm.weight == [Float](repeating: 1, count: 16))
        #expect(one.vision.mergerNorm.bias == [Float](repeating: 0, count: 8))
        #expect(one.fingerprint == again.fingerprint && one.fingerprint != other.fingerprint)
        #expect(one.format == format)
    }

    /// Bytes of all tensors as the published index files state them (72B: computed).
    @Test(arguments: [
        (ModelSize.b2, 4_417_971_200), (.b7, 16_582_751_232), (.b72, 146_811_120_640),
    ])
    func publishedSizes(size: ModelSize, bytes: Int) {
        let needed = size.configuration().requirements.reduce(0) {
            $0 + 2 * $1.shape.reduce(1, *)
        }
        #expect(needed == bytes)
    }

    // MARK: - Reference checkpoints

    @Test(
        .enabled(if: SharedFiles.isThere, "the reference cases are not beside the repository"),
        arguments: [
            ("tiny-a", WeightFormat.f32, TensorLayout.published, 1, true),
            ("tiny-b", .bf16, .nested, 2, false), ("tiny-c", .f16, .published, 1, true),
        ])
    func reference(
        name: String, format: WeightFormat, layout: TensorLayout, files: Int, tied: Bool
    ) throws {
        let folder = SharedFiles.reference + "/checkpoints/" + name
        let info = try ModelInfo.read(folder: folder)
        #expect(info.layouts == [layout])
        #expect(info.files.count == files)
        #expect(info.extraTensors == 0)
        let model = try Model.load(folder: folder)
        #expect(model.name == name)
        #expect(model.format == format)
        #expect(model.configuration.text.tieWordEmbeddings == tied)
        #expect((model.language.head.base == model.language.embedding.base) == tied)
        let wide = try Model.load(folder: folder, weights: WeightFormats(.f32))
        #expect(
            Self.values(wide.language.layers[0].q.weight)
                == Self.values(model.language.layers[0].q.weight))
        #expect(model.configuration.tokens.endOfSequence.count == 2)
    }
}

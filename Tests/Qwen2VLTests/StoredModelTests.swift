import Compute
import Foundation
import OrderedJSON
import Qwen2VL
import Testing

@Suite struct StoredModelTests {
    /// The files of a checkpoint that is stored in another form.
    static func store(_ folder: TemporaryFolder, _ weights: WeightFormats) throws -> TemporaryFolder
    {
        var model = try StoredModel(folder: folder.path, weights: weights, threads: 2)
        var bytes: [UInt8] = []
        try model.write { bytes += Array($0) }
        #expect(bytes.count == model.byteCount)
        let result = try TemporaryFolder()
        try result.write("model.safetensors", bytes)
        try result.write("config.json", model.config)
        for name in ["generation_config.json", "preprocessor_config.json"] {
            try result.write(name, try folder.read(name))
        }
        return result
    }

    private static let choices = [
        WeightFormats(.int8), WeightFormats(.int4),
        WeightFormats(language: .int4, vision: .int8), WeightFormats(language: .int4),
        WeightFormats(language: .bf16, vision: .int8),
    ]

    private func matrices(_ model: Model) -> [WeightMatrix] {
        let layers = model.language.layers.flatMap {
            [$0.q, $0.k, $0.v, $0.o, $0.gate, $0.up, $0.down].map(\.weight)
        }
        let blocks = model.vision.blocks.flatMap {
            [$0.qkv, $0.proj, $0.fc1, $0.fc2].map(\.weight)
        }
        return layers + blocks + [
            model.vision.merger0.weight, model.vision.merger2.weight,
            model.vision.patchEmbedding, model.language.embedding, model.language.head,
        ]
    }

    private func bytes(_ matrix: WeightMatrix) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: matrix.base, count: matrix.byteCount))
    }

    /// The same to the bit as converting at load, and nothing of it leaves the mapped file.
    @Test(arguments: [true, false], choices)
    func sameAsConvertingAtLoad(tied: Bool, weights: WeightFormats) throws {
        for scalar in ["BF16", "F32"] {
            var writer = WideCheckpoint.writer()
            if !tied {
                writer.config["tie_word_embeddings"] = false
                let values = WideCheckpoint.values("lm_head.weight", [32, 256])
                writer.tensors.append(
                    CheckpointWriter.Tensor(
                        name: "lm_head.weight", scalar: "F32", shape: [32, 256],
                        bytes: CheckpointWriter.encode(values, "F32")))
            }
            for index in writer.tensors.indices where scalar == "BF16" {
                let tensor = writer.tensors[index]
                let values = WideCheckpoint.values(tensor.name, tensor.shape)
                writer.tensors[index].scalar = scalar
                writer.tensors[index].bytes = CheckpointWriter.encode(values, scalar)
            }
            let folder = try writer.write()
            let stored = try Self.store(folder, weights)
            let model = try Model.load(folder: stored.path)
            let right = try Model.load(folder: folder.path, weights: weights)
            for (found, expected) in zip(matrices(model), matrices(right)) {
                #expect(found.format == expected.format && bytes(found) == bytes(expected))
                #expect(found.storage is MappedFile)
            }
            #expect(model.language.norm.weight == right.language.norm.weight)
            #expect(try WideCheckpoint.logits(model) == (try WideCheckpoint.logits(right)))
            let info = try ModelInfo.read(folder: stored.path)
            #expect(info.parameters == (try ModelInfo.read(folder: folder.path)).parameters)
            #expect(info.extraTensors == 0 && info.types.allSatisfy(\.isExact))
            #expect(info.loadedBytes(weights: WeightFormats()) == info.bytes)
            #expect(info.bytes < (try ModelInfo.read(folder: folder.path)).bytes)
            // Asking for what is stored changes nothing; asking for more only widens it.
            let again = try Model.load(folder: stored.path, weights: weights)
            #expect(matrices(again).allSatisfy { $0.storage is MappedFile })
            let wide = try Model.load(folder: stored.path, weights: WeightFormats(.f32))
            #expect(
                CheckpointTests.values(wide.language.layers[1].down.weight)
                    == CheckpointTests.values(model.language.layers[1].down.weight))
        }
    }

    /// What AWQ and GPTQ hold already is taken over, not rounded again.
    @Test func levelsOfOthersAreKept() throws {
        let folder = try QuantizedForm.all[3].writers().quantized.write()
        let stored = try Self.store(folder, WeightFormats(.int4))
        let model = try Model.load(folder: stored.path)
        let right = try Model.load(folder: folder.path, weights: WeightFormats(.int4))
        for (found, expected) in zip(matrices(model), matrices(right)) {
            #expect(bytes(found) == bytes(expected) && found.storage is MappedFile)
        }
    }

    /// A copy in which keys and values have 4 bits, as copies once had, is used as it is: making 8
    /// bits of them would take memory and give nothing back.
    @Test func fourBitsAreNotWidened() throws {
        let folder = try Self.store(
            try QuantizedForm.all[3].writers().quantized.write(), WeightFormats(.int4))
        for weights in [WeightFormats(), WeightFormats(.int4)] {
            let model = try Model.load(folder: folder.path, weights: weights)
            for layer in model.language.layers {
                for linear in [layer.k, layer.v] {
                    #expect(linear.weight.format == .int4)
                    #expect(linear.weight.storage is MappedFile)
                }
            }
        }
    }

    @Test func wrongShapesAndVersions() throws {
        let folder = try Self.store(try WideCheckpoint.writer().write(), WeightFormats(.int4))
        var config = try #require(try JSON.parse(try folder.read("config.json")).object)
        config["hidden_size"] = 512
        try folder.write("config.json", Array(JSON.object(config).compact.utf8))
        #expect(throws: ModelError.self) { try ModelInfo.read(folder: folder.path) }
        config["hidden_size"] = 256
        config["quantization_config"] = ["quant_method": "reelscribe", "version": 2]
        try folder.write("config.json", Array(JSON.object(config).compact.utf8))
        let error = #expect(throws: ModelError.self) { try ModelInfo.read(folder: folder.path) }
        #expect(error?.description.contains("version is 2") == true)
        // Without the key, bytes are no weights.
        config["quantization_config"] = nil
        try folder.write("config.json", Array(JSON.object(config).compact.utf8))
        #expect(throws: ModelError.self) { try ModelInfo.read(folder: folder.path) }
        let pair = try GGUFFile.pair().write()
        let gguf = #expect(throws: ModelError.self) {
            _ = try StoredModel(folder: pair.path, weights: WeightFormats(.int4), threads: 1)
        }
        #expect(gguf?.code == "model.unsupported")
    }
}

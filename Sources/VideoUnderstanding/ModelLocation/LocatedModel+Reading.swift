import Compute
import OrderedJSON
import Qwen2VL
import Text

extension LocatedModel {
    /// The configuration alone; the weights are checked by their headers.
    public func configuration(projector: String? = nil) throws(Failure) -> ModelConfiguration {
        do {
            return try ModelInfo.read(folder: path, projector: projector).configuration
        } catch {
            throw Failure(error, stage: .model)
        }
    }

    /// The weights, mapped or converted.
    public func load(
        projector: String? = nil, weights: WeightFormats = WeightFormats(),
        threads: Int = ThreadPool.performanceCores
    ) throws(Failure) -> Model {
        do {
            return try Model.load(
                folder: path, projector: projector, weights: weights, threads: threads)
        } catch {
            throw Failure(error, stage: .model)
        }
    }

    /// What the checkpoint is, after all of it was checked.
    public func describe(projector: String? = nil) throws(Failure) -> ModelInfoDocument {
        do {
            return ModelInfoDocument(
                try ModelInfo.read(folder: path, projector: projector), name: name,
                tokenizer: try Tokenizer.load(checkpoint: path))
        } catch {
            throw Failure(error, stage: .model)
        }
    }
}

extension Model {
    /// Random weights of a published size.
    ///
    /// - Throws: `limit.memory` where they would exceed `maxMemory` bytes.
    public static func randomForBenchmark(
        size: ModelSize, layers: Int?, formats: WeightFormats, maxMemory: Int
    ) throws(Failure) -> Model {
        do {
            let bytes = ModelInfo.loadedBytes(
                of: size.configuration(layers: layers), stored: .bf16, weights: formats)
            try Analyzer.requireMemory(bytes, limit: maxMemory, stage: .model)
            return try random(size: size, layers: layers, formats: formats)
        } catch {
            throw Failure(error, stage: .model)
        }
    }
}

extension ModelInfoDocument {
    init(_ info: ModelInfo, name: String, tokenizer: Tokenizer) {
        let configuration = info.configuration
        let (text, vision) = (configuration.text, configuration.vision)
        let tower = configuration.requirements.filter { $0.name.hasPrefix("visual.") }
            .reduce(0) { $0 + $1.shape.reduce(1, *) }
        let generation = configuration.generation
        let preprocessor = configuration.preprocessor
        self.init(
            path: info.folder, name: name, fingerprint: info.fingerprint,
            architecture: "qwen2_vl", weights: info.types.first?.stored ?? "none",
            storage: info.types.map {
                StorageRecord(
                    stored: $0.stored, memory: $0.memory.rawValue, isExact: $0.isExact,
                    parameters: $0.parameters)
            }, memory: info.loadedBytes(weights: WeightFormats()),
            parameters: ParameterCounts(vision: tower, language: info.parameters - tower),
            files: info.files.map { CheckpointFileRecord(name: $0.name, bytes: $0.bytes) },
            text: [
                "hidden_size": .int(text.hidden), "intermediate_size": .int(text.intermediate),
                "layers": .int(text.layers), "heads": .int(text.heads),
                "kv_heads": .int(text.kvHeads), "head_size": .int(text.headSize),
                "vocabulary": .int(text.vocabulary),
                "mrope_sections": .array(text.mropeSections.map { .int($0) }),
                "rope_theta": .decimal(text.ropeTheta),
                "tied_head": .bool(text.tieWordEmbeddings),
                "context": .int(text.maxPositions),
            ],
            vision: [
                "width": .int(vision.width), "depth": .int(vision.depth),
                "heads": .int(vision.heads), "mlp_width": .int(vision.mlpWidth),
                "patch_size": .int(vision.patchSize),
                "temporal_patch_size": .int(vision.temporalPatchSize),
                "merge_size": .int(vision.mergeSize), "output": .int(vision.output),
            ],
            generation: [
                "sample": .bool(generation.sample),
                "temperature": .decimal(generation.temperature),
                "top_k": .int(generation.topK), "top_p": .decimal(generation.topP),
                "repetition_penalty": .decimal(generation.repetitionPenalty),
                "end_of_sequence": .array(
                    configuration.tokens.endOfSequence.map { .int($0) }),
            ],
            preprocessor: [
                "min_pixels": .int(preprocessor.minPixels),
                "max_pixels": .int(preprocessor.maxPixels),
                "mean": .array(preprocessor.mean.map { .decimal(Double($0), decimals: 8) }),
                "std": .array(preprocessor.std.map { .decimal(Double($0), decimals: 8) }),
            ],
            tokenizer: [
                "kind": "byte-level BPE", "tokens": .int(tokenizer.count),
                "vision_start": .int(configuration.tokens.visionStart),
                "vision_end": .int(configuration.tokens.visionEnd),
                "image_pad": .int(configuration.tokens.imagePad),
                "video_pad": .int(configuration.tokens.videoPad),
            ],
            warnings: configuration.kind.warnings)
    }
}

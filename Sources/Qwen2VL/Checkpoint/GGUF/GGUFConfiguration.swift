import OrderedJSON

/// The metadata of a pair of GGUF files as the JSON files that the published checkpoint has, so
/// that both go through the same checks.
struct GGUFConfiguration {
    private let pair: GGUFPair
    private(set) var config = JSONObject()
    private(set) var generation = JSONObject()
    private(set) var preprocessor = JSONObject()
    /// The key of the metadata that a key of `config` came from.
    private var origins: [String: (file: String, key: String)] = [:]

    private static let text = "qwen2vl"

    /// - Throws: `unsupported` for models of another family.
    init(_ pair: GGUFPair) throws(ModelError) {
        self.pair = pair
        try checkFamily()
        readText()
        readTokens()
        readVision()
    }

    private func refuse(
        _ reader: GGUFReader, _ key: String, _ supported: String
    ) throws(ModelError) {
        let value = reader.metadata[key].map(Self.words) ?? "missing"
        throw .unsupported(
            path: pair.path,
            reason: .setting(file: reader.name, key: key, value: value, supported: supported))
    }

    private static func words(_ value: GGUFValue) -> String {
        switch value {
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .bool(let bool): "\(bool)"
        case .string(let text): JSON.string(String(text.prefix(80))).compact
        case .array(let list): "a list of \(list.count)"
        }
    }

    private func checkFamily() throws(ModelError) {
        let (language, vision) = (pair.language, pair.vision)
        guard language.architecture == Self.text else {
            throw .unsupported(
                path: pair.path, reason: .modelType(language.architecture ?? "none"))
        }
        if let count = language.integer("split.count"), count > 1 {
            try refuse(language, "split.count", "1: join the parts with gguf-split --merge")
        }
        let scaling = Self.text + ".rope.scaling.type"
        if let kind = language.string(scaling), kind != "none" {
            try refuse(language, scaling, "\"none\"")
        }
        guard vision.architecture == "clip" else {
            try refuse(vision, "general.architecture", "\"clip\"")
            return
        }
        let keys = ["clip.projector_type", "clip.vision.projector_type"]
        let key = keys.first { vision.metadata[$0] != nil } ?? keys[0]
        guard vision.string(key) == "qwen2vl_merger" else {
            try refuse(vision, key, "\"qwen2vl_merger\"")
            return
        }
        // Neither key: quick GELU, which is what the model has.
        for key in ["clip.use_silu", "clip.use_gelu"] {
            if case .bool(true)? = vision.metadata[key] { try refuse(vision, key, "false") }
        }
    }

    // MARK: - Values

    private mutating func take(
        _ key: String, from reader: GGUFReader, _ source: String, scope: String = ""
    ) -> JSON? {
        origins[scope + key] = (reader.name, source)
        switch reader.metadata[source] {
        case .integer(let number): return .int(number)
        case .number(let number): return Self.exactly(number)
        case .bool(let bool): return .bool(bool)
        case .string(let text): return .string(text)
        case .array(let list):
            // Too long for any setting: the shape of the fault is then that of a wrong type.
            guard list.count <= 64, let numbers = list.numbers else { return .string("a list") }
            return .array(list.integers?.map(JSON.int) ?? numbers.map(Self.exactly))
        case nil: return nil
        }
    }

    /// All digits of a number; what is none is no number in JSON either.
    private static func exactly(_ number: Double) -> JSON {
        (try? JSON.parse("\(number)")) ?? .string("\(number)")
    }

    private mutating func readText() {
        let reader = pair.language
        let keys = [
            ("hidden_size", "embedding_length"), ("intermediate_size", "feed_forward_length"),
            ("num_hidden_layers", "block_count"), ("num_attention_heads", "attention.head_count"),
            ("num_key_value_heads", "attention.head_count_kv"),
            ("head_dim", "attention.key_length"),
            ("rms_norm_eps", "attention.layer_norm_rms_epsilon"),
            ("max_position_embeddings", "context_length"), ("rope_theta", "rope.freq_base"),
        ]
        config["model_type"] = "qwen2_vl"
        for (key, source) in keys {
            if let value = take(key, from: reader, Self.text + "." + source) {
                config[key] = value
            }
        }
        // The file has four sections, of which the model uses three.
        let source = Self.text + ".rope.dimension_sections"
        if let sections = take("mrope_section", from: reader, source, scope: "rope_scaling.") {
            let list = sections.array.map {
                $0.count == 4 && $0[3] == 0 ? Array($0.dropLast()) : $0
            }
            config["rope_scaling"] = [
                "type": "mrope", "mrope_section": list.map(JSON.array) ?? sections,
            ]
        }
        origins["rope_scaling"] = (reader.name, source)
        let embedding = reader.tensors["token_embd.weight"]?.shape
        if let rows = embedding?.first { config["vocab_size"] = .int(rows) }
        origins["vocab_size"] = (reader.name, "token_embd.weight")
        config["tie_word_embeddings"] = .bool(reader.tensors["output.weight"] == nil)
    }

    private mutating func readTokens() {
        let reader = pair.language
        let tokens = reader.array("tokenizer.ggml.tokens")?.strings ?? []
        let names = [
            ("vision_start_token_id", "<|vision_start|>"),
            ("vision_end_token_id", "<|vision_end|>"),
            ("image_token_id", "<|image_pad|>"), ("video_token_id", "<|video_pad|>"),
        ]
        let wanted = Set(names.map(\.1) + ["<|im_end|>", "<|endoftext|>"])
        var ids: [String: Int] = [:]
        // From the end, where they are; the first of equal names then stays.
        for (id, token) in tokens.enumerated().reversed() where wanted.contains(token) {
            ids[token] = id
        }
        for (key, name) in names {
            origins[key] = (reader.name, "tokenizer.ggml.tokens: \(name)")
            if let id = ids[name] { config[key] = .int(id) }
        }
        let stored = ["eos_token_id", "eot_token_id"].compactMap {
            reader.integer("tokenizer.ggml." + $0)
        }
        var ends: [Int] = []
        for id in stored + ["<|im_end|>", "<|endoftext|>"].compactMap({ ids[$0] })
        where !ends.contains(id) {
            ends.append(id)
        }
        generation["eos_token_id"] = .array(ends.map(JSON.int))
    }

    private mutating func readVision() {
        let reader = pair.vision
        var vision = JSONObject()
        for (key, source) in [
            ("depth", "block_count"), ("embed_dim", "embedding_length"),
            ("num_heads", "attention.head_count"), ("hidden_size", "projection_dim"),
            ("patch_size", "patch_size"), ("spatial_merge_size", "spatial_merge_size"),
        ] {
            let source = "clip.vision." + source
            if let value = take(key, from: reader, source, scope: "vision_config.") {
                vision[key] = value
            }
        }
        config["vision_config"] = .object(vision)
        for (key, source) in [
            ("image_mean", "image_mean"), ("image_std", "image_std"),
            ("min_pixels", "image_min_pixels"), ("max_pixels", "image_max_pixels"),
        ] {
            if let value = take(key, from: reader, "clip.vision." + source) {
                preprocessor[key] = value
            }
        }
    }

    // MARK: - The whole

    /// The checked configuration, with faults that name the keys of the metadata.
    func read() -> ReadConfiguration {
        var read = ModelConfiguration.read(
            config: config, generation: generation, preprocessor: preprocessor,
            file: pair.language.name)
        read.faults = read.faults.map { fault in
            if let origin = origins[fault.subject] {
                return Fault(origin.file, origin.key, fault.problem)
            }
            let isVision = fault.subject.hasPrefix("vision_config")
            return Fault(
                isVision ? pair.vision.name : pair.language.name, fault.subject, fault.problem)
        }
        // What other files do not say or say wrongly: the tower's own tensors know.
        if let mlpWidth { read.configuration?.vision.mlpWidth = mlpWidth }
        let epsilon = "clip.vision.attention.layer_norm_epsilon"
        if case .number(let value)? = pair.vision.metadata[epsilon] {
            if (1e-12...1).contains(value) {
                read.configuration?.vision.layerNormEpsilon = Float(value)
            } else {
                read.faults.append(
                    Fault(
                        pair.vision.name, epsilon,
                        .outOfRange(value: "\(value)", allowed: "between 1e-12 and 1")))
            }
        }
        return read
    }

    /// Whether the two layers of the blocks' MLP have each other's names, as in older files.
    var hasSwappedMLP: Bool {
        guard let shape = pair.vision.tensors["v.blk.0.ffn_down.weight"]?.shape, shape.count == 2,
            let width = pair.vision.integer("clip.vision.embedding_length")
        else { return false }
        return shape[1] == width && shape[0] != width
    }

    private var mlpWidth: Int? {
        guard let shape = pair.vision.tensors["v.blk.0.ffn_down.weight"]?.shape, shape.count == 2
        else { return nil }
        let width = hasSwappedMLP ? shape[0] : shape[1]
        return (1...1_048_576).contains(width) ? width : nil
    }
}

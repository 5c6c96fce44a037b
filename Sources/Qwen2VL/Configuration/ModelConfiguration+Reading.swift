import OrderedJSON

/// What was read of the three files, faults and all.
package struct ReadConfiguration {
    /// Nil where `faults` holds one.
    package var configuration: ModelConfiguration?
    package var faults: [Fault] = []
    package var unsupported: ModelError.UnsupportedReason?
    package var quantization: QuantizationSettings?
}

/// Bounds that no real model comes near, and whose products fit 64 bits with room to spare.
private enum Sane {
    static let width = 1...65536
    static let mlp = 1...1_048_576
    static let layers = 1...1024
    static let heads = 1...1024
    static let headSize = 2...4096
    static let vocabulary = 1...16_777_216
    static let positions = 1...16_777_216
    static let pixels = 1...(1 << 40)
}

extension ModelConfiguration {
    /// Reads the JSON files of a checkpoint.
    ///
    /// - Parameters:
    ///   - config: `config.json`, in the flat form of the published checkpoints or with a nested
    ///     `text_config`.
    ///   - generation: `generation_config.json`, where there is one.
    ///   - preprocessor: `preprocessor_config.json`, where there is one.
    ///   - file: what messages call the source of `config`.
    package static func read(
        config: JSONObject, generation: JSONObject?, preprocessor: JSONObject?,
        file: String = "config.json"
    ) -> ReadConfiguration {
        var reader = ConfigurationReader(file: file)
        let root = ConfigurationReader.Scope(path: "", object: config)

        switch root.value("model_type")?.string {
        case "qwen2_vl": break
        case let type?:
            return ReadConfiguration(unsupported: .modelType(type))
        case nil: reader.report("model_type", .missing)
        }
        let quantization = reader.scope("quantization_config", in: root).flatMap {
            QuantizationSettings.read($0, reader: &reader)
        }
        if let reason = reader.unsupported { return ReadConfiguration(unsupported: reason) }

        let nested = reader.scope("text_config", in: root)
        let text = readText(root: root, nested: nested, reader: &reader)
        let vision = readVision(root: root, hidden: text.hidden, reader: &reader)
        var tokens = readTokens(root: root, text: nested, text.vocabulary, reader: &reader)
        let kind = readKind(root: root, reader: &reader)
        let evidence = readEvidence(root: root, text, reader: &reader)
        let calibration = readCalibration(root: root, reader: &reader)
        let refusal = readRefusal(root: root, reader: &reader)

        var extra = ConfigurationReader(file: CheckpointFile.generation)
        let defaults = readGeneration(generation, text.vocabulary, &tokens, reader: &extra)
        var last = ConfigurationReader(file: CheckpointFile.preprocessor)
        let pixels = readPreprocessor(preprocessor, vision: vision, reader: &last)

        let faults = reader.faults + extra.faults + last.faults
        let configuration = ModelConfiguration(
            text: text, vision: vision, tokens: tokens, generation: defaults,
            preprocessor: pixels, kind: kind, evidence: evidence, calibration: calibration,
            refusal: refusal)
        return ReadConfiguration(
            configuration: faults.isEmpty ? configuration : nil, faults: faults,
            unsupported: reader.unsupported ?? last.unsupported, quantization: quantization)
    }

    private static func readText(
        root: ConfigurationReader.Scope, nested: ConfigurationReader.Scope?,
        reader: inout ConfigurationReader
    ) -> TextConfiguration {
        let scope = nested ?? root
        // Libraries that write the nested form leave out what equals their defaults, which are the
        // sizes of the largest model. The flat form always spells the sizes out.
        func size(_ value: Int) -> ConfigurationReader.Absence<Int> {
            nested == nil ? .fault : .means(value)
        }
        let hidden = reader.integer(
            "hidden_size", in: scope, range: Sane.width, absent: size(8192))
        let heads = reader.integer(
            "num_attention_heads", in: scope, range: Sane.heads, absent: size(64))
        let kvHeads = reader.integer(
            "num_key_value_heads", in: scope, range: Sane.heads,
            absent: scope.object["num_key_value_heads"] == nil ? size(8) : .means(heads))
        if heads % kvHeads != 0 {
            reader.report(
                scope.name("num_key_value_heads"),
                .outOfRange(value: "\(kvHeads)", allowed: "a divisor of \(heads) heads"))
        }
        let ownHeadSize = scope.value("head_dim") != nil
        if !ownHeadSize, hidden % heads != 0 {
            reader.report(
                scope.name("num_attention_heads"),
                .outOfRange(value: "\(heads)", allowed: "a divisor of hidden_size \(hidden)"))
        }
        let headSize = reader.integer(
            "head_dim", in: scope, range: Sane.headSize, absent: .means(max(hidden / heads, 1)))
        if headSize % 2 != 0 {
            reader.report(
                scope.name(ownHeadSize ? "head_dim" : "num_attention_heads"),
                .outOfRange(value: "a head of \(headSize)", allowed: "even"))
        }

        reader.require("hidden_act", in: scope, only: "silu")
        reader.require("use_sliding_window", in: scope, only: false)
        let rope = readRope(scope: scope, root: root, headSize: headSize, reader: &reader)

        return TextConfiguration(
            hidden: hidden,
            intermediate: reader.integer(
                "intermediate_size", in: scope, range: Sane.mlp, absent: size(29568)),
            layers: reader.integer(
                "num_hidden_layers", in: scope, range: Sane.layers, absent: size(80)),
            heads: heads, kvHeads: kvHeads, headSize: headSize,
            vocabulary: reader.integer(
                "vocab_size", in: scope, range: Sane.vocabulary, absent: size(152_064)),
            ropeTheta: rope.theta, mropeSections: rope.sections,
            rmsEpsilon: Float(
                reader.number("rms_norm_eps", in: scope, range: 1e-12...1, absent: .means(1e-5))),
            tieWordEmbeddings: reader.bool(
                "tie_word_embeddings", in: root, scope, absent: false),
            maxPositions: reader.integer(
                "max_position_embeddings", in: scope, range: Sane.positions,
                absent: .means(32768)))
    }

    private static func readRope(
        scope: ConfigurationReader.Scope, root: ConfigurationReader.Scope, headSize: Int,
        reader: inout ConfigurationReader
    ) -> (theta: Double, sections: [Int]) {
        let rope =
            reader.scope("rope_parameters", in: scope) ?? reader.scope("rope_scaling", in: scope)
            ?? reader.scope("rope_parameters", in: root) ?? reader.scope("rope_scaling", in: root)
        let thetaScope = rope?.value("rope_theta") == nil ? scope : rope ?? scope
        let theta = reader.number(
            "rope_theta", in: thetaScope, range: 1...1e12, absent: .means(1_000_000))
        guard let rope else {
            reader.report(scope.name("rope_scaling"), .missing)
            return (theta, [])
        }
        // Any other kind stretches the frequencies, which would go wrong without a sign of it.
        for key in ["type", "rope_type"] {
            guard let kind = rope.value(key)?.string else { continue }
            if kind != "mrope" && kind != "default" {
                reader.refuse(
                    .setting(
                        file: reader.file, key: rope.name(key), value: "\"\(kind)\"",
                        supported: "\"mrope\" or \"default\""))
            }
        }
        if rope.value("mrope_section") == nil {
            reader.report(rope.name("mrope_section"), .missing)
        }
        let sections = reader.integers("mrope_section", in: rope, count: 3) ?? []
        let sane = sections.allSatisfy((1...4096).contains)
        if !sections.isEmpty, !sane || sections.reduce(0, +) != headSize / 2 {
            reader.report(
                rope.name("mrope_section"),
                .outOfRange(
                    value: "\(sections)",
                    allowed: "three parts of \(headSize / 2), half the size of a head"))
        }
        return (theta, sections)
    }

    private static func readVision(
        root: ConfigurationReader.Scope, hidden: Int, reader: inout ConfigurationReader
    ) -> VisionConfiguration {
        guard let scope = reader.scope("vision_config", in: root) else {
            if root.value("vision_config") == nil { reader.report("vision_config", .missing) }
            return VisionConfiguration(output: hidden)
        }
        // Missing keys: libraries leave out what equals their defaults, which are these.
        let width = reader.integer("embed_dim", in: scope, range: Sane.width, absent: .means(1280))
        let heads = reader.integer("num_heads", in: scope, range: Sane.heads, absent: .means(16))
        let largestHead = 4096
        if width % heads != 0 || width / heads % 4 != 0 || width / heads > largestHead {
            reader.report(
                scope.name("num_heads"),
                .outOfRange(
                    value: "\(heads)",
                    allowed: "a divisor of embed_dim \(width) into heads of a multiple of 4, at "
                        + "most \(largestHead)"))
        }
        let ratio = reader.number(
            "mlp_ratio", in: scope, range: 0.01...64, absent: .means(4))
        // The merged rows take the place of embeddings, so their width is no free choice.
        let output = reader.integer(
            "hidden_size", in: scope, range: Sane.width, absent: .means(hidden))
        if output != hidden {
            reader.report(
                scope.name("hidden_size"),
                .disagrees(
                    value: "\(output)", with: "the width of the language model",
                    expected: "\(hidden)"))
        }
        let patchSize = reader.integer(
            "patch_size", in: scope, range: 1...256, absent: .means(14))
        reader.require("hidden_act", in: scope, only: "quick_gelu")
        for key in ["in_chans", "in_channels"] { reader.require(key, in: scope, only: 3) }
        reader.require("temporal_patch_size", in: scope, only: 2)
        return VisionConfiguration(
            depth: reader.integer("depth", in: scope, range: Sane.layers, absent: .means(32)),
            width: width, heads: heads, mlpWidth: max(Int(Double(width) * ratio), 1),
            patchSize: patchSize, temporalPatchSize: 2,
            mergeSize: reader.integer(
                "spatial_merge_size", in: scope, range: 1...16, absent: .means(2)),
            channels: 3, output: output)
    }

    private static func readTokens(
        root: ConfigurationReader.Scope, text: ConfigurationReader.Scope?, _ vocabulary: Int,
        reader: inout ConfigurationReader
    ) -> SpecialTokenIDs {
        var ids = SpecialTokenIDs()
        func read(_ key: String, _ absent: Int) -> Int {
            let range = 0...max(vocabulary - 1, 0)
            // A default that the vocabulary is too small for is a fault like a written one.
            let missing: ConfigurationReader.Absence<Int> =
                range.contains(absent) ? .means(absent) : .fault
            return reader.integer(key, in: root, text ?? root, range: range, absent: missing)
        }
        ids.visionStart = read("vision_start_token_id", ids.visionStart)
        ids.visionEnd = read("vision_end_token_id", ids.visionEnd)
        ids.imagePad = read("image_token_id", ids.imagePad)
        ids.videoPad = read("video_token_id", ids.videoPad)
        let all = [ids.visionStart, ids.visionEnd, ids.imagePad, ids.videoPad]
        if reader.faults.isEmpty, Set(all).count != all.count {
            reader.report(
                "vision_start_token_id",
                .outOfRange(value: "\(all)", allowed: "a list of four different visual tokens"))
        }
        ids.endOfSequence =
            reader.tokens("eos_token_id", in: root, vocabulary: vocabulary)
            ?? text.flatMap { reader.tokens("eos_token_id", in: $0, vocabulary: vocabulary) } ?? []
        return ids
    }

    private static func readKind(
        root: ConfigurationReader.Scope, reader: inout ConfigurationReader
    ) -> ModelKind {
        guard let own = reader.scope("reelscribe", in: root), let value = own.value("kind") else {
            return .published
        }
        guard let kind = value.string.flatMap(ModelKind.init(rawValue:)) else {
            let known = ModelKind.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            reader.report(own.name("kind"), .wrongType(expected: "one of \(known)"))
            return .published
        }
        return kind
    }

    private static func readEvidence(
        root: ConfigurationReader.Scope, _ text: TextConfiguration,
        reader: inout ConfigurationReader
    ) -> EvidenceHeads? {
        guard let own = reader.scope("reelscribe", in: root),
            let named = reader.scope("evidence", in: own)
        else { return nil }
        guard let layers = reader.indices("layers", in: named, below: text.layers) else {
            reader.report(named.name("layers"), .missing)
            return nil
        }
        return EvidenceHeads(
            layers: layers, heads: reader.indices("heads", in: named, below: text.heads))
    }

    private static func readCalibration(
        root: ConfigurationReader.Scope, reader: inout ConfigurationReader
    ) -> ConfidenceCalibration? {
        guard let own = reader.scope("reelscribe", in: root),
            let named = reader.scope("calibration", in: own)
        else { return nil }
        return ConfidenceCalibration(
            slope: reader.number("slope", in: named, range: 0...1e3, absent: .fault),
            intercept: reader.number("intercept", in: named, range: -1e3...1e3, absent: .fault))
    }

    private static func readRefusal(
        root: ConfigurationReader.Scope, reader: inout ConfigurationReader
    ) -> String? {
        guard let own = reader.scope("reelscribe", in: root), let value = own.value("refusal")
        else {
            return nil
        }
        guard let text = value.string, (1...200).contains(text.utf8.count) else {
            reader.report(own.name("refusal"), .wrongType(expected: "a sentence of 1 to 200 bytes"))
            return nil
        }
        return text
    }

    private static func readGeneration(
        _ object: JSONObject?, _ vocabulary: Int, _ tokens: inout SpecialTokenIDs,
        reader: inout ConfigurationReader
    ) -> GenerationDefaults {
        guard let object else { return GenerationDefaults() }
        let scope = ConfigurationReader.Scope(path: "", object: object)
        if let ids = reader.tokens("eos_token_id", in: scope, vocabulary: vocabulary) {
            tokens.endOfSequence = ids
        }
        return GenerationDefaults(
            sample: reader.bool("do_sample", in: scope, absent: false),
            repetitionPenalty: reader.number(
                "repetition_penalty", in: scope, range: 1e-3...1e3, absent: .means(1)),
            // 0 is written by some publishers and means greedy.
            temperature: reader.number(
                "temperature", in: scope, range: 0...1e3, absent: .means(1)),
            topK: reader.integer(
                "top_k", in: scope, range: 0...Int(Int32.max), absent: .means(50)),
            topP: reader.number("top_p", in: scope, range: 0...1, absent: .means(1)))
    }

    private static func readPreprocessor(
        _ object: JSONObject?, vision: VisionConfiguration, reader: inout ConfigurationReader
    ) -> PreprocessorConfiguration {
        var result = PreprocessorConfiguration()
        guard let object else { return result }
        let scope = ConfigurationReader.Scope(path: "", object: object)
        // Older files name the bounds plainly, newer ones as edges of a size, which are areas too.
        let size = reader.scope("size", in: scope) ?? scope
        result.minPixels = reader.integer(
            "min_pixels", "shortest_edge", in: scope, size, range: Sane.pixels,
            absent: .means(result.minPixels))
        result.maxPixels = reader.integer(
            "max_pixels", "longest_edge", in: scope, size, range: Sane.pixels,
            absent: .means(result.maxPixels))
        if result.minPixels > result.maxPixels {
            reader.report(
                "min_pixels",
                .outOfRange(
                    value: "\(result.minPixels)", allowed: "at most max_pixels \(result.maxPixels)")
            )
        }
        for (key, value) in [
            ("patch_size", vision.patchSize), ("temporal_patch_size", vision.temporalPatchSize),
            ("merge_size", vision.mergeSize),
        ] {
            guard let found = scope.value(key), found.int != value else { continue }
            reader.report(
                key,
                .disagrees(
                    value: found.compact, with: CheckpointFile.config, expected: "\(value)"))
        }
        for key in ["do_normalize", "do_rescale"] { reader.require(key, in: scope, only: true) }
        if let mean = reader.numbers("image_mean", in: scope, count: 3, range: -10...10) {
            result.mean = mean.map { Float($0) }
        }
        if let std = reader.numbers("image_std", in: scope, count: 3, range: 1e-3...1e3) {
            result.std = std.map { Float($0) }
        }
        let factor = reader.number(
            "rescale_factor", in: scope, range: 0...1e3, absent: .means(1 / 255))
        if abs(factor * 255 - 1) > 1e-6 {
            reader.refuse(
                .setting(
                    file: reader.file, key: "rescale_factor", value: "\(factor)",
                    supported: "1/255"))
        }
        return result
    }
}

import OrderedJSON
import Qwen2VL
import Testing

@Suite struct ConfigurationTests {
    /// The published files, as far as they are quoted in the specification.
    private static let published = """
        {"architectures": ["Qwen2VLForConditionalGeneration"], "attention_dropout": 0.0,
        "bos_token_id": 151643, "eos_token_id": 151645, "vision_start_token_id": 151652,
        "vision_end_token_id": 151653, "vision_token_id": 151654, "image_token_id": 151655,
        "video_token_id": 151656, "hidden_act": "silu", "hidden_size": 1536,
        "initializer_range": 0.02, "intermediate_size": 8960, "max_position_embeddings": 32768,
        "max_window_layers": 28, "model_type": "qwen2_vl", "num_attention_heads": 12,
        "num_hidden_layers": 28, "num_key_value_heads": 2, "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": true,
        "torch_dtype": "bfloat16", "use_cache": true, "use_sliding_window": false,
        "vision_config": {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "num_heads": 16,
        "in_chans": 3, "hidden_size": 1536, "patch_size": 14, "spatial_merge_size": 2,
        "spatial_patch_size": 14, "temporal_patch_size": 2},
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}, "vocab_size": 151936}
        """

    private static func object(_ text: String) throws -> JSONObject {
        try #require(try JSON.parse(text).object)
    }

    private func read(
        _ config: JSONObject, generation: String? = nil, preprocessor: String? = nil
    ) throws -> ReadConfiguration {
        ModelConfiguration.read(
            config: config, generation: try generation.map(Self.object),
            preprocessor: try preprocessor.map(Self.object))
    }

    @Test func publishedFormIsThatOfItsSize() throws {
        let result = try read(
            Self.object(Self.published),
            generation: #"{"eos_token_id": [151645, 151643], "do_sample": true, "top_k": 1}"#)
        var configuration = try #require(result.configuration)
        #expect(result.faults.isEmpty)
        #expect(configuration.kind == .published)
        #expect(configuration.generation.sample)
        #expect(configuration.generation.topK == 1)
        configuration.kind = .untrained
        configuration.generation = GenerationDefaults()
        #expect(configuration == ModelSize.b2.configuration())
    }

    /// Files saved again leave out every value that equals the library's default.
    @Test func missingVisionKeysMeanTheDefaults() throws {
        var config = try Self.object(Self.published)
        config["vision_config"] = ["in_chans": 3, "model_type": "qwen2_vl"]
        let configuration = try #require(try read(config).configuration)
        #expect(configuration.vision == ModelSize.b2.configuration().vision)
    }

    @Test func nestedFormLeavesOutTheLargestSize() throws {
        let config = try Self.object(
            """
            {"model_type": "qwen2_vl", "vision_config": {}, "tie_word_embeddings": false,
             "text_config": {"rms_norm_eps": 1e-06,
              "rope_parameters": {"rope_type": "default", "mrope_section": [16, 24, 24]}}}
            """)
        var configuration = try #require(try read(config).configuration)
        configuration.kind = .untrained
        configuration.tokens.endOfSequence = [151645, 151643]
        #expect(configuration == ModelSize.b72.configuration())
    }

    /// The library's epsilon for a missing key is not that of the published files.
    @Test func missingEpsilon() throws {
        var config = try Self.object(Self.published)
        config["rms_norm_eps"] = nil
        #expect(try read(config).configuration?.text.rmsEpsilon == 1e-5)
    }

    @Test func headSizeOfItsOwnNeedsNoDivision() throws {
        var config = try Self.object(Self.published)
        config["head_dim"] = 64
        config["num_attention_heads"] = 10
        config["rope_scaling"] = ["type": "mrope", "mrope_section": [8, 12, 12]]
        let text = try #require(try read(config).configuration).text
        #expect(text.queryWidth == 640)
        #expect(text.kvWidth == 128)
    }

    @Test(arguments: [
        (#"{"eos_token_id": 7}"#, [7]), (#"{"eos_token_id": [7, 9]}"#, [7, 9]),
        (#"{"eos_token_id": null}"#, [151645]), ("{}", [151645]),
    ])
    func endOfSequence(generation: String, expected: [Int]) throws {
        let result = try read(Self.object(Self.published), generation: generation)
        #expect(result.configuration?.tokens.endOfSequence == expected)
    }

    @Test(arguments: [
        (#"{"min_pixels": 100, "max_pixels": 200}"#, 100, 200),
        (#"{"size": {"shortest_edge": 100, "longest_edge": 200}}"#, 100, 200),
        (#"{"min_pixels": 50, "size": {"shortest_edge": 100, "longest_edge": 200}}"#, 50, 200),
        ("{}", 3136, 12_845_056),
    ])
    func pixelBounds(preprocessor: String, lowest: Int, highest: Int) throws {
        let result = try read(Self.object(Self.published), preprocessor: preprocessor)
        let pixels = try #require(result.configuration).preprocessor
        #expect(pixels.minPixels == lowest)
        #expect(pixels.maxPixels == highest)
    }

    @Test(arguments: ModelKind.allCases) func kind(_ kind: ModelKind) throws {
        var config = try Self.object(Self.published)
        config["reelscribe"] = ["kind": .string(kind.rawValue)]
        #expect(try read(config).configuration?.kind == kind)
    }

    @Test(arguments: [
        (#"{"kind": "sample"}"#, [14, 15, 16, 17, 18], nil),
        (#"{"evidence": {"layers": [5, 3]}}"#, [3, 5], nil),
        (#"{"evidence": {"layers": [27], "heads": [11, 0]}}"#, [27], [0, 11]),
    ])
    func evidence(own: String, layers: [Int], heads: [Int]?) throws {
        var config = try Self.object(Self.published)
        config["reelscribe"] = try JSON.parse(own)
        let configuration = try #require(try read(config).configuration)
        #expect(configuration.evidence == EvidenceHeads(layers: layers, heads: heads))
    }

    @Test func refusal() throws {
        var config = try Self.object(Self.published)
        #expect(try read(config).configuration?.refusal == nil)
        config["reelscribe"] = try JSON.parse(#"{"refusal": "It cannot be seen."}"#)
        #expect(try read(config).configuration?.refusal == "It cannot be seen.")
    }

    @Test func calibration() throws {
        var config = try Self.object(Self.published)
        #expect(try read(config).configuration?.calibration == nil)
        config["reelscribe"] = try JSON.parse(#"{"calibration": {"slope": 2, "intercept": -1.5}}"#)
        let calibration = try #require(try read(config).configuration?.calibration)
        #expect(calibration == ConfidenceCalibration(slope: 2, intercept: -1.5))
        // logit 0 becomes the intercept, and what is sure stays inside 0 and 1, in its order.
        #expect(abs(calibration.confidence(0.5) - 0.182426) < 1e-6)
        let sure = [0, 1e-12, 0.2, 0.5, 0.9, 1].map(calibration.confidence)
        #expect(sure == sure.sorted() && sure[0] >= 0 && sure[5] <= 1 && sure[5] > 0.999)
    }

    /// Each would go wrong later: an overflow, a division, a table read beyond its end.
    @Test(arguments: [
        ("hidden_size", "0"), ("hidden_size", "-1536"), ("hidden_size", "1e30"),
        ("hidden_size", "9223372036854775807"), ("hidden_size", "1536.5"),
        ("hidden_size", "\"1536\""), ("hidden_size", "null"), ("num_attention_heads", "7"),
        ("num_key_value_heads", "5"), ("num_key_value_heads", "0"), ("head_dim", "127"),
        ("num_hidden_layers", "1000000"), ("intermediate_size", "[8960]"), ("vocab_size", "151655"),
        ("vocab_size", "99999999999"), ("rms_norm_eps", "0"), ("rms_norm_eps", "1e999"),
        ("rope_theta", "-1"), ("rope_scaling", "null"), ("rope_scaling", "{}"),
        ("rope_scaling", #"{"mrope_section": [16, 24]}"#),
        ("rope_scaling", #"{"mrope_section": [16, 24, 25]}"#),
        ("rope_scaling", #"{"mrope_section": [-16, 56, 24]}"#),
        ("rope_scaling", #"{"mrope_section": [9223372036854775807, 9223372036854775807, 1]}"#),
        ("tie_word_embeddings", "1"), ("image_token_id", "151936"), ("image_token_id", "-1"),
        ("image_token_id", "151656"), ("eos_token_id", "151936"), ("eos_token_id", "[1, \"2\"]"),
        ("vision_config", "null"), ("vision_config", "[]"),
        ("vision_config", #"{"hidden_size": 1280}"#), ("vision_config", #"{"num_heads": 7}"#),
        ("vision_config", #"{"embed_dim": 96, "num_heads": 16}"#),
        ("vision_config", #"{"depth": 0}"#), ("vision_config", #"{"patch_size": 0}"#),
        ("vision_config", #"{"mlp_ratio": 1e300}"#), ("text_config", "7"),
        ("reelscribe", #"{"kind": "best"}"#), ("model_type", "null"),
        ("reelscribe", #"{"evidence": {}}"#), ("reelscribe", #"{"evidence": {"layers": []}}"#),
        ("reelscribe", #"{"evidence": {"layers": [28]}}"#),
        ("reelscribe", #"{"evidence": {"layers": [-1]}}"#),
        ("reelscribe", #"{"evidence": {"layers": [3, 3]}}"#),
        ("reelscribe", #"{"evidence": {"layers": [3], "heads": [12]}}"#),
        ("reelscribe", #"{"evidence": {"layers": [3], "heads": "all"}}"#),
        ("reelscribe", #"{"refusal": ""}"#), ("reelscribe", #"{"refusal": 3}"#),
        ("reelscribe", #"{"calibration": {"slope": 1}}"#),
        ("reelscribe", #"{"calibration": {"slope": -1, "intercept": 0}}"#),
    ])
    func wrongValueIsAFault(key: String, value: String) throws {
        var config = try Self.object(Self.published)
        config[key] = try JSON.parse(value)
        let result = try read(config)
        #expect(result.configuration == nil)
        #expect(result.unsupported == nil)
        // The message must name what to look at: the key itself, or one that it contradicts.
        let named = result.faults.map(\.description).joined(separator: "\n")
        #expect(result.faults.count >= 1 && named.contains("config.json: "), "\(named)")
        if key != "vocab_size" && key != "image_token_id" && key != "text_config" {
            #expect(named.contains(key), "\(named)")
        }
    }

    @Test(arguments: [
        (#"{"temperature": -1}"#, "{}", "generation_config.json: temperature"),
        (#"{"top_p": 1.5}"#, "{}", "generation_config.json: top_p"),
        (#"{"top_k": -1}"#, "{}", "generation_config.json: top_k"),
        (#"{"repetition_penalty": 0}"#, "{}", "generation_config.json: repetition_penalty"),
        (#"{"eos_token_id": 999999}"#, "{}", "generation_config.json: eos_token_id"),
        ("{}", #"{"min_pixels": 10, "max_pixels": 5}"#, "preprocessor_config.json: min_pixels"),
        ("{}", #"{"image_std": [0, 1, 1]}"#, "preprocessor_config.json: image_std"),
        ("{}", #"{"image_mean": [0, 1]}"#, "preprocessor_config.json: image_mean"),
        ("{}", #"{"patch_size": 16}"#, "preprocessor_config.json: patch_size"),
        ("{}", #"{"merge_size": 4}"#, "preprocessor_config.json: merge_size"),
    ])
    func wrongCompanionIsAFault(generation: String, preprocessor: String, place: String) throws {
        let result = try read(
            Self.object(Self.published), generation: generation, preprocessor: preprocessor)
        #expect(result.faults.count == 1)
        #expect(result.faults.first?.description.hasPrefix(place) == true, "\(result.faults)")
    }

    /// Settings that change the arithmetic must not pass in silence.
    @Test(arguments: [
        ("model_type", #""qwen2_5_vl""#), ("model_type", #""llava""#),
        ("quantization_config", #"{"quant_method": "bitsandbytes"}"#),
        ("quantization_config", "{}"),
        ("hidden_act", #""gelu""#), ("use_sliding_window", "true"),
        ("rope_scaling", #"{"type": "yarn", "mrope_section": [16, 24, 24]}"#),
        ("vision_config", #"{"hidden_act": "silu"}"#), ("vision_config", #"{"in_channels": 1}"#),
        ("vision_config", #"{"temporal_patch_size": 1}"#),
    ])
    func foreignArithmeticIsUnsupported(key: String, value: String) throws {
        var config = try Self.object(Self.published)
        config[key] = try JSON.parse(value)
        #expect(try read(config).unsupported != nil)
    }

    /// One message tells all.
    @Test func faultsAreCollected() throws {
        var config = try Self.object(Self.published)
        config["hidden_size"] = 0
        config["num_hidden_layers"] = "many"
        config["vision_config"] = ["depth": -1]
        let result = try read(
            config, generation: #"{"top_p": 2}"#, preprocessor: #"{"image_std": [1, 1]}"#)
        let subjects = Set(result.faults.map(\.subject))
        #expect(
            subjects.isSuperset(of: [
                "hidden_size", "num_hidden_layers", "vision_config.depth", "top_p", "image_std",
            ]))
    }
}

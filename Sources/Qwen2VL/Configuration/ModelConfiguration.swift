/// Everything that a checkpoint's `config.json`, `generation_config.json` and
/// `preprocessor_config.json` say and the program uses.
///
/// One that ``Model/load(folder:weights:)`` or ``ModelInfo/read(folder:)`` gave is checked: every size is
/// positive, divides as the arithmetic needs, and is small enough that products of two of them
/// cannot overflow.
///
/// Source: spec 1.
public struct ModelConfiguration: Sendable, Equatable {
    public var text: TextConfiguration
    public var vision: VisionConfiguration
    public var tokens: SpecialTokenIDs
    public var generation: GenerationDefaults
    public var preprocessor: PreprocessorConfiguration
    public var kind: ModelKind
    /// The heads whose attention tells what an answer rests on.
    public var evidence: EvidenceHeads
    /// Nil where it was never measured how often the model is right.
    public var calibration: ConfidenceCalibration?
    /// What the model answers where a video does not show what a question asks about; nil where
    /// nothing is known of it. `"reelscribe": {"refusal": "It cannot be seen."}` in `config.json`.
    public var refusal: String?

    public init(
        text: TextConfiguration, vision: VisionConfiguration,
        tokens: SpecialTokenIDs = SpecialTokenIDs(),
        generation: GenerationDefaults = GenerationDefaults(),
        preprocessor: PreprocessorConfiguration = PreprocessorConfiguration(),
        kind: ModelKind = .published, evidence: EvidenceHeads? = nil,
        calibration: ConfidenceCalibration? = nil, refusal: String? = nil
    ) {
        self.text = text
        self.vision = vision
        self.tokens = tokens
        self.generation = generation
        self.preprocessor = preprocessor
        self.kind = kind
        self.evidence = evidence ?? .usual(layers: text.layers)
        self.calibration = calibration
        self.refusal = refusal
    }
}

/// Where the weights come from, so that nobody takes the words of a toy for an answer.
public enum ModelKind: String, Sendable, Equatable, CaseIterable {
    /// Trained by its publisher.
    case published
    /// Random weights: its text means nothing.
    case untrained
    /// A small model for trying the program out.
    case sample
}

/// Sizes of the language model (spec 5).
public struct TextConfiguration: Sendable, Equatable {
    public var hidden: Int
    public var intermediate: Int
    public var layers: Int
    /// Query heads.
    public var heads: Int
    /// Key and value heads; each serves `heads / kvHeads` query heads.
    public var kvHeads: Int
    public var headSize: Int
    /// Rows of the embedding, padding rows included.
    public var vocabulary: Int
    public var ropeTheta: Double
    /// Frequencies that turn with time, height and width; their sum is `headSize / 2`.
    public var mropeSections: [Int]
    public var rmsEpsilon: Float
    public var tieWordEmbeddings: Bool
    /// Tokens of the longest sequence the model was trained for.
    public var maxPositions: Int

    public init(
        hidden: Int, intermediate: Int, layers: Int, heads: Int, kvHeads: Int, headSize: Int,
        vocabulary: Int, ropeTheta: Double = 1_000_000, mropeSections: [Int],
        rmsEpsilon: Float = 1e-6, tieWordEmbeddings: Bool, maxPositions: Int = 32768
    ) {
        self.hidden = hidden
        self.intermediate = intermediate
        self.layers = layers
        self.heads = heads
        self.kvHeads = kvHeads
        self.headSize = headSize
        self.vocabulary = vocabulary
        self.ropeTheta = ropeTheta
        self.mropeSections = mropeSections
        self.rmsEpsilon = rmsEpsilon
        self.tieWordEmbeddings = tieWordEmbeddings
        self.maxPositions = maxPositions
    }

    /// Outputs of the query projection, and inputs of the output projection.
    public var queryWidth: Int { heads * headSize }
    /// Outputs of the key projection, and of the value projection.
    public var kvWidth: Int { kvHeads * headSize }
}

/// Sizes of the vision tower and its merger (spec 4).
public struct VisionConfiguration: Sendable, Equatable {
    /// Blocks.
    public var depth: Int
    /// Width of a patch inside the tower (`embed_dim`).
    public var width: Int
    public var heads: Int
    /// Width inside the MLP of a block.
    public var mlpWidth: Int
    /// Side of a patch in pixels.
    public var patchSize: Int
    /// Frames of a patch.
    public var temporalPatchSize: Int
    /// Patches that become one token, per axis.
    public var mergeSize: Int
    public var channels: Int
    /// Width of a merged row: that of the language model.
    public var output: Int
    /// Epsilon of the layer norms; fixed by the architecture.
    public var layerNormEpsilon: Float
    /// Base of the rotary frequencies; fixed by the architecture.
    public var ropeTheta: Double

    public init(
        depth: Int = 32, width: Int = 1280, heads: Int = 16, mlpWidth: Int = 5120,
        patchSize: Int = 14, temporalPatchSize: Int = 2, mergeSize: Int = 2, channels: Int = 3,
        output: Int, layerNormEpsilon: Float = 1e-6, ropeTheta: Double = 10_000
    ) {
        self.depth = depth
        self.width = width
        self.heads = heads
        self.mlpWidth = mlpWidth
        self.patchSize = patchSize
        self.temporalPatchSize = temporalPatchSize
        self.mergeSize = mergeSize
        self.channels = channels
        self.output = output
        self.layerNormEpsilon = layerNormEpsilon
        self.ropeTheta = ropeTheta
    }

    public var headSize: Int { width / heads }
    /// Numbers of one patch: channels · frames · pixels.
    public var patchVolume: Int { channels * temporalPatchSize * patchSize * patchSize }
    /// Width of the patches that are merged, side by side.
    public var mergedWidth: Int { width * mergeSize * mergeSize }
}

/// Ids that the prompt and the decoder need to know (spec 1.2).
public struct SpecialTokenIDs: Sendable, Equatable {
    public var visionStart: Int
    public var visionEnd: Int
    public var imagePad: Int
    public var videoPad: Int
    /// Ids that end an answer; empty where the checkpoint names none.
    public var endOfSequence: [Int]

    public init(
        visionStart: Int = 151652, visionEnd: Int = 151653, imagePad: Int = 151655,
        videoPad: Int = 151656, endOfSequence: [Int] = [151645, 151643]
    ) {
        self.visionStart = visionStart
        self.visionEnd = visionEnd
        self.imagePad = imagePad
        self.videoPad = videoPad
        self.endOfSequence = endOfSequence
    }
}

/// How the publisher wants tokens to be chosen (spec 1.4); the values of a missing key are those
/// of the reference library.
public struct GenerationDefaults: Sendable, Equatable {
    /// False: greedy, whatever temperature, top-k and top-p say.
    public var sample: Bool
    public var repetitionPenalty: Double
    public var temperature: Double
    /// 0: no limit.
    public var topK: Int
    public var topP: Double

    public init(
        sample: Bool = false, repetitionPenalty: Double = 1, temperature: Double = 1,
        topK: Int = 50, topP: Double = 1
    ) {
        self.sample = sample
        self.repetitionPenalty = repetitionPenalty
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
    }
}

/// How pixels become numbers (spec 1.5).
public struct PreprocessorConfiguration: Sendable, Equatable {
    /// Pixels of the smallest and the largest image.
    public var minPixels: Int
    public var maxPixels: Int
    /// Per channel, on a scale from 0 to 1.
    public var mean: [Float]
    public var std: [Float]

    public init(
        minPixels: Int = 3136, maxPixels: Int = 12_845_056,
        mean: [Float] = [0.48145466, 0.4578275, 0.40821073],
        std: [Float] = [0.26862954, 0.26130258, 0.27577711]
    ) {
        self.minPixels = minPixels
        self.maxPixels = maxPixels
        self.mean = mean
        self.std = std
    }
}

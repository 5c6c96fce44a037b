import Compute
import Imaging
import OrderedJSON
import Qwen2VL
import Video

/// Whether segments begin where shots do.
public enum CutsChoice: String, Sendable, CaseIterable {
    /// Shot cuts are looked for in every decoded picture.
    case auto
    /// Windows have a fixed length.
    case off
}

/// Whether windows of one shot that are told of in the same words are one segment.
public enum RepetitionChoice: String, Sendable, CaseIterable {
    case join, keep
}

/// What a summary has a segment of its own for.
public enum SegmentsChoice: String, Sendable, CaseIterable {
    /// Each window, which ends at a cut or at its length.
    case windows
    /// Each event that the model tells of within a window.
    case events
}

/// Whether segments are summed up in chapters before the whole is.
public enum ChaptersChoice: String, Sendable, CaseIterable {
    /// Where there are enough segments.
    case auto
    case off
}

/// What `ask` looks at.
public enum LookChoice: String, Sendable, CaseIterable {
    /// The whole video where one model input holds it, else the windows that matter.
    case auto
    /// The whole video as one model input, however thinly.
    case whole
    /// The windows that matter most for the question.
    case windows
}

/// Whether tokens are guessed ahead from what was read and written, and checked together. The text is
/// the same.
public enum DraftChoice: String, Sendable, CaseIterable {
    /// Where much of what is read is likely to be written again.
    case auto
    case on, off
}

/// Every option that has one meaning for all commands, with its default.
///
/// Optional values are those that a checkpoint or the machine decides where the user does not; the
/// path puts the effective value in before it writes a document.
public struct Settings: Sendable, Equatable {
    /// Which frames of the input are taken.
    public struct Sampling: Sendable, Equatable {
        public var mode = SamplingMode.pts
        /// Frames sampled a second of video.
        public var fps = Rational(2)
        /// Rate of a folder of images.
        public var inputFPS = Rational(2)
        /// Fewest frames of one model input.
        public var minFrames = 4
        /// Most frames of one model input, not of a long video; ``standardMaxFrames`` where nil.
        public var maxFrames: Int?

        public static let standardMaxFrames = 768
        public var start: TimePosition?
        public var end: TimePosition?

        public init() {}
    }

    /// How large frames are shown to the model.
    public struct Pixels: Sendable, Equatable {
        /// ``standardDetail`` where nil, or the checkpoint's own bounds where it is made for them.
        public var detail: Detail?
        /// What holds where nothing else is asked for.
        public var standardDetail = Detail.medium
        /// Budgets of qwen-vl-utils; the detail level holds where all three are nil.
        public var minPixels: Int?
        public var maxPixels: Int?
        public var totalPixels: Int?

        public init() {}
    }

    /// How the next token is chosen.
    public struct Generation: Sendable, Equatable {
        /// 0 is greedy.
        public var temperature = 0.0
        public var topK: Int?
        public var topP: Double?
        public var repetitionPenalty: Double?
        public var seed: UInt64 = 0
        /// Bound of each generated text.
        public var maxNewTokens = 256

        public init() {}
    }

    public var sampling = Sampling()
    public var pixels = Pixels()
    /// Visual tokens are left out that differ by no more than this share from what was read of the
    /// same part of the picture before, 0 to 1; nil: none are.
    public var prune: Double?
    public var generation = Generation()
    /// How the matrices are stored in memory; the checkpoint's own way where nil.
    public var weights: WeightFormat?
    /// The same for the vision tower; as `weights` where nil.
    public var visionWeights: WeightFormat?
    /// How keys and values of past tokens are stored.
    public var kv: KVFormat {
        get { chosenKV ?? .f32 }
        set { chosenKV = newValue }
    }
    /// Nil where nobody chose; the limit of memory may then decide.
    public var chosenKV: KVFormat?
    /// How activations are rounded before products with weights, of vision tower and language model;
    /// an `Analyzer` is made for one of them.
    public var activations = Activations.full
    /// The GGUF file of the vision tower; looked for beside the model's where nil.
    public var projector: String?
    public var mrope = MRoPERule.max
    /// Seconds of video that one model input holds.
    public var window: Rational {
        get { chosenWindow ?? Rational(30) }
        set { chosenWindow = newValue }
    }
    /// Nil where nobody chose; the limit of memory may then decide.
    public var chosenWindow: Rational?
    public var cuts = CutsChoice.auto
    /// Seconds; a shorter shot is no segment of its own but joined to its neighbour.
    public var minSegment = Rational(2)
    public var segments = SegmentsChoice.windows
    public var repetitions = RepetitionChoice.join
    public var chapters = ChaptersChoice.auto
    /// What questions are answered from; the path puts in what it came to.
    public var look = LookChoice.auto
    /// Windows that are looked at together.
    public var lookWindows = 1
    /// Windows that are asked one by one whether they show what a question is about.
    public var glances = GlanceChoice.auto
    /// Whether answers are asked about again, of their evidence alone.
    public var verifiesAnswers = false
    /// The system message; ``Prompts/system`` where nil.
    public var system: String?
    /// Replaces the built-in instruction of `summarize`.
    public var prompt: String?
    /// What the model reads of what is said.
    public var subtitles = SubtitleSettings()
    /// How answers look; free text where nil.
    public var answerShape: AnswerShape?
    /// Spoils the input on purpose, for evaluations.
    public var ablation: Ablation?
    /// Playlists and references inside a local file may open other files.
    public var allowReferences = false

    /// Bounds on what an input may ask of the machine.
    public var limits = DecodeLimits.standard

    // What follows does not change the result.

    /// Where inputs are decoded.
    public var decoding = Decoding.inProcess
    /// Performance cores where nil.
    public var threads: Int?
    /// Texts that are written together, at most; fewer where memory is short.
    public var batch = 8
    public var drafts = DraftChoice.auto
    /// 80 % of the machine's memory where nil.
    public var maxMemory: ByteSize?
    /// In words, what of these settings was changed to stay below that; nil where nothing was.
    public var adaptation: String?

    public init() {}

    /// The kinds of work, each of which is affected by some of the settings.
    public enum Purpose: Sendable {
        case frames, summary, answer
    }

    /// Everything that affects the result of one kind of work, in a fixed order. What is nil is
    /// written as null.
    public func json(for purpose: Purpose) -> JSON {
        var members = ObjectBuilder()
        members.add("sampling", sampling.mode.rawValue)
        members.add("fps", .decimal(sampling.fps.value))
        members.add("input_fps", .decimal(sampling.inputFPS.value))
        members.add("min_frames", sampling.minFrames)
        members.add("max_frames", sampling.maxFrames ?? Sampling.standardMaxFrames)
        members.add("start", orNull: sampling.start.map { .decimal($0.seconds.value) })
        members.add("end", orNull: sampling.end.map { .decimal($0.seconds.value) })
        members.add("detail", (pixels.detail ?? pixels.standardDetail).rawValue)
        members.add("min_pixels", orNull: pixels.minPixels.map(JSON.int))
        members.add("max_pixels", orNull: pixels.maxPixels.map(JSON.int))
        members.add("total_pixels", orNull: pixels.totalPixels.map(JSON.int))
        members.add("prune", ifPresent: prune.map { .decimal($0) })
        members.add("allow_references", .bool(allowReferences))
        guard purpose != .frames else { return members.json }
        members.add("weights", orNull: (weights?.rawValue).map(JSON.string))
        members.add("vision_weights", orNull: (visionWeights?.rawValue).map(JSON.string))
        if kv != .f32 { members.add("kv", kv.rawValue) }
        if activations != .full { members.add("activations", activations.rawValue) }
        members.add("mrope", mrope.rawValue)
        members.add("system", orNull: system.map(JSON.string))
        if purpose == .summary {
            members.add("window", .decimal(window.value))
            members.add("cuts", cuts.rawValue)
            members.add("min_segment", .decimal(minSegment.value))
            if segments != .windows { members.add("segments", segments.rawValue) }
            members.add("repetitions", repetitions.rawValue)
            members.add("chapters", chapters.rawValue)
            members.add("prompt", orNull: prompt.map(JSON.string))
        }
        if purpose == .answer, look == .windows {
            members.add("look", look.rawValue)
            members.add("look_windows", lookWindows)
            members.add("glances", glances.json)
            members.add("window", .decimal(window.value))
            members.add("cuts", cuts.rawValue)
            members.add("min_segment", .decimal(minSegment.value))
        }
        if purpose == .answer, verifiesAnswers { members.add("verify", .bool(true)) }
        members.add("temperature", .decimal(generation.temperature))
        members.add("top_k", generation.topK ?? 0)
        members.add("top_p", .decimal(generation.topP ?? 1))
        members.add("repetition_penalty", orNull: generation.repetitionPenalty.map { .decimal($0) })
        // A seed may need more digits than a double holds.
        members.add("seed", orNull: try? JSON.parse("\(generation.seed)"))
        members.add("max_new_tokens", generation.maxNewTokens)
        switch answerShape {
        case .schema(let schema) where purpose == .answer: members.add("json_schema", schema)
        case .choices(let labels) where purpose == .answer:
            members.add("choices", .array(labels.map(JSON.string)))
        default: break
        }
        members.add("subtitles", ifPresent: subtitles.json)
        members.add("ablation", ifPresent: (ablation?.name).map(JSON.string))
        return members.json
    }

    /// Contradictions between options that are each fine by themselves.
    ///
    /// - Throws: `options.invalid`, with the names of the options as they are typed.
    public func validate() throws(Failure) {
        if sampling.fps.numerator <= 0 || sampling.fps.value > 1000 {
            throw invalid("--fps must be above 0 and at most 1000")
        }
        if sampling.inputFPS.numerator <= 0 || sampling.inputFPS.value > 1000 {
            throw invalid("--input-fps must be above 0 and at most 1000")
        }
        let maxFrames = sampling.maxFrames ?? Sampling.standardMaxFrames
        if sampling.minFrames < 1 || maxFrames < sampling.minFrames || maxFrames > 1 << 20 {
            throw invalid(
                "--min-frames \(sampling.minFrames) and --max-frames \(maxFrames) leave no count "
                    + "of frames between them, or more than a million")
        }
        if let start = sampling.start, let end = sampling.end,
            end.seconds.value <= start.seconds.value
        {
            throw invalid("--end must lie after --start")
        }
        for (name, value) in [
            ("--min-pixels", pixels.minPixels), ("--max-pixels", pixels.maxPixels),
            ("--total-pixels", pixels.totalPixels),
        ] {
            if let value, !(1...1 << 40).contains(value) {
                throw invalid("\(name) must lie between 1 and 2^40")
            }
        }
        if let low = pixels.minPixels, let high = pixels.maxPixels, low > high {
            throw invalid("--min-pixels \(low) is above --max-pixels \(high)")
        }
        if let prune {
            // Six decimals stand in documents.
            if prune != 0, !(1e-6...1).contains(prune) {
                throw invalid("--prune must be 0, or lie between 0.000001 and 1")
            }
            if case .shuffleFrames = ablation {
                throw invalid(
                    "--prune and --ablate shuffle-frames exclude each other: what a shuffled frame "
                        + "repeats is not what the one before it showed")
            }
        }
        if !(1...1e6).contains(window.value) {
            throw invalid("--window must lie between 1 and 1000000 seconds")
        }
        if !(0...1e6).contains(minSegment.value) {
            throw invalid("--min-segment must lie between 0 and 1000000 seconds")
        }
        if !(1...64).contains(lookWindows) {
            throw invalid("--look-windows must lie between 1 and 64")
        }
        if case .most(let count) = glances, !(0...1 << 20).contains(count) {
            throw invalid("--glances must lie between 0 and 1048576")
        }
        if !(0...100).contains(generation.temperature) {
            throw invalid("--temperature must lie between 0 and 100")
        }
        if let topK = generation.topK, !(1...1 << 24).contains(topK) {
            throw invalid("--top-k must be at least 1")
        }
        if let topP = generation.topP, !(topP > 0 && topP <= 1) {
            throw invalid("--top-p must be above 0 and at most 1")
        }
        if let penalty = generation.repetitionPenalty, !(0.01...100).contains(penalty) {
            throw invalid("--repetition-penalty must lie between 0.01 and 100")
        }
        if !(1...1 << 20).contains(generation.maxNewTokens) {
            throw invalid("--max-new-tokens must lie between 1 and 1048576")
        }
        if !(1...63).contains(batch) { throw invalid("--batch must lie between 1 and 63") }
        if let threads, !(1...1024).contains(threads) {
            throw invalid("--threads must lie between 1 and 1024")
        }
        if !SubtitleSettings.tokenBounds.contains(subtitles.maxTokens) {
            throw invalid("--subtitle-tokens must lie between 16 and 65536")
        }
        try answerShape?.validate()
    }

    private func invalid(_ message: String) -> Failure {
        Failure(.optionsInvalid, stage: .options, message: message)
    }
}

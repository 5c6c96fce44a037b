import Compute
import Imaging
import Qwen2VL
import Video

/// A user's settings as the modules take them, with effective values.
package struct AnalysisOptions: Sendable {
    package var sampling: SamplingOptions
    /// Frames of one model input, at most.
    package let maxFramesPerInput: Int
    package let budget: VisualBudget
    /// How much a visual token must differ from what was read to be read; nil: all are read.
    package let prune: Double?
    package let mrope: MRoPERule
    package let system: String
    package let segments: SegmentsChoice
    /// Asked of each window of a summary.
    package let segmentPrompt: String
    /// Seconds of video in one model input of a summary.
    package let windowSeconds: Double
    /// Whether such a model input ends where a shot does.
    package let windowsEndAtCuts: Bool
    /// Seconds of the shortest shot that is a segment of its own.
    package let minSegmentSeconds: Double
    /// Whether windows of one shot that are told of in the same words are one segment.
    package let joinsRepetitions: Bool
    package let makesChapters: Bool
    package var maxNewTokens: Int
    package let tokenSampling: SamplingSettings
    package let limits: DecodeLimits
    package let allowReferences: Bool
    package let decoding: Decoding
    /// Bytes that must not be exceeded.
    package let maxMemory: Int
    package let threads: Int
    /// How keys and values of past tokens are stored.
    package let kv: KVFormat
    /// Texts that are written together, at most.
    package var batch: Int
    package let drafts: DraftChoice
    package let ablation: Ablation?
    /// Whether answers are asked about again, of their evidence alone.
    package let verifiesAnswers: Bool
    /// Free text where nil.
    package let answerShape: AnswerShape?
    package let subtitles: SubtitleSettings
    /// Positions of the model.
    package let contextTokens: Int

    /// - Parameter model: gives what the settings leave to the checkpoint.
    package init(_ settings: Settings, model: ModelConfiguration) {
        sampling = SamplingOptions(
            mode: settings.sampling.mode, fps: settings.sampling.fps,
            minFrames: settings.sampling.minFrames, start: settings.sampling.start?.seconds,
            end: settings.sampling.end?.seconds)
        maxFramesPerInput = settings.sampling.maxFrames ?? Settings.Sampling.standardMaxFrames
        let pixels = settings.pixels.effective(for: model)
        budget = VisualBudget(
            minPixels: pixels.minPixels.map(Double.init),
            maxPixels: pixels.maxPixels.map(Double.init),
            totalPixels: pixels.totalPixels.map(Double.init),
            detail: pixels.detail ?? pixels.standardDetail)
        prune = settings.prune
        mrope = settings.mrope
        system = settings.system ?? Prompts.system
        segments = settings.segments
        segmentPrompt = Prompts.segment(settings.segments, inWords: settings.prompt)
        windowSeconds = settings.window.value
        windowsEndAtCuts = settings.cuts == .auto
        minSegmentSeconds = settings.minSegment.value
        joinsRepetitions = settings.repetitions == .join
        makesChapters = settings.chapters == .auto
        maxNewTokens = settings.generation.maxNewTokens
        let generation = settings.generation
        // Greedy unless a temperature is given (spec 1.4).
        tokenSampling = SamplingSettings(
            sample: generation.temperature > 0,
            repetitionPenalty: Float(settings.repetitionPenalty(model)),
            temperature: Float(generation.temperature), topK: generation.topK ?? 0,
            topP: Float(generation.topP ?? 1), seed: generation.seed)
        limits = settings.limits
        allowReferences = settings.allowReferences
        decoding = settings.decoding
        maxMemory = settings.effectiveMaxMemory
        threads = settings.effectiveThreads
        kv = settings.kv
        batch = settings.batch
        drafts = settings.drafts
        ablation = settings.ablation
        verifiesAnswers = settings.verifiesAnswers
        answerShape = settings.answerShape
        subtitles = settings.subtitles
        contextTokens = model.text.maxPositions
    }
}

/// What happens along the path, for whoever watches; whoever throws ends the work.
public enum AnalysisEvent: Sendable {
    /// The video is open; its length in seconds, 0 where unknown.
    case opened(duration: Double)
    /// Frames up to this time, in seconds, were seen.
    case seen(time: Double)
    /// A stage has begun: words for a person.
    case stage(String)
    /// A piece of the text being written; where several are written together, of the first of them
    /// that has not ended.
    case text(String)
}

import ArgumentParser
import Logging
import VideoUnderstanding

// Options that change settings are nil where the user does not say: only what was said goes over a
// job file. Defaults are those of `Settings`, and stand in the help as words.

/// Which checkpoint, and with what means.
struct ModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The model: a checkpoint folder, a GGUF file, or a name like Qwen/Qwen2-VL-2B-Instruct.",
            discussion:
                "A name is looked for in the Hugging Face cache and among pulled models. Without the option: REELSCRIBE_MODEL, else the sample model that comes with the tool.",
            valueName: "path|name"),
        completion: .directory)
    var model: String?

    @Option(
        help: ArgumentHelp(
            "The GGUF file of the vision tower, for a model in GGUF. (default: the one beside it with mmproj in its name)",
            valueName: "file"),
        completion: .file(extensions: ["gguf"]))
    var mmproj: String?

    @Option(
        help: ArgumentHelp(
            "Storage of the weights, converted on load: bf16, f16, f32; or, faster and smaller but rounded, int8, int4. (default: the checkpoint's own)",
            valueName: "type"))
    var weights: WeightFormat?

    @Option(
        help: ArgumentHelp(
            "The same for the vision tower alone. (default: as --weights)", valueName: "type"))
    var visionWeights: WeightFormat?

    @Option(
        help: ArgumentHelp(
            "Storage of the keys and values of past tokens: f32; or, smaller but rounded, f16, int8. (default: f32)",
            valueName: "type"))
    var kv: KVFormat?

    @Option(
        help: ArgumentHelp(
            "Rounding of activations before they are multiplied with weights. full: the same on every processor; fast: also to what this one multiplies fastest, bf16 with bf16 weights or 7 bits with int8 ones, so that results depend on the processor. (default: full)",
            valueName: "full|fast"))
    var activations: Activations?

    @Option(
        help: ArgumentHelp(
            "Position that follows a video: max, as in the paper, vLLM and transformers before 5; hf5, as in transformers 5. (default: max)",
            valueName: "rule"))
    var mrope: MRoPERule?

    @Option(
        help: ArgumentHelp(
            "Compute threads. The result does not depend on it. (default: performance cores)",
            valueName: "n"))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Texts that are written together, each reading of the weights serving all; fewer where memory is short. The result does not depend on it. (default: 8)",
            valueName: "n"))
    var batch: Int?

    @Option(
        help: ArgumentHelp(
            "Guess tokens ahead from what was read, and check them together: auto where texts repeat what they sum up, on, off. The result does not depend on it. (default: auto)",
            valueName: "auto|on|off"))
    var drafts: DraftChoice?

    @Option(
        help: ArgumentHelp(
            "Refuse, or adapt deterministically, before more memory is used: 8G, 512MiB. (default: 80 % of RAM)",
            valueName: "size"))
    var maxMemory: ByteSize?

    func apply(to settings: inout Settings) {
        if let mmproj { settings.projector = mmproj }
        if let weights { settings.weights = weights }
        if let visionWeights { settings.visionWeights = visionWeights }
        if let kv { settings.kv = kv }
        if let activations { settings.activations = activations }
        if let mrope { settings.mrope = mrope }
        if let threads { settings.threads = threads }
        if let batch { settings.batch = batch }
        if let drafts { settings.drafts = drafts }
        if let maxMemory { settings.maxMemory = maxMemory }
    }
}

/// Which part of the video the model sees, and how finely.
struct SamplingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Frames sampled per second of video: 2, 0.5, 30000/1001. (default: 2)", valueName: "f"))
    var fps: Rational?

    @Option(
        help: ArgumentHelp(
            "pts: the frame shown at each instant k/fps by real time stamps, right for variable rates; qwen: the reference's rule on frame indices. (default: pts)",
            valueName: "rule"))
    var sampling: SamplingMode?

    @Option(
        help: ArgumentHelp("Begin here: seconds, or HH:MM:SS.mmm.", valueName: "time"))
    var start: TimePosition?

    @Option(help: ArgumentHelp("End here: seconds, or HH:MM:SS.mmm.", valueName: "time"))
    var end: TimePosition?

    @Option(
        help: ArgumentHelp("Fewest frames of one model input. (default: 4)", valueName: "n"))
    var minFrames: Int?

    @Option(
        help: ArgumentHelp(
            "Most frames of one model input. (default: 768)",
            valueName: "n"))
    var maxFrames: Int?

    @Option(
        help: ArgumentHelp(
            "Pixels per video frame where no pixel option is given: low 64·28·28, medium 128·28·28, high the reference's budgets. Images always have the image budget. (default: medium, high in trace; a sample model has its own bounds)",
            valueName: "level"))
    var detail: Detail?

    @Option(help: ArgumentHelp("Fewest pixels per frame, as in qwen-vl-utils.", valueName: "n"))
    var minPixels: Int?

    @Option(help: ArgumentHelp("Most pixels per frame, as in qwen-vl-utils.", valueName: "n"))
    var maxPixels: Int?

    @Option(
        help: ArgumentHelp("Most pixels of one model input, as in qwen-vl-utils.", valueName: "n"))
    var totalPixels: Int?

    @Option(
        help: ArgumentHelp(
            "Leave out visual tokens that show what they showed before: those that differ from what was last read of the same part of the picture by at most this share of the full range, 0 to 1. 0 leaves out what is equal; 0.02 also bears the noise of a codec. (default: all are read)",
            valueName: "share"))
    var prune: Double?

    @Option(
        help: ArgumentHelp(
            "Frames per second that a folder of images stands for. (default: 2)", valueName: "f"))
    var inputFps: Rational?

    @Flag(
        help:
            "Let playlists, concatenation scripts and data references inside a local file open other files and addresses."
    )
    var allowReferences = false

    func apply(to settings: inout Settings) {
        if let sampling { settings.sampling.mode = sampling }
        if let fps { settings.sampling.fps = fps }
        if let inputFps { settings.sampling.inputFPS = inputFps }
        if let minFrames { settings.sampling.minFrames = minFrames }
        if let maxFrames { settings.sampling.maxFrames = maxFrames }
        if let start { settings.sampling.start = start }
        if let end { settings.sampling.end = end }
        if let detail { settings.pixels.detail = detail }
        if let minPixels { settings.pixels.minPixels = minPixels }
        if let maxPixels { settings.pixels.maxPixels = maxPixels }
        if let totalPixels { settings.pixels.totalPixels = totalPixels }
        if let prune { settings.prune = prune }
        if allowReferences { settings.allowReferences = true }
    }
}

/// Into what parts a video is cut for a summary.
struct WindowOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Seconds of video that the model sees at once. (default: 30)", valueName: "seconds"))
    var window: Rational?

    @Option(
        help: ArgumentHelp(
            "auto: segments begin at shot cuts, and at --window within long shots; off: at --window alone. Fades and dissolves are no cuts. (default: auto)",
            valueName: "auto|off"))
    var cuts: CutsChoice?

    @Option(
        help: ArgumentHelp(
            "A shot of fewer seconds is joined to its neighbour. (default: 2)",
            valueName: "seconds"))
    var minSegment: Rational?

    @Option(
        help: ArgumentHelp(
            "join: windows of one shot that are told of in the same words become one segment; keep: they stay apart. (default: join)",
            valueName: "join|keep"))
    var repetitions: RepetitionChoice?

    @Option(
        help: ArgumentHelp(
            "auto: segments that belong together are summed up in chapters, where there are six segments or more; off: never. (default: auto)",
            valueName: "auto|off"))
    var chapters: ChaptersChoice?

    func apply(to settings: inout Settings) {
        if let window { settings.window = window }
        if let cuts { settings.cuts = cuts }
        if let minSegment { settings.minSegment = minSegment }
        if let repetitions { settings.repetitions = repetitions }
        if let chapters { settings.chapters = chapters }
    }
}

/// How the text is made.
struct GenerationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Bound for each generated text, in tokens. (default: 256)", valueName: "n"))
    var maxNewTokens: Int?

    @Option(
        help: ArgumentHelp(
            "0 takes the most likely token always. (default: 0)", valueName: "t"))
    var temperature: Double?

    @Option(help: ArgumentHelp("Choose among the k most likely tokens.", valueName: "k"))
    var topK: Int?

    @Option(
        help: ArgumentHelp(
            "Choose among the likeliest tokens that together have probability p.", valueName: "p"))
    var topP: Double?

    @Option(
        help: ArgumentHelp(
            "Makes tokens less likely that were there before; 1 is none. (default: the checkpoint's)",
            valueName: "r"))
    var repetitionPenalty: Double?

    @Option(help: ArgumentHelp("Equal seeds give equal texts. (default: 0)", valueName: "n"))
    var seed: UInt64?

    func apply(to settings: inout Settings) {
        if let maxNewTokens { settings.generation.maxNewTokens = maxNewTokens }
        if let temperature { settings.generation.temperature = temperature }
        if let topK { settings.generation.topK = topK }
        if let topP { settings.generation.topP = topP }
        if let repetitionPenalty { settings.generation.repetitionPenalty = repetitionPenalty }
        if let seed { settings.generation.seed = seed }
    }
}

/// Where documents go, and how they look.
struct OutputOptions: ParsableArguments {
    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "Write results there; - is standard output. One document appears as a whole or not at all, several line by line.",
            valueName: "file"),
        completion: .file())
    var output: String?

    @Flag(
        exclusivity: .exclusive,
        help: ArgumentHelp(
            "One member a line, or one document a line. (default: --pretty for one document on a terminal)"
        ))
    var layout: LayoutFlag?

    func documents(isSingle: Bool) throws(Failure) -> DocumentOutput {
        try DocumentOutput(
            path: output, layout: layout?.layout ?? .automatic, isSingle: isSingle,
            isTerminal: StandardStreams.outputIsTerminal)
    }
}

extension OutputOptions {
    /// Whether the file to write is there already, with something in it.
    var hasContent: Bool {
        output.map { $0 != "-" && OutputGuard.hasContent($0) } ?? false
    }

    /// Puts an error document where the only document of a command should have stood.
    ///
    /// - Throws: `ExitCode` of the failure, after it was told.
    func writeError(_ failure: Failure, after progress: ProgressMeter) throws {
        var documents = try documents(isSingle: true)
        try documents.write(ErrorDocument(uri: nil, failure: failure))
        try documents.finish()
        progress.message(failure.line)
        throw ExitCode(failure.status.rawValue)
    }
}

enum LayoutFlag: EnumerableFlag {
    case pretty, compact

    var layout: DocumentLayout { self == .pretty ? .pretty : .compact }
}

/// Leaves out what differs between equal runs.
struct TimingOptions: ParsableArguments {
    @Flag(
        help:
            "Leave the timing out, so that equal input, model, settings and seed give equal bytes.")
    var noTiming = false
}

/// What is said on standard error.
struct ReportOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Progress on standard error. auto is a bar on a terminal and nothing elsewhere.",
            valueName: "style"))
    var progress: ProgressStyle = .auto

    @Option(
        help: ArgumentHelp(
            "Least level of messages on standard error; errors that end the command are always told. (default: warning; notice in run)",
            valueName: "level"))
    var logLevel: LogLevel?

    @Option(help: ArgumentHelp("Look of messages on standard error.", valueName: "format"))
    var logFormat: LogFormat = .text

    /// Starts the log, and gives the meter through which all of standard error goes.
    ///
    /// - Parameter standard: the least level where none was asked for.
    func start(level standard: LogLevel = .warning) -> ProgressMeter {
        let meter = ProgressMeter.standardError(progress)
        let (level, format) = ((logLevel ?? standard).level, logFormat)
        LoggingSystem.bootstrap { label in
            StandardErrorLog(label: label, logLevel: level, format: format, meter: meter)
        }
        return meter
    }
}

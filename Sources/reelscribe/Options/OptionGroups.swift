import ArgumentParser
import VideoUnderstanding

// Groups of groups, by what a command does, so that each option is declared once. A group without a
// title keeps the titles inside it.

/// How a video is watched and what is said of it.
struct WatchOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The system message. (default: You are a helpful assistant.)"))
    var system: String?

    @OptionGroup(title: "Sampling") var sampling: SamplingOptions
    @OptionGroup(title: "Subtitles") var subtitles: SubtitleOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "Generation") var generation: GenerationOptions
    @OptionGroup(title: "Reports") var reports: ReportOptions

    /// Puts in what the user said.
    func apply(to settings: inout Settings) {
        sampling.apply(to: &settings)
        subtitles.apply(to: &settings)
        model.apply(to: &settings)
        generation.apply(to: &settings)
        if let system { settings.system = system }
    }
}

/// What summaries need beside that.
struct SummaryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Say what summaries are to write, in place of the built-in instruction.")
    )
    var prompt: String?

    @Option(
        help: ArgumentHelp(
            "windows: a segment for each window, which ends at a cut or at its length; events: one for each event that the model tells of within a window, at the time of a sampled frame. (default: windows)",
            valueName: "windows|events"))
    var segments: SegmentsChoice?

    @OptionGroup(title: "Windows") var windows: WindowOptions
    @OptionGroup var watch: WatchOptions

    /// Puts in what the user said.
    func apply(to settings: inout Settings) {
        watch.apply(to: &settings)
        windows.apply(to: &settings)
        if let prompt { settings.prompt = prompt }
        if let segments { settings.segments = segments }
    }
}

/// What commands need that work on other people's jobs.
struct JobOptions: ParsableArguments {
    @OptionGroup(title: "Output") var timing: TimingOptions
    @OptionGroup(title: "Inputs") var isolation: IsolationOptions
    @OptionGroup(title: "Answers (of the task ask)") var shape: ShapeOptions
    @OptionGroup var summary: SummaryOptions

    var model: ModelOptions { summary.watch.model }
    var reports: ReportOptions { summary.watch.reports }

    /// Puts in what the user said.
    func apply(to settings: inout Settings) {
        summary.apply(to: &settings)
        shape.apply(to: &settings)
        isolation.apply(to: &settings)
    }

    func settings() throws -> Settings { try Settings.from(apply) }
}

/// Documents of a command: where they go, how they look, and whether they say how long it took.
struct DocumentOptions: ParsableArguments {
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Output") var timing: TimingOptions
}

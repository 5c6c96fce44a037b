import ArgumentParser
import VideoUnderstanding

struct IndexCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "index",
        abstract: "Keep what a model sees in a video, for any number of questions later.",
        discussion: """
            Writes one file that ask and summarize take in place of the video: they answer from it \
            as they would from the video, to the byte, without decoding, encoding or reading it \
            again. What was made is told as a document (reelscribe/index@1) on standard output.

            The file appears when it is whole. Run the same command again after an interruption, \
            and it goes on where it stopped.

            EXAMPLES
              reelscribe index talk.mp4 --output talk.rsx
              reelscribe ask talk.rsx 'Who enters first?'
              reelscribe summarize talk.rsx
              reelscribe index talk.mp4 --output talk.rsx --extend     the video has grown
              reelscribe index --verify talk.rsx                       is it sound?
            """)

    @Argument(help: videoHelp, completion: .file())
    var video: String?

    @Option(
        name: [.short, .long], help: ArgumentHelp("The index to write.", valueName: "file.rsx"),
        completion: .file(extensions: ["rsx"]))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Check all of an index in place of making one.", valueName: "file.rsx"),
        completion: .file(extensions: ["rsx"]))
    var verify: String?

    @Flag(
        help:
            "Bring an index up to date with a video that has grown, or with other settings: what is the same is not made again."
    )
    var extend = false

    @Flag(help: "Replace an index of another video or with other settings.")
    var force = false

    @Option(
        help: ArgumentHelp(
            "What the model remembers of its inputs, by far the largest part: auto keeps it of the input that ask reads, the whole video or, of a long one, each window; all of both; none reads the visual tokens again at each question. (default: auto)",
            valueName: "auto|all|none"))
    var prefix: PrefixChoice = .auto

    @Flag(name: .customLong("no-prefix"), help: "The same as --prefix none.")
    var noPrefix = false

    @Flag(exclusivity: .exclusive, help: "Layout of the document.")
    var layout: LayoutFlag?

    @Option(help: ArgumentHelp("The system message. (default: You are a helpful assistant.)"))
    var system: String?

    @OptionGroup(title: "Windows") var windows: WindowOptions
    @OptionGroup(title: "Sampling") var sampling: SamplingOptions
    @OptionGroup(title: "Subtitles") var subtitles: SubtitleOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "Reports") var reports: ReportOptions

    func settings() throws -> Settings {
        try Settings.from { settings in
            sampling.apply(to: &settings)
            subtitles.apply(to: &settings)
            model.apply(to: &settings)
            windows.apply(to: &settings)
            if let system { settings.system = system }
        }
    }

    func validate() throws {
        _ = try settings()
        guard verify == nil else {
            if video != nil || output != nil || extend || force {
                throw ValidationError("--verify FILE stands alone.")
            }
            return
        }
        guard video != nil, let output else {
            throw ValidationError("Name a video, and the index to write with --output.")
        }
        if output == "-" { throw ValidationError("An index cannot go to standard output.") }
        if extend, force { throw ValidationError("--extend and --force exclude each other.") }
    }

    func run() throws {
        let progress = reports.start()
        var documents = try DocumentOutput(
            path: nil, layout: layout?.layout ?? .automatic, isSingle: true,
            isTerminal: StandardStreams.outputIsTerminal)
        if let verify {
            try documents.write(IndexDocument.verifying(try IndexedVideo(path: verify)))
            return try documents.finish()
        }
        guard let video, let output else { return }
        Signals.letWorkEndItself()
        try OutputGuard.check(output: output, against: [video])
        let work = HeavyWork(
            WorkOrder(model: model.model, settings: try settings(), progress: progress))
        do throws(Failure) {
            let document = try work.index(
                video, output: output, prefixes: noPrefix ? .none : prefix, extends: extend,
                replaces: force)
            progress.finish()
            try documents.write(document)
            try documents.finish()
        } catch {
            progress.finish()
            throw Signals.interruption.naming(error)
        }
    }
}

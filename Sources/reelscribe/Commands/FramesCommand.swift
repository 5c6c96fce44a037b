import ArgumentParser
import VideoUnderstanding

struct FramesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frames",
        abstract: "Show which frames of a video the model would see.",
        discussion: """
            Decodes and samples the video without running the model, and writes one document \
            (reelscribe/frames@1): the time stamps of the frames taken, their size after resizing, \
            the grid of patches, the time that each pair of frames stands for, and the number of \
            visual tokens.

            EXAMPLES
              reelscribe frames talk.mp4
              reelscribe frames talk.mp4 --fps 1 --contact-sheet sheet.png
              reelscribe frames talk.mp4 --sampling qwen --compact | jq .sampling.timestamps
            """)

    @Argument(help: videoHelp, completion: .file())
    var video: String

    @Option(
        help: ArgumentHelp(
            "Draw the sampled frames with their times into a PNG picture.", valueName: "file.png"),
        completion: .file(extensions: ["png"]))
    var contactSheet: String?

    @OptionGroup var result: DocumentOptions
    @OptionGroup(title: "Sampling") var sampling: SamplingOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup(title: "Reports") var reports: ReportOptions

    func settings() throws -> Settings {
        try Settings.from { settings in
            sampling.apply(to: &settings)
            model.apply(to: &settings)
        }
    }

    func validate() throws { _ = try settings() }

    func run() throws {
        try OutputGuard.check(output: contactSheet, against: [video])
        if let contactSheet, !contactSheet.lowercased().hasSuffix(".png") {
            throw Failure(
                .optionsInvalid, stage: .options,
                message: "the contact sheet is a PNG picture, not \(contactSheet)",
                hint: "give --contact-sheet a name that ends in .png")
        }
        let progress = reports.start()
        let work = HeavyWork(
            WorkOrder(model: model.model, settings: try settings(), progress: progress))
        let jobs = VideoJobs(
            videos: [video], output: result.output, writesErrorDocuments: true, progress: progress)
        try jobs.run(isSingle: true) { video, output throws(Failure) in
            var document = try work.frames(of: video, contactSheet: contactSheet)
            if result.timing.noTiming { document.timing = nil }
            progress.finish()
            try output.write(document)
        }
    }
}

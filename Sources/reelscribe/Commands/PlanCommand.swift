import ArgumentParser
import VideoUnderstanding

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Say what a run will cost before it is started.",
        discussion: """
            Decodes each video once to count its frames and find its cuts, without running the \
            model, and writes one document a video (reelscribe/plan@1): exact visual and prompt \
            tokens of every window, peak memory by purpose and whether it fits, and estimated \
            seconds.

            EXAMPLES
              reelscribe plan talk.mp4
              reelscribe plan *.mp4 --model Qwen/Qwen2-VL-7B-Instruct --detail high
            """)

    @Argument(help: videoHelp, completion: .file())
    var videos: [String]

    @OptionGroup var result: DocumentOptions
    @OptionGroup var summary: SummaryOptions

    func settings() throws -> Settings { try Settings.from(summary.apply) }

    func validate() throws {
        _ = try settings()
        try summary.watch.subtitles.check(videos: videos.count)
    }

    func run() throws {
        let progress = summary.watch.reports.start()
        let work = HeavyWork(
            WorkOrder(
                model: summary.watch.model.model, settings: try settings(), progress: progress))
        let jobs = VideoJobs(
            videos: videos, output: result.output, writesErrorDocuments: true, progress: progress)
        try jobs.run(isSingle: videos.count == 1) { video, output throws(Failure) in
            var document = try work.plan(video)
            if result.timing.noTiming {
                document.estimate = nil
                document.measuredMemory = nil
            }
            progress.finish()
            try output.write(document)
        }
    }
}

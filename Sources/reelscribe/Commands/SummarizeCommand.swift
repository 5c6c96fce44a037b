import ArgumentParser
import VideoUnderstanding

struct SummarizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summarize",
        abstract: "Write down what happens in a video, as a whole and segment by segment.",
        discussion: """
            Each VIDEO gives one document (reelscribe/summary@1) with the text of the whole and of \
            every segment, each with the times it covers. Segments begin at shot cuts; a long shot \
            is watched in windows of --window seconds. The summaries of the segments are then \
            summarised.

            EXAMPLES
              reelscribe summarize talk.mp4
              reelscribe summarize talk.mp4 --start 1:30 --end 2:00 --text
              reelscribe summarize *.mp4 --output summaries.jsonl --progress lines
              reelscribe summarize talk.rsx             an index of reelscribe index
              reelscribe summarize talk.mp4 --detail high --model Qwen/Qwen2-VL-7B-Instruct

            A video that fails gives an error document (reelscribe/error@1) in its place, and the \
            others go on; the exit code is then 3, or 4 when all failed.
            """,
        aliases: ["summarise"])

    @Argument(help: videoOrIndexHelp, completion: .file())
    var videos: [String]

    @Flag(help: "Write plain text for people in place of JSON.")
    var text = false

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
            videos: videos, output: result.output, writesErrorDocuments: !text, progress: progress)
        try jobs.run(isSingle: videos.count == 1) { video, output throws(Failure) in
            var document: SummaryDocument
            if let index = try IndexedVideo.opening(video) {
                document = try work.summarize(index, settings: try index.settings(summary.apply))
            } else {
                document = try work.summarize(video)
            }
            if result.timing.noTiming { document.provenance.timing = nil }
            progress.finish()
            if text {
                progress.tell(document.provenance.warnings)
                let title = videos.count == 1 ? "" : "\(video)\n\n"
                try output.write(text: title + document.text + (title.isEmpty ? "" : "\n"))
            } else {
                if video == videos.first { progress.tell(document.provenance.warnings.aboutModel) }
                try output.write(document)
            }
        }
    }
}

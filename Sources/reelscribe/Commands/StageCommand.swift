import ArgumentParser
import Batch
import Logging
import VideoUnderstanding

struct StageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage",
        abstract: "Answer jobs from standard input, one line each, for as long as they come.",
        discussion: """
            A part of a pipeline: the model is loaded once; every line of standard input is a job, \
            and its documents are written to standard output, one line each, as soon as it is done.

              {"id": "a7", "video": "talk.mp4", "task": "summarize"}
              {"video": "talk.mp4", "task": "ask", "questions": ["Who speaks?"], "meta": {"row": 3}}

            A job's options have the names of the command line, as in "options": {"fps": 1}. \
            Answers come in the order of the jobs; id and meta come back with them. A job that \
            fails, or a line that is no job, gives an error document (reelscribe/error@1), and the \
            stage goes on. While the model works on one job, the next ones are fetched and decoded.

            The stage ends with 0 at the end of its input. On SIGTERM it hands back the jobs that \
            it has read but not done, as error documents with the code interrupted, and ends with \
            143. It ends with 74 when nobody reads its output any more.
            """)

    @Option(
        help: ArgumentHelp(
            "Jobs that are read and not answered yet, at most: one is with the model, the others are fetched and decoded.",
            valueName: "n"))
    var inFlight = 3

    @Flag(help: "Answer jobs as they are ready, not in their order.")
    var unordered = false

    @OptionGroup var job: JobOptions

    func validate() throws {
        _ = try job.settings()
        if !(1...64).contains(inFlight) {
            throw ValidationError("--in-flight must lie between 1 and 64.")
        }
    }

    func run() throws {
        Signals.letWorkEndItself()
        let progress = job.reports.start()
        let log = Logger(label: "reelscribe.stage")
        let settings = try job.settings()
        let fetcher = try job.isolation.fetcher()
        Signals.interruption.onRequest { fetcher.cancel() }
        defer { fetcher.close() }
        let work = HeavyWork(
            WorkOrder(model: job.model.model, settings: settings, progress: progress))
        let executor = JobExecutor(
            try work.analyzer(), includesTiming: !job.timing.noTiming
        ) { job throws(Failure) in try fetcher.open(job) }
        progress.finish()
        let stage = try Stage(
            executor,
            options: Stage.Options(
                inFlight: inFlight, isOrdered: !unordered, base: settings))
        let summary = try stage.run(interruption: Signals.interruption) { _ in
            try Signals.interruption.check(stage: .decode)
        } onAnswer: { line, outcome in
            if let failure = outcome.failure {
                log.warning(
                    "failed: \(failure.description)",
                    metadata: ["id": "\(line.id)", "code": "\(failure.code.rawValue)"])
            } else {
                log.info(
                    "answered",
                    metadata: [
                        "id": "\(line.id)", "seconds": "\(outcome.timing.total)",
                        "documents": "\(outcome.documents.count)",
                    ])
            }
        }
        log.notice(
            "the input has ended",
            metadata: ["jobs": "\(summary.jobs)", "failed": "\(summary.failed)"])
    }
}

import ArgumentParser
import Batch
import Logging
import VideoUnderstanding

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Work through a manifest or a job file, and go on where it stopped.",
        discussion: """
            Every job gives its documents, or an error document, in the results, which are JSON \
            Lines in the order of the jobs. A result is whole or absent, whatever happens: run the \
            same command again after an interruption, a crash or a full disk, and it goes on. Jobs \
            whose input, task, settings and model are still the same are not done again. Beside \
            the results lies their journal, RESULTS.jsonl.journal; keep the two together.

            A manifest holds a job a line:
              {"id"?, "video", "task": "summarize"|"ask", "questions"?, "options"?, "meta"?}
            A job file (YAML; see reelscribe schema job, and Pipelines/) says which videos, what of \
            each, and where to. What the command line says goes over a job file; a manifest's line \
            means its own job, and its options go over both. Relative paths in either start at the \
            current folder. Ready job files are called by name: chapters-for-a-course, question-list, \
            summarise-folder, tag-with-labels, watch-rules.

            EXAMPLES
              reelscribe run --input jobs.jsonl --output results.jsonl
              reelscribe run summarise-folder --set folder=/videos --set output=results.jsonl
              reelscribe run --input jobs.jsonl --output results.jsonl --dry-run
              reelscribe run --input jobs.jsonl --output part-3.jsonl --shard 3/8
              reelscribe run --input jobs.jsonl --output results.jsonl --retry-failed

            The last line of standard error is a summary of the run (reelscribe/run@1); on a \
            terminal it is a line for people. Exit codes 3 and 4: some, all of the jobs have failed.
            """)

    @Argument(
        help: ArgumentHelp("A job file, or the name of a ready one.", valueName: "job.yaml"),
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var jobFile: String?

    @Option(
        help: ArgumentHelp(
            "A manifest: a job a line, as JSON; - is standard input.", valueName: "manifest"),
        completion: .file())
    var input: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp(
            "The results, a file of JSON lines that is gone on with. (default: the job file's)",
            valueName: "file"),
        completion: .file())
    var output: String?

    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Give a variable of the job file a value.", valueName: "name=value"),
        transform: { text in
            do {
                return try VariableValue(parsing: text)
            } catch {
                throw ValidationError("\(error)")
            }
        })
    var variables: [VariableValue] = []

    @Option(
        help: ArgumentHelp(
            "Only the jobs whose hash of id falls in part I of N, for several machines.",
            valueName: "i/n"),
        transform: { text in
            do {
                return try Shard(parsing: text)
            } catch {
                throw ValidationError("\(error)")
            }
        })
    var shard: Shard?

    @Option(help: ArgumentHelp("Work on at most so many jobs, then stop.", valueName: "n"))
    var limit: Int?

    @Flag(
        help: "Do jobs again that have failed, where their error says that it may help (retryable)."
    )
    var retryFailed = false

    @Flag(help: "Do all jobs again that have failed, as after a limit was raised.")
    var retryAll = false

    @Flag(help: "Say what there is to do and which lines are no jobs; run and write nothing.")
    var dryRun = false

    @Flag(help: "Lose what is in the output, and begin again.")
    var force = false

    @Flag(help: "Leave results in the order in which they were finished.")
    var unordered = false

    @Option(
        help: ArgumentHelp(
            "Have so many jobs open at once, 1 to 8. The model computes for one at a time, but each of its readings of the weights writes a token of the text of every open job: more jobs an hour where texts are long beside their videos. Each open job has memory of its own, below --max-memory together. Results are the same. (default: 1)",
            valueName: "n"))
    var together: Int?

    @Option(
        help: ArgumentHelp(
            "Keep a file of metrics for Prometheus' node exporter up to date.", valueName: "file"),
        completion: .file())
    var metrics: String?

    @Option(
        help: ArgumentHelp(
            "Write the summary of the run there, not to standard error.", valueName: "file"),
        completion: .file())
    var summary: String?

    @OptionGroup var job: JobOptions

    func validate() throws {
        _ = try job.settings()
        if let jobFile, input != nil {
            throw ValidationError(
                "A manifest with --input and the job file '\(jobFile)' exclude one another.")
        }
        guard jobFile != nil || input != nil else {
            throw ValidationError("Give a job file, or a manifest with --input.")
        }
        if input != nil, output == nil {
            throw ValidationError("Say where the results go with --output FILE.")
        }
        if input != nil, !variables.isEmpty {
            throw ValidationError("--set is for job files.")
        }
        if output == "-" {
            throw ValidationError(
                "Results are kept safe in a file; reelscribe stage writes to standard output.")
        }
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
        if let together, !(1...8).contains(together) {
            throw ValidationError("--together must be from 1 to 8.")
        }
        if force, retryFailed || retryAll {
            throw ValidationError("--force does every job again, failed or not.")
        }
    }

    func run() throws {
        let progress = job.reports.start(level: .notice)
        let fetcher = try job.isolation.fetcher()
        defer { fetcher.close() }
        let order = try batchOrder(fetcher)
        let work = BatchWork(order, progress: progress)
        let status = work.run()
        if status != .success { throw ExitCode(status.rawValue) }
    }

    private func batchOrder(_ fetcher: InputFetcher) throws -> BatchOrder {
        let given = try job.settings()
        var order: BatchOrder
        if let jobFile {
            let file: JobFile
            let options = job
            do throws(BatchError) {
                file = try JobFile.reading(
                    jobFile, ready: ReadyJobFiles(), base: given, variables: variables
                ) { options.apply(to: &$0) }
            } catch {
                throw error.failure
            }
            let log = Logger(label: "run")
            for notice in file.notices { log.notice("\(notice)") }
            guard let output = output ?? file.output else {
                throw ValidationError("Say where the results go: output: file: in the job file.")
            }
            order = BatchOrder(
                manifest: file.manifest, options: BatchOptions(output: output), base: file.base,
                model: job.model.model ?? file.model, fetcher: fetcher)
            order.options.isUnordered = unordered || file.isUnordered ?? false
            order.options.includesTiming = !job.timing.noTiming && file.includesTiming ?? true
            order.options.limit = limit ?? file.limit
            order.base.threads = job.model.threads ?? file.threads
            order.base.maxMemory = job.model.maxMemory ?? file.maxMemory
        } else {
            let manifest: Manifest
            do throws(BatchError) {
                manifest = try Manifest.reading(input ?? "-")
            } catch {
                throw error.failure
            }
            order = BatchOrder(
                manifest: manifest, options: BatchOptions(output: output ?? ""), base: given,
                model: job.model.model, fetcher: fetcher)
            order.options.isUnordered = unordered
            order.options.includesTiming = !job.timing.noTiming
            order.options.limit = limit
        }
        order.options.shard = shard
        order.options.retry = retryAll ? .everything : retryFailed ? .worthwhile : .nothing
        order.isDry = dryRun
        order.together = together ?? 1
        order.options.startsOver = force
        order.metrics = metrics
        order.summary = summary
        order.canBeginAgain = order.manifest.canBeReadAgain
        let inputs = [order.manifest.source]
        for path in [order.options.output, metrics, summary] {
            try OutputGuard.check(output: path, against: inputs)
        }
        let results = order.options.output
        try OutputGuard.check(
            distinct: [results, BatchOptions.journalPath(of: results), metrics, summary]
                .compactMap(\.self))
        return order
    }
}

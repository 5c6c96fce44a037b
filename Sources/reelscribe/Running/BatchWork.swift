import Batch
import Logging
import OrderedJSON
import VideoUnderstanding

/// One call of the run command.
struct BatchOrder {
    var manifest: Manifest
    var options: BatchOptions
    var base: Settings
    /// The value of `--model`.
    var model: String?
    /// Finds the inputs of jobs.
    var fetcher: InputFetcher
    /// Files to write beside the results.
    var metrics: String?
    var summary: String?
    /// Jobs that are open at once.
    var together = 1
    /// Only say what there is to do.
    var isDry = false
    /// The manifest can be read a second time by a process that goes on after a crash.
    var canBeginAgain = true

    init(
        manifest: Manifest, options: BatchOptions, base: Settings, model: String?,
        fetcher: InputFetcher
    ) {
        self.fetcher = fetcher
        self.manifest = manifest
        self.options = options
        self.base = base
        self.model = model
    }
}

/// Runs a batch and tells how it goes: progress, log, metrics, and the summary at the end.
final class BatchWork {
    private let order: BatchOrder
    private let progress: ProgressMeter
    private let log = Logger(label: "run")
    private var metrics: RunMetrics?
    private var hasWarnedOfMetrics = false
    private var tally = RunTally()
    private var openJobs = 0
    private var model: ModelRecord?
    /// Jobs that a run would do, where this one only looks.
    private var planned: Int?
    /// Nil where standard error gets it.
    private var summary: String?

    init(_ order: BatchOrder, progress: ProgressMeter) {
        self.order = order
        self.progress = progress
        // Metrics tell of runs.
        metrics = order.isDry ? nil : order.metrics.map(RunMetrics.init)
        summary = order.summary
    }

    /// - Returns: how it went, after the summary was written.
    func run() -> RunStatus {
        Signals.letWorkEndItself()
        do throws(Failure) {
            try working()
        } catch {
            let failure = Signals.interruption.naming(error)
            progress.finish()
            progress.message(failure.line)
            conclude(failure.status, failure)
            return failure.status
        }
        progress.finish()
        if planned == nil, tally.left > 0 {
            log.notice("jobs left for another run: \(tally.left)")
        }
        let status = planned == nil ? tally.status : .success
        conclude(status, nil)
        return status
    }

    private func working() throws(Failure) {
        do throws(Failure) {
            try metrics?.check()
        } catch {
            metrics = nil
            throw error
        }
        try checkSummary()
        progress.begin("loading the model", unit: "")
        let located = try ModelLocator(.process).locate(order.model)
        let settings = order.base
        let analyzer = try Analyzer(
            folder: located.path, projector: settings.projector, name: located.name,
            weights: settings.weightFormats,
            threads: settings.effectiveThreads, activations: settings.activations,
            maxMemory: settings.effectiveMaxMemory)
        model = analyzer.record(mrope: settings.mrope)
        progress.finish()
        var options = order.options
        options.isContinuing = Crashes.hasGoneOn
        if order.isDry { return try survey(analyzer, options) }
        var batch = try BatchRun(
            order.manifest, options: options, base: settings, analyzer: analyzer,
            interruption: Signals.interruption)
        Crashes.note(
            BatchRun.crashNote, to: batch.journalDescriptor, goingOn: order.canBeginAgain)
        defer { Crashes.forget() }
        let fetcher = order.fetcher
        Signals.interruption.onRequest { fetcher.cancel() }
        let executor = JobExecutor(
            analyzer, includesTiming: options.includesTiming,
            interruption: Signals.interruption
        ) { job throws(Failure) in
            try fetcher.open(job)
        }
        if order.together > 1 {
            try work(batch: &batch, executor)
            tally = batch.tally
            return
        }
        let ahead = LookAhead(executor)
        defer { ahead.abandon() }
        try batch.run { job, next throws(Failure) in
            try ahead.run(job, next: next) { _ in
                try Signals.interruption.check(stage: .decode)
                self.progress.advance(
                    to: self.tally.done + self.tally.failed, failed: self.tally.failed)
            }
        } onEvent: { event throws(Failure) in
            try self.tell(event)
        }
        tally = batch.tally
    }

    /// Several jobs at once.
    private func work(batch: inout BatchRun, _ executor: JobExecutor) throws(Failure) {
        let desk = try DecodingDesk(
            executor.analyzer, jobs: order.together, maxMemory: order.base.effectiveMaxMemory)
        let workers = try JobWorkers(
            order.together, setUp: { Crashes.giveHandlersAStack() },
            work: { job throws(Failure) in
                try executor.run(job, at: desk) { _ in
                    try Signals.interruption.check(stage: .decode)
                }
            })
        Signals.interruption.onRequest { workers.cancel() }
        try batch.runTogether(workers) { event throws(Failure) in try self.tell(event) }
    }

    private func survey(_ analyzer: Analyzer, _ options: BatchOptions) throws(Failure) {
        let survey = try BatchSurvey(
            order.manifest, options: options, base: order.base, analyzer: analyzer,
            interruption: Signals.interruption)
        tally = survey.tally
        planned = survey.work
        announce(survey.tally)
        for invalid in survey.invalid {
            log.warning(
                "no job: \(invalid.failure.description)",
                metadata: ["id": "\(invalid.id)", "code": "\(invalid.failure.code.rawValue)"])
        }
    }

    // MARK: - Telling

    private func tell(_ event: BatchRun.Event) throws(Failure) {
        switch event {
        case .planned(let tally, let work):
            self.tally = tally
            announce(tally)
            progress.begin("jobs", total: work, unit: "jobs", pace: .perHour)
        case .started(let id, let video):
            // Before the journal says so, lest there be a moment at which a crash counts for nothing.
            openJobs += 1
            Crashes.isInJob = true
            log.debug("started", metadata: ["id": "\(id)", "video": "\(video)"])
        case .finished(let tally, let id, let failure):
            openJobs -= 1
            Crashes.isInJob = openJobs > 0
            self.tally = tally
            progress.advance(to: tally.done + tally.failed, failed: tally.failed)
            if let failure {
                log.warning(
                    "failed: \(failure.description)",
                    metadata: ["id": "\(id)", "code": "\(failure.code.rawValue)"])
            } else {
                log.info("done", metadata: ["id": "\(id)"])
            }
        }
        writeMetrics()
        try Signals.interruption.check(stage: .tool)
    }

    private func announce(_ tally: RunTally) {
        func notice(_ text: String) { log.notice("\(text)") }
        if tally.repairedBytes > 0 {
            notice("\(tally.repairedBytes) bytes of a half-written result were cut off")
        }
        if tally.total == 0 { notice("there are no jobs in \(order.manifest.source)") }
        if tally.before > 0 {
            let failed =
                tally.failedBefore > 0
                ? ", \(tally.failedBefore) of them failed: \(tally.retryAdvice)" : ""
            notice("\(tally.before) of \(tally.total) jobs are done already\(failed)")
        }
        if tally.outdated > 0 {
            let changes = tally.changesText
            notice(
                "results that no longer fit their jobs: \(tally.outdated); they are made again; "
                    + (changes.isEmpty
                        ? "input, options or model have changed" : "changed: \(changes)"))
        }
        if let repeated = order.manifest.repeatedIDs.first {
            notice(
                "ids that several jobs have: \(order.manifest.repeatedIDs.count), such as "
                    + "\(repeated); each but the first of them gets an error document with that id")
        }
        if tally.superseded > 0 {
            notice("errors of lines that have been mended or removed: \(tally.superseded); they go")
        }
        if tally.isOtherBatch {
            log.warning(
                "none of the \(tally.orphans) results in \(order.options.output) is that of a job in \(order.manifest.source): was another --output meant? They are kept"
            )
        } else if tally.orphans > 0 {
            notice("results of jobs that are not in \(order.manifest.source): \(tally.orphans)")
        }
    }

    /// Whoever reads the metrics sees that they grow old; no result is worth less for it.
    private func writeMetrics(isLast: Bool = false) {
        do throws(Failure) {
            try metrics?.write(tally, isLast: isLast)
        } catch {
            guard !hasWarnedOfMetrics else { return }
            hasWarnedOfMetrics = true
            log.warning("the metrics are not up to date: \(error.description)")
        }
    }

    /// Writes the summary and the last metrics. Without a file for it the summary is the last line
    /// of standard error; on a terminal, that is a line for people.
    private func conclude(_ status: RunStatus, _ failure: Failure?) {
        defer { writeMetrics(isLast: true) }
        let document = RunDocument(
            source: order.manifest.source, output: order.options.output,
            shard: order.options.shard, status: status, failure: failure, tally: tally,
            planned: planned, model: model)
        let isTerminal = StandardStreams.errorsAreOnTerminal
        if isTerminal || planned != nil { progress.message("reelscribe: \(document.text)") }
        let line = document.json.compact
        guard let summary else {
            if !isTerminal { progress.message(line) }
            return
        }
        do throws(Failure) {
            var file = try FileOutput(path: summary, atomically: true, option: "--summary")
            try file.write(line + "\n")
            try file.finish()
        } catch {
            // How the jobs went must not be hidden by what is only told about them.
            log.warning("the summary follows here: \(error.description)")
            progress.message(line)
        }
    }

    /// Finds out before the work whether the summary can be written.
    private func checkSummary() throws(Failure) {
        guard let path = order.summary else { return }
        do throws(Failure) {
            _ = try FileOutput(path: path, atomically: true, option: "--summary")
        } catch {
            summary = nil
            throw error
        }
    }
}

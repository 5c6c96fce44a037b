import OrderedJSON
import VideoUnderstanding

/// Works through the jobs of a batch, one result or error document a job.
public struct BatchRun: ~Copyable {
    /// What happens, for whoever watches.
    public enum Event: Sendable {
        /// It is known what there is to do.
        case planned(RunTally, work: Int)
        /// A job begins: its id, and how many were finished before.
        case started(id: String, video: String)
        /// A job has its result, or its error document.
        case finished(RunTally, id: String, failure: Failure?)
    }

    /// Gives the documents of a job. The job behind it is there to be begun early, where opening and
    /// decoding can go on beside the model.
    public typealias Work = (_ job: Job, _ next: Job?) throws(Failure) -> JobOutcome

    /// Ends of the process by its own fault in the middle of one job, after which the job is given
    /// up: it was tried again once.
    static let mostCrashes = 2
    /// Ends without a word, such as kill -9, which are hardly ever the job's fault; so many only where it
    /// runs out of memory each time.
    static let mostDeaths = 50

    private typealias Item = BatchPlan.Item

    private let reader: JobReader
    private let options: BatchOptions
    private var store: ResultStore
    public private(set) var tally = RunTally()
    private let begin = ContinuousClock.now

    /// Opens the results, and mends what the end of an earlier run has left.
    ///
    /// - Parameters:
    ///   - base: the settings that jobs' own options go over.
    ///   - interruption: ends the reading of long inputs too.
    public init(
        _ manifest: Manifest, options: BatchOptions, base: Settings, analyzer: Analyzer,
        interruption: Interruption? = nil
    ) throws(Failure) {
        self.options = options
        reader = JobReader(
            manifest: manifest, options: options, base: base, analyzer: analyzer,
            interruption: interruption)
        do throws(BatchError) {
            store = try ResultStore(
                path: options.output, startingOver: options.startsOver && !options.isContinuing,
                continuing: options.isContinuing)
        } catch {
            throw error.failure
        }
        tally.repairedBytes = store.repairedBytes
    }

    /// Where a signal handler notes that the process dies of its own fault.
    public var journalDescriptor: Int32 { store.journalDescriptor }

    /// Notes on how a process that crashes says so: bytes for ``journalDescriptor``.
    public static var crashNote: String { JournalNote.crashLine }

    /// Does what is to be done.
    ///
    /// - Parameters:
    ///   - work: may throw `interrupted`, which ends the run; anything else is the job's.
    ///   - onEvent: whoever throws ends the run.
    /// - Throws: `interrupted`, or why results cannot be written; all that was finished is safe.
    public mutating func run(
        _ work: Work, onEvent: (Event) throws(Failure) -> Void = { _ in }
    ) throws(Failure) {
        let todo = try planned()
        try onEvent(.planned(tally, work: todo.count))
        for (place, item) in todo.enumerated() {
            try onEvent(.started(id: item.entry.id, video: item.job?.video ?? ""))
            let next = place + 1 < todo.count ? todo[place + 1] : nil
            let failure = try finish(item, next: next.flatMap { companion($0, of: item) }, work)
            try tell(item, failure, onEvent)
        }
        try settle()
    }

    /// The job to be prepared beside another; nil where one of them has seen the process end, so that
    /// the next end is held against the right one.
    private func companion(_ next: Item, of item: Item) -> Job? {
        isSuspect(next) || isSuspect(item) ? nil : next.job
    }

    /// Does what is to be done, several jobs at once.
    ///
    /// Results are added as jobs end, and stand in the order of the manifest afterwards. A job that has
    /// seen the process end is done by itself, so that the next end is held against the right one.
    ///
    /// - Parameters:
    ///   - workers: do the jobs; as many are open at once as there are workers.
    ///   - onEvent: as for `run`; called by the thread that calls this.
    /// - Throws: as `run`. What other jobs have in hand is ended first.
    public mutating func runTogether(
        _ workers: JobWorkers, onEvent: (Event) throws(Failure) -> Void = { _ in }
    ) throws(Failure) {
        let plan = try planned()
        try onEvent(.planned(tally, work: plan.count))
        var left = plan[...]
        var open: [Int: Item] = [:]
        var isAlone = false
        var failure: Failure?
        while true {
            do throws(Failure) {
                while failure == nil, let item = left.first, open.count < workers.count,
                    open.isEmpty || !(isAlone || isSuspect(item))
                {
                    isAlone = isSuspect(item)
                    left.removeFirst()
                    try onEvent(.started(id: item.entry.id, video: item.job?.video ?? ""))
                    if let job = try begin(item, beside: open.count) {
                        open[workers.begin(job)] = item
                    } else {
                        let failure = try answer(item, beside: open.count)
                        try tell(item, failure, onEvent)
                    }
                }
            } catch {
                failure = failure ?? error
                workers.cancel()
            }
            guard !open.isEmpty else { break }
            let (number, result) = workers.next()
            guard let item = open.removeValue(forKey: number) else {
                preconditionFailure("a job ended that was not begun")
            }
            do throws(Failure) {
                try tell(item, try conclude(item, result), onEvent)
            } catch {
                failure = failure ?? error
                workers.cancel()
            }
        }
        if let failure { throw failure }
        try settle()
    }

    // MARK: - Parts of a run

    private mutating func planned() throws(Failure) -> [Item] {
        let plan = try BatchPlan(reader, stored: store.stored, tally: tally)
        tally = plan.tally
        let named = Set(reader.manifest.entries.map(\.name))
        store.forgetInvalid { !named.contains($0) }
        return plan.todo
    }

    private mutating func settle() throws(Failure) {
        let order = options.isUnordered ? nil : reader.manifest.entries.map(\.name)
        try writing { store throws(BatchError) in try store.settle(order: order) }
        tally.elapsed = (ContinuousClock.now - begin).seconds
    }

    private mutating func tell(
        _ item: Item, _ failure: Failure?, _ onEvent: (Event) throws(Failure) -> Void
    ) throws(Failure) {
        tally.elapsed = (ContinuousClock.now - begin).seconds
        try onEvent(.finished(tally, id: item.entry.id, failure: failure))
    }

    private func isSuspect(_ item: Item) -> Bool { store.deaths[item.entry.name] != nil }

    // MARK: - One job

    /// - Returns: why the job failed; nil where it did not.
    private mutating func finish(
        _ item: Item, next: Job?, _ work: Work
    ) throws(Failure) -> Failure? {
        guard let job = try begin(item, beside: 0) else { return try answer(item, beside: 0) }
        return try conclude(
            item, Result { () throws(Failure) in try work(job, next) })
    }

    /// Notes that an item is worked on.
    ///
    /// - Returns: nil where there is nothing to be worked on: no job, or one that is given up.
    private mutating func begin(_ item: Item, beside: Int) throws(Failure) -> Job? {
        guard let job = item.job, fatality(of: item.entry.name) == nil else { return nil }
        try writing { store throws(BatchError) in
            try store.start(item.entry.name, beside: beside)
        }
        return job
    }

    /// Writes the error document of an item that is not worked on.
    private mutating func answer(_ item: Item, beside: Int) throws(Failure) -> Failure? {
        let name = item.entry.name
        try writing { store throws(BatchError) in try store.answer(name, beside: beside) }
        let outcome: JobOutcome
        if let job = item.job, let fatal = fatality(of: name) {
            outcome = JobOutcome(documents: [job.document(of: fatal).json], failure: fatal)
        } else if case .invalid(let invalid) = reader.line(of: item.entry) {
            outcome = JobOutcome(documents: [invalid.document.json], failure: invalid.failure)
        } else {
            preconditionFailure("\(item.entry.place) was no job and is one now")
        }
        return try append(outcome, of: item, isWorked: false)
    }

    /// Keeps what came of a job, or gives it back where it was interrupted.
    private mutating func conclude(
        _ item: Item, _ result: Result<JobOutcome, Failure>
    ) throws(Failure) -> Failure? {
        let name = item.entry.name
        var outcome: JobOutcome
        do throws(Failure) {
            outcome = try result.get()
        } catch {
            try? writing { store throws(BatchError) in try store.release(name) }
            throw error
        }
        // An input beyond a limit may be beyond any reading too.
        let isBeyond = outcome.failure?.code.rawValue.hasPrefix("limit.") ?? false
        if outcome.sha256 == nil, !isBeyond, let job = item.job {
            outcome.sha256 = reader.digest(job)
        }
        if let failure = outcome.failure, isKept(item, in: failure) {
            try writing { store throws(BatchError) in try store.release(name) }
            tally.add(outcome)
            return failure
        }
        return try append(outcome, of: item, isWorked: true)
    }

    private mutating func append(
        _ outcome: JobOutcome, of item: Item, isWorked: Bool
    ) throws(Failure) -> Failure? {
        let name = item.entry.name
        let finished = FinishedJob(
            name: name, failed: outcome.failure != nil,
            isRetryable: outcome.failure?.retryable ?? false, request: item.request,
            stamp: item.stamp, sha256: outcome.sha256, isInvalid: item.job == nil, lines: [])
        let lines = outcome.documents.map(\.compact)
        do throws(Failure) {
            try writing { store throws(BatchError) in try store.append(lines, of: finished) }
        } catch {
            // A disk without room is not the job's fault; a job that was given up stays so.
            if isWorked { try? writing { store throws(BatchError) in try store.release(name) } }
            throw error
        }
        tally.add(outcome)
        return outcome.failure
    }

    /// Whether a result of the same job stays: an input that cannot be had for now, as after a folder
    /// was unmounted, says nothing against what was seen of it.
    private func isKept(_ item: Item, in failure: Failure) -> Bool {
        guard failure.code == .inputNotFound || failure.retryable,
            let earlier = store.finished(item.entry.name)
        else { return false }
        return !earlier.failed && earlier.request == item.request
    }

    /// A job that has ended the process again and again is not tried once more.
    private func fatality(of name: String) -> Failure? {
        guard let deaths = store.deaths[name] else { return nil }
        let all = deaths.crashes + deaths.silent
        guard deaths.crashes >= Self.mostCrashes || all >= Self.mostDeaths else { return nil }
        return Failure(
            .internalError, stage: .tool,
            message: deaths.crashes >= Self.mostCrashes
                ? "the process crashed \(deaths.crashes) times while it worked on this job"
                : "the process was ended \(all) times while it worked on this job",
            hint: "--retry-failed tries it again; where it crashes again, please report it",
            retryable: true)
    }

    private mutating func writing(
        _ body: (inout ResultStore) throws(BatchError) -> Void
    ) throws(Failure) {
        do throws(BatchError) {
            try body(&store)
        } catch {
            throw error.failure
        }
    }
}

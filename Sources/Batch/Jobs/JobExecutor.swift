import OrderedJSON
import VideoUnderstanding

/// What became of one job.
public struct JobOutcome: Sendable {
    /// All documents of the job, in the order of its questions; one error document where it failed.
    public var documents: [JSON]
    /// Why the job failed; nil where it did not.
    public var failure: Failure?
    /// SHA-256 of the input where a document of it states one.
    public var sha256: String?
    /// Frames that the model saw.
    public var frames = 0
    public var usage = UsageRecord()
    public var timing = TimingRecord()
    fileprivate var documentsNoted = 0

    public init(documents: [JSON], failure: Failure? = nil) {
        self.documents = documents
        self.failure = failure
    }
}

/// Turns jobs into documents with a model that is loaded once.
public struct JobExecutor: Sendable {
    /// Finds and opens what a job names. Whoever decodes elsewhere, or fetches inputs first, brings
    /// another.
    public typealias Opening = @Sendable (Job) throws(Failure) -> JobInput

    public private(set) var analyzer: Analyzer
    private let includesTiming: Bool
    private let open: Opening
    private let waiting: InterruptibleWait?

    /// - Parameters:
    ///   - includesTiming: false leaves out what differs between equal runs.
    ///   - interruption: ends the waiting in `prepare`, whatever an input makes it wait for.
    public init(
        _ analyzer: Analyzer, includesTiming: Bool = true, interruption: Interruption? = nil,
        opening: @escaping Opening = { job throws(Failure) in
            JobInput(try VideoInput.resolving(job.video, settings: job.settings))
        }
    ) {
        self.analyzer = analyzer
        self.includesTiming = includesTiming
        open = opening
        waiting = interruption.map(InterruptibleWait.init)
    }

    /// Finds a job's input, and has it decoded ahead where that is done elsewhere; from any thread,
    /// while the model is busy with another job.
    public func prepare(_ job: Job) throws(Failure) -> PreparedJob {
        guard let waiting else { return try preparation(of: job) }
        return try waiting.result { () throws(Failure) in try preparation(of: job) }
    }

    private func preparation(of job: Job) throws(Failure) -> PreparedJob {
        let input = try open(job)
        let use: VideoUse =
            switch job.task {
            case .summarize: .summary
            case .ask(let questions): .answers(questions)
            }
        let video = try analyzer.prepare(input.video, for: use, settings: job.settings)
        return PreparedJob(input: input, video: video)
    }

    /// The documents of a job. What is wrong with it becomes its error document.
    ///
    /// - Parameters:
    ///   - prepared: from `prepare` with the same job.
    ///   - onEvent: what happens along the path; whoever throws `interrupted` ends the work.
    /// - Throws: `interrupted` only, as that is no fault of the job: it has no result yet.
    public func run(
        _ job: Job, prepared: PreparedJob? = nil,
        onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> JobOutcome {
        do {
            let prepared =
                if let prepared { prepared } else { PreparedJob(input: try open(job), video: nil) }
            return switch job.task {
            case .summarize: try summary(of: prepared, job, onEvent)
            case .ask(let questions): try answers(questions, about: prepared, job, onEvent)
            }
        } catch {
            return try outcome(of: job, failed: error)
        }
    }

    /// A job that is open beside others: finds its input and turns it into documents. A thread of its
    /// own calls this.
    ///
    /// - Parameter desk: of all jobs that are open at once.
    /// - Throws: `interrupted` only; see `run`.
    public func run(
        _ job: Job, at desk: DecodingDesk, onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> JobOutcome {
        let seat = desk.seat()
        defer { seat.leave() }
        var executor = self
        executor.analyzer = analyzer.at(seat)
        let prepared: PreparedJob
        do throws(Failure) {
            prepared = try prepare(job)
        } catch {
            return try outcome(of: job, failed: error)
        }
        return try executor.run(job, prepared: prepared, onEvent: onEvent)
    }

    /// The error document of a job, unless it was interrupted.
    func outcome(of job: Job, failed failure: Failure) throws(Failure) -> JobOutcome {
        if failure.code == .interrupted { throw failure }
        return JobOutcome(documents: [job.document(of: failure).json], failure: failure)
    }

    private func summary(
        of prepared: PreparedJob, _ job: Job, _ onEvent: (AnalysisEvent) throws -> Void
    ) throws(Failure) -> JobOutcome {
        var document = try analyzer.summarize(
            prepared.input.video, settings: job.settings, prepared: prepared.video,
            onEvent: onEvent)
        document.job = job.reference()
        var outcome = JobOutcome(documents: [])
        outcome.note(document.video, document.provenance)
        if !includesTiming { document.provenance.timing = nil }
        outcome.documents = [document.json]
        return outcome
    }

    private func answers(
        _ questions: [String], about prepared: PreparedJob, _ job: Job,
        _ onEvent: (AnalysisEvent) throws -> Void
    ) throws(Failure) -> JobOutcome {
        var answers: [AnswerDocument] = []
        try analyzer.ask(
            prepared.input.video, questions: questions, settings: job.settings,
            prepared: prepared.video, onEvent: onEvent
        ) { answers.append($1) }
        var outcome = JobOutcome(documents: [])
        for (index, answer) in answers.enumerated() {
            var document = answer
            document.job = job.reference(question: index)
            outcome.note(document.video, document.provenance)
            if !includesTiming { document.provenance.timing = nil }
            outcome.documents.append(document.json)
        }
        return outcome
    }
}

extension JobOutcome {
    /// Counts what one document tells. Questions share one reading of the video, so of all but the
    /// first only the writing of the answer adds up.
    fileprivate mutating func note(_ video: VideoRecord, _ provenance: Provenance) {
        sha256 = video.sha256
        frames = provenance.sampling.frames
        usage.visualTokens = provenance.usage.visualTokens
        usage.promptTokens += provenance.usage.promptTokens
        usage.generatedTokens += provenance.usage.generatedTokens
        guard let part = provenance.timing else { return }
        if documentsNoted == 0 { timing = part } else { timing.generate += part.generate }
        documentsNoted += 1
    }
}

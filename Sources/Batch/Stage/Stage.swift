import Compute
import Glibc
import OrderedJSON
import VideoUnderstanding

/// A long-lived part of someone else's pipeline: a job a line in, its documents out as soon as it
/// is done, the model loaded once.
///
/// One thread reads lines, as long as there is room; each job's input is fetched and opened by a
/// thread of its own; the caller's thread runs the model, one job at a time. So the decoding of the
/// next jobs goes on beside the model's work on this one.
///
/// Source: contract section 4.
public final class Stage: Sendable {
    public struct Options: Sendable {
        /// Jobs that are read and not answered yet, at most.
        public var inFlight: Int
        /// Answers come in the order of the jobs.
        public var isOrdered: Bool
        /// What the options of a job go over.
        public var base: Settings

        public init(inFlight: Int = 3, isOrdered: Bool = true, base: Settings) {
            self.inFlight = inFlight
            self.isOrdered = isOrdered
            self.base = base
        }
    }

    /// What a stage did.
    public struct Summary: Sendable, Equatable {
        public var jobs = 0
        public var failed = 0
        /// Jobs that were read and given back, as the stage was asked to end.
        public var handedBack = 0
    }

    private let executor: JobExecutor
    private let options: Options
    private let input: Int32
    private let output: DocumentPipe
    private let queue: StageQueue
    private let wake: WakePipe

    /// - Parameters:
    ///   - input: a descriptor to read jobs from.
    ///   - output: a descriptor to write documents to; SIGPIPE must be ignored.
    public init(
        _ executor: JobExecutor, options: Options, input: Int32 = STDIN_FILENO,
        output: Int32 = STDOUT_FILENO
    ) throws(Failure) {
        self.executor = executor
        self.options = options
        self.input = input
        queue = StageQueue(capacity: max(1, options.inFlight), isOrdered: options.isOrdered)
        wake = try WakePipe()
        self.output = DocumentPipe(output, stop: wake)
    }

    /// Asks the stage to end; from any thread. `run` hands back what is in flight and throws.
    public func stop() {
        queue.stop()
        wake.wake()
    }

    /// Answers jobs to the end of the input.
    ///
    /// - Parameters:
    ///   - onEvent: what happens to the job at work.
    ///   - onAnswer: the line and outcome of each job that was answered.
    /// - Throws: `interrupted` after `stop`, and `output.unwritable`; nothing else, as whatever is
    ///   wrong with a job becomes its error document.
    public func run(
        interruption: Interruption, onEvent: (AnalysisEvent) throws -> Void = { _ in },
        onAnswer: (JobLine, JobOutcome) -> Void = { _, _ in }
    ) throws(Failure) -> Summary {
        var summary = Summary()
        interruption.onRequest { [weak self] in self?.stop() }
        startReading()
        do throws(Failure) {
            while let (number, preparation) = queue.next() {
                let (line, outcome) = try answer(preparation, onEvent)
                try output.write(outcome.documents)
                queue.finish(number)
                summary.jobs += 1
                if outcome.failure != nil { summary.failed += 1 }
                onAnswer(line, outcome)
            }
            try interruption.check(stage: .tool)
            return summary
        } catch {
            let failure = interruption.naming(error)
            wake.wake()
            let left = queue.giveUp()
            if failure.code == .interrupted {
                summary.handedBack = left.count
                do throws(Failure) {
                    try output.write(left.map { Self.handedBack($0).json })
                } catch {
                    throw interruption.naming(error)
                }
            }
            throw failure
        }
    }

    private func answer(
        _ preparation: StageQueue.Preparation, _ onEvent: (AnalysisEvent) throws -> Void
    ) throws(Failure) -> (JobLine, JobOutcome) {
        switch preparation {
        case .invalid(let job):
            (.invalid(job), JobOutcome(documents: [job.document.json], failure: job.failure))
        case .failed(let job, let failure):
            (.job(job), JobOutcome(documents: [job.document(of: failure).json], failure: failure))
        case .ready(let job, let prepared):
            (.job(job), try executor.run(job, prepared: prepared, onEvent: onEvent))
        }
    }

    /// Stands for a job that was read but not done.
    private static func handedBack(_ line: JobLine) -> ErrorDocument {
        let failure = Failure(
            .interrupted, stage: .tool,
            message: "the stage was asked to end before this job was done",
            hint: "give the job to another stage", status: .terminated)
        return switch line {
        case .job(let job): job.document(of: failure)
        case .invalid(let job):
            ErrorDocument(
                job: JobReference(id: job.id, meta: job.meta), uri: job.video,
                failure: job.failure)
        }
    }

    // MARK: - Reading and preparing

    private func startReading() {
        let (queue, executor, base) = (queue, executor, options.base)
        let lines = LineSource(input, stop: wake)
        let isStarted = DetachedThread.start {
            var number = 0
            while queue.waitForRoom(), let bytes = lines.next() {
                number += 1
                if JobLine.isBlank(bytes) { continue }
                let line = JobLine.parse(bytes, line: number, base: base)
                guard let place = queue.admit(line) else { break }
                switch line {
                case .invalid(let job): queue.put(.invalid(job), for: place)
                case .job(let job):
                    let prepare: @Sendable () -> Void = {
                        queue.put(Self.prepare(job, executor), for: place)
                    }
                    // Without a thread of its own it is prepared here, after those before it.
                    if !DetachedThread.start(prepare) { prepare() }
                }
            }
            queue.endInput()
        }
        precondition(isStarted, "no thread to read jobs with")
    }

    private static func prepare(_ job: Job, _ executor: JobExecutor) -> StageQueue.Preparation {
        do throws(Failure) {
            return .ready(job, try executor.prepare(job))
        } catch {
            return .failed(job, error)
        }
    }
}

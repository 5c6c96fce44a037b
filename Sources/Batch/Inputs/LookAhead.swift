import Compute
import Synchronization
import VideoUnderstanding

/// Prepares the next job in a thread of its own while the model works on the one before.
public final class LookAhead: Sendable {
    private enum Preparation {
        case begun(Job)
        case done(Job, Result<PreparedJob, Failure>)
    }

    private let executor: JobExecutor
    private let preparation = Mutex<Preparation?>(nil)
    private let changed = Signal()

    public init(_ executor: JobExecutor) { self.executor = executor }

    /// Does a job, and prepares the next one beside it.
    ///
    /// - Throws: `interrupted` only; see `JobExecutor.run`.
    public func run(
        _ job: Job, next: Job?, onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> JobOutcome {
        let prepared: PreparedJob
        do throws(Failure) {
            prepared = try take(job)
            if let next { begin(next) }
        } catch {
            if let next { begin(next) }
            return try executor.outcome(of: job, failed: error)
        }
        return try executor.run(job, prepared: prepared, onEvent: onEvent)
    }

    /// Ends what was begun for a job that will not come.
    public func abandon() {
        let left = preparation.withLock { $0.take() }
        if case .done(_, .success(let prepared))? = left { prepared.abandon() }
    }

    private func begin(_ job: Job) {
        preparation.withLock { $0 = .begun(job) }
        let isStarted = DetachedThread.start {
            let result = Result { () throws(Failure) in try self.executor.prepare(job) }
            let isWanted = self.preparation.withLock { preparation in
                guard case .begun(job)? = preparation else { return false }
                preparation = .done(job, result)
                return true
            }
            if !isWanted, case .success(let prepared) = result { prepared.abandon() }
            self.changed.notify()
        }
        // Then it is prepared in its turn.
        if !isStarted { preparation.withLock { $0 = nil } }
    }

    private func take(_ job: Job) throws(Failure) -> PreparedJob {
        let result: Result<PreparedJob, Failure>? = changed.wait {
            preparation.withLock { preparation -> Result<PreparedJob, Failure>?? in
                switch preparation {
                case .begun(job)?: return nil
                case .done(job, let result)?:
                    preparation = nil
                    return .some(result)
                default: return .some(nil)
                }
            }
        }
        if let result { return try result.get() }
        abandon()
        return try executor.prepare(job)
    }
}

import Compute
import Synchronization
import VideoUnderstanding

/// Waits for the preparation of jobs no longer than until the end of the run is asked for.
///
/// A decoder that hangs cannot be asked to stop; so it is left behind in its thread.
final class InterruptibleWait: Sendable {
    private enum State {
        case begun
        case done(Result<PreparedJob, Failure>)
        case left
    }

    private final class Place: Sendable {
        let state = Mutex(State.begun)
    }

    private let interruption: Interruption
    private let changed: Signal

    init(_ interruption: Interruption) {
        let changed = Signal()
        interruption.onRequest { changed.notify() }
        self.interruption = interruption
        self.changed = changed
    }

    /// What `prepare` gives, in a thread of its own.
    ///
    /// - Throws: what `prepare` throws, or `interrupted`.
    func result(
        of prepare: @escaping @Sendable () throws(Failure) -> PreparedJob
    ) throws(Failure) -> PreparedJob {
        try interruption.check(stage: .open)
        let place = Place()
        let changed = changed
        let isStarted = DetachedThread.start {
            let result = Result { () throws(Failure) in try prepare() }
            let isWanted = place.state.withLock { state in
                guard case .begun = state else { return false }
                state = .done(result)
                return true
            }
            if !isWanted, case .success(let prepared) = result { prepared.abandon() }
            changed.notify()
        }
        guard isStarted else { return try prepare() }
        let result: Result<PreparedJob, Failure>? = changed.wait {
            place.state.withLock { state -> Result<PreparedJob, Failure>?? in
                if case .done(let result) = state { return .some(result) }
                guard interruption.requestedSignal != nil else { return nil }
                state = .left
                return .some(nil)
            }
        }
        if let result { return try result.get() }
        try interruption.check(stage: .open)
        preconditionFailure("a wait ended without a reason")
    }
}

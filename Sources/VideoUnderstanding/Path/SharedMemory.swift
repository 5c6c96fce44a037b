import Compute
import Synchronization

/// What jobs that are open at once have of the memory: each has room for all that it may need before
/// it takes any, so that none fails for the sake of another.
///
/// A job that does not fit waits until others have ended. One job is always let in: whether it fits by
/// itself is for its own limit to say.
package final class SharedMemory: Sendable {
    private struct State {
        var reserved: [Int: Int] = [:]
        var most = 0
    }

    private let bytes: Int
    private let state = Mutex(State())
    private let changed: Signal

    /// - Parameters:
    ///   - bytes: for all jobs.
    ///   - changed: notified when there is more of it.
    package init(bytes: Int, changed: Signal) {
        self.bytes = bytes
        self.changed = changed
    }

    /// The most jobs that had a part of it at once.
    package var mostJobs: Int { state.withLock(\.most) }

    /// Waits for room.
    ///
    /// A job that had less gives that back while it waits, lest two wait for each other.
    /// - Throws: `CancellationError`, as soon as another job ends too.
    package func reserve(_ bytes: Int, for job: Int) throws {
        let before = state.withLock { state -> Int in
            let before = state.reserved[job] ?? 0
            if before < bytes { state.reserved[job] = nil }
            return before
        }
        guard before < bytes else { return }
        changed.notify()
        let isIn = changed.wait { () -> Bool? in
            if Task.isCancelled { return false }
            return state.withLock { state -> Bool? in
                let others = state.reserved.values.reduce(0, +)
                guard state.reserved.isEmpty || others + bytes <= self.bytes else { return nil }
                state.reserved[job] = bytes
                state.most = max(state.most, state.reserved.count)
                return true
            }
        }
        if !isIn { throw CancellationError() }
    }

    /// Notes that a job takes more than it has reserved, without waiting.
    package func raise(_ job: Int, to bytes: Int) {
        state.withLock { $0.reserved[job] = max(bytes, $0.reserved[job] ?? 0) }
    }

    package func giveBack(_ job: Int) {
        state.withLock { $0.reserved[job] = nil }
        changed.notify()
    }
}

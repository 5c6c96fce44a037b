import Compute
import Glibc
import Synchronization
import VideoUnderstanding

/// The jobs of a stage that are in flight: read, being prepared, ready, or at work.
///
/// Threads that read and prepare put in, one thread takes out. No more than `capacity` jobs are in
/// it, which is what holds the reader of the input back.
package final class StageQueue: Sendable {
    /// What is known about the input of a job.
    package enum Preparation: Sendable {
        case invalid(InvalidJob)
        case ready(Job, PreparedJob)
        case failed(Job, Failure)
    }

    private struct Entry {
        let number: Int
        let line: JobLine
        /// Nil while it is being prepared.
        var preparation: Preparation?
        var isTaken = false
    }

    private struct State {
        var entries: [Entry] = []
        var admitted = 0
        var isInputOver = false
        var isStopped = false
    }

    private let capacity: Int
    private let isOrdered: Bool
    private let state = Mutex(State())
    private let changed = Signal()

    package init(capacity: Int, isOrdered: Bool) {
        self.capacity = capacity
        self.isOrdered = isOrdered
    }

    // MARK: - Putting in

    /// Waits for room; false where no more jobs are wanted.
    package func waitForRoom() -> Bool {
        changed.wait {
            state.withLock { state in
                if state.isStopped { return false }
                return state.entries.count < capacity ? true : nil
            }
        }
    }

    /// Takes a line in; its number, or nil where it is not to be prepared any more. That line was
    /// read all the same, so `giveUp` gives it back.
    package func admit(_ line: JobLine) -> Int? {
        state.withLock { state in
            state.admitted += 1
            state.entries.append(Entry(number: state.admitted, line: line))
            return state.isStopped ? nil : state.admitted
        }
    }

    package func put(_ preparation: Preparation, for number: Int) {
        let isWanted = state.withLock { state in
            guard let index = state.entries.firstIndex(where: { $0.number == number }) else {
                return false
            }
            state.entries[index].preparation = preparation
            return true
        }
        if !isWanted, case .ready(_, let prepared) = preparation { prepared.abandon() }
        changed.notify()
    }

    /// No line comes any more.
    package func endInput() {
        state.withLock { $0.isInputOver = true }
        changed.notify()
    }

    // MARK: - Taking out

    /// The next job, as soon as it is prepared: the first in order, or any; nil when all are done
    /// or the stage was stopped.
    package func next() -> (number: Int, preparation: Preparation)? {
        changed.wait { () -> (number: Int, preparation: Preparation)?? in
            state.withLock { state in
                if state.isStopped { return .some(nil) }
                let waiting = state.entries.indices.filter { !state.entries[$0].isTaken }
                guard let first = waiting.first else {
                    return state.isInputOver ? .some(nil) : nil
                }
                let ready =
                    isOrdered
                    ? (state.entries[first].preparation == nil ? nil : first)
                    : waiting.first { state.entries[$0].preparation != nil }
                guard let ready, let preparation = state.entries[ready].preparation else {
                    return nil
                }
                state.entries[ready].isTaken = true
                // Held by the caller alone from here on, so that it ends with the job.
                state.entries[ready].preparation = nil
                return (state.entries[ready].number, preparation)
            }
        }
    }

    /// The job was answered.
    package func finish(_ number: Int) {
        state.withLock { state in state.entries.removeAll { $0.number == number } }
        changed.notify()
    }

    /// Lets nothing more in or out.
    package func stop() {
        state.withLock { $0.isStopped = true }
        changed.notify()
    }

    /// Ends all that was begun, and gives the lines that were not answered, in order.
    ///
    /// A line may just be on its way in; the reading thread, which must have been woken, is waited
    /// for, though not for ever.
    package func giveUp() -> [JobLine] {
        stop()
        for _ in 0..<200 where !state.withLock(\.isInputOver) { usleep(10_000) }
        let entries = state.withLock { state in
            defer { state.entries = [] }
            return state.entries
        }
        for case .ready(_, let prepared)? in entries.map(\.preparation) { prepared.abandon() }
        return entries.map(\.line)
    }
}

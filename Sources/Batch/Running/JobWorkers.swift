import Compute
import Synchronization
import VideoUnderstanding

/// Does several jobs at once, each in a thread and a task of its own.
///
/// Jobs block their threads for long, so these are no threads of the cooperative pool.
public final class JobWorkers: Sendable {
    /// Gives the documents of a job; in a task that ``cancel()`` cancels.
    public typealias Work = @Sendable (Job) throws(Failure) -> JobOutcome

    /// What the path needs for the deepest of its calls, as on the main thread.
    private static let stackBytes = 8 << 20

    /// Jobs that are open at once, at most.
    public let count: Int
    private let board = JobBoard()

    /// - Parameters:
    ///   - count: of jobs that are open at once, and threads.
    ///   - setUp: called by each thread before its first job.
    /// - Throws: where the system has no more threads.
    public init(
        _ count: Int, setUp: @escaping @Sendable () -> Void = {}, work: @escaping Work
    ) throws(Failure) {
        precondition(count > 0, "\(count) workers")
        self.count = count
        let board = board
        for _ in 0..<count {
            let isStarted = DetachedThread.start(stackBytes: Self.stackBytes) {
                setUp()
                ThreadExecutor.run {
                    board.serve(work)
                } onTask: { task in
                    board.add(task)
                }
            }
            guard isStarted else {
                board.close()
                throw Failure(
                    .internalError, stage: .tool,
                    message: "the system has no threads for \(count) jobs at once",
                    hint: "use a smaller --together", retryable: true)
            }
        }
    }

    deinit { board.close() }

    /// Has a job done by a worker that has none. No more than ``count`` may be open.
    ///
    /// - Returns: the number by which ``next()`` calls it.
    func begin(_ job: Job) -> Int { board.put(job) }

    /// Waits for a job to end.
    func next() -> (number: Int, result: Result<JobOutcome, Failure>) { board.next() }

    /// Ends what is open, and what may still be begun; from any thread.
    public func cancel() { board.cancel() }
}

/// Where workers find their jobs and leave what came of them.
private final class JobBoard: Sendable {
    private struct State {
        var begun = 0
        /// Jobs that no worker has taken yet.
        var waiting: [(number: Int, job: Job)] = []
        var ended: [(number: Int, result: Result<JobOutcome, Failure>)] = []
        var tasks: [Task<Void, Never>] = []
        var isCancelled = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let changed = Signal()

    func put(_ job: Job) -> Int {
        let number = state.withLock { state in
            state.begun += 1
            state.waiting.append((state.begun, job))
            return state.begun
        }
        changed.notify()
        return number
    }

    func next() -> (number: Int, result: Result<JobOutcome, Failure>) {
        changed.wait {
            state.withLock { $0.ended.isEmpty ? nil : $0.ended.removeFirst() }
        }
    }

    func add(_ task: Task<Void, Never>) {
        let isCancelled = state.withLock { state in
            state.tasks.append(task)
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    func cancel() {
        let tasks = state.withLock { state in
            state.isCancelled = true
            return state.tasks
        }
        for task in tasks { task.cancel() }
        changed.notify()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        changed.notify()
    }

    /// Does jobs until the board is closed.
    func serve(_ work: JobWorkers.Work) {
        while true {
            let taken: (number: Int, job: Job)?? = changed.wait {
                state.withLock { state -> (number: Int, job: Job)?? in
                    if !state.waiting.isEmpty { return .some(state.waiting.removeFirst()) }
                    return state.isClosed ? .some(nil) : nil
                }
            }
            guard case .some(.some(let (number, job))) = taken else { return }
            let result = Result { () throws(Failure) in try work(job) }
            state.withLock { $0.ended.append((number, result)) }
            changed.notify()
        }
    }
}

import Dispatch
import Synchronization
import VideoUnderstanding

/// Runs the jobs of one task on the thread that started it.
///
/// Commands are synchronous and long; inside a task they can be cancelled, and on the main thread
/// they have its large stack and leave the shared pool of threads alone.
final class MainThread: TaskExecutor {
    private struct Queue {
        var jobs: [UnownedJob] = []
        var isDone = false
    }

    private let queue = Mutex(Queue())
    private let wake = DispatchSemaphore(value: 0)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.withLock { $0.jobs.append(job) }
        wake.signal()
    }

    /// Ends `run` once the jobs before are done.
    func finish() {
        queue.withLock { $0.isDone = true }
        wake.signal()
    }

    /// Runs jobs until `finish` is called.
    func run() {
        while true {
            let next: UnownedJob? = queue.withLock {
                $0.jobs.isEmpty ? nil : $0.jobs.removeFirst()
            }
            if let next {
                next.runSynchronously(on: asUnownedTaskExecutor())
            } else if queue.withLock({ $0.isDone }) {
                return
            } else {
                wake.wait()
            }
        }
    }

    /// Runs `body` in a task that `interruption` cancels, and gives its error.
    static func run(
        cancelledBy interruption: Interruption, _ body: @escaping @Sendable () throws -> Void
    ) throws {
        let thread = MainThread()
        let outcome = Mutex<Result<Void, any Error>>(.success(()))
        let task = Task.detached(executorPreference: thread) {
            let result = Result { try body() }
            outcome.withLock { $0 = result }
            thread.finish()
        }
        interruption.onRequest { task.cancel() }
        thread.run()
        try outcome.withLock { $0 }.get()
    }
}

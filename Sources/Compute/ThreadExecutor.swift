import Synchronization

/// Runs the jobs of one task on the thread that starts it.
///
/// Work that is synchronous and long can be cancelled inside a task; on a thread of its own it leaves
/// the shared pool of threads alone, and has that thread's stack.
package final class ThreadExecutor: TaskExecutor {
    private struct Queue {
        var jobs: [UnownedJob] = []
        var isDone = false
    }

    private let queue = Mutex(Queue())
    private let changed = Signal()

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.withLock { $0.jobs.append(job) }
        changed.notify()
    }

    private func finish() {
        queue.withLock { $0.isDone = true }
        changed.notify()
    }

    /// Runs jobs until `finish` is called.
    private func serve() {
        while true {
            let next: UnownedJob?? = changed.wait {
                queue.withLock { queue -> UnownedJob?? in
                    if !queue.jobs.isEmpty { return .some(queue.jobs.removeFirst()) }
                    return queue.isDone ? .some(nil) : nil
                }
            }
            guard case .some(.some(let job)) = next else { return }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// Runs `body` in a task on this thread, and returns when it has ended.
    ///
    /// - Parameter onTask: gets the task, for whoever may cancel it.
    package static func run(
        _ body: @escaping @Sendable () -> Void, onTask: (Task<Void, Never>) -> Void
    ) {
        let thread = ThreadExecutor()
        let task = Task.detached(executorPreference: thread) {
            body()
            thread.finish()
        }
        onTask(task)
        thread.serve()
    }
}

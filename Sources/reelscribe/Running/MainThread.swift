import Compute
import Synchronization
import VideoUnderstanding

/// Runs a command on the thread that started it.
///
/// Commands are synchronous and long; inside a task they can be cancelled, and on the main thread
/// they have its large stack and leave the shared pool of threads alone.
enum MainThread {
    /// Runs `body` in a task that `interruption` cancels, and gives its error.
    static func run(
        cancelledBy interruption: Interruption, _ body: @escaping @Sendable () throws -> Void
    ) throws {
        let outcome = Mutex<Result<Void, any Error>>(.success(()))
        ThreadExecutor.run {
            let result = Result { try body() }
            outcome.withLock { $0 = result }
        } onTask: { task in
            interruption.onRequest { task.cancel() }
        }
        try outcome.withLock { $0 }.get()
    }
}

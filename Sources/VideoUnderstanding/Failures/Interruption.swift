import Synchronization

/// Whether the run was asked to stop. One owner sets it, every stage looks at it between frames
/// and between tokens.
public final class Interruption: Sendable {
    private let signal = Atomic<Int32>(0)
    private let listeners = Mutex<[@Sendable () -> Void]>([])

    public init() {}

    /// Asks for the end of the run. The first signal counts.
    public func request(signal number: Int32) {
        _ = signal.compareExchange(
            expected: 0, desired: number, ordering: .sequentiallyConsistent)
        for listener in listeners.withLock({ $0 }) { listener() }
    }

    /// The number of the signal, or nil while nobody asked.
    public var requestedSignal: Int32? {
        let number = signal.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Calls `listener` when the end is asked for, at once where that has happened. All that were
    /// named are called, in order.
    public func onRequest(_ listener: @escaping @Sendable () -> Void) {
        listeners.withLock { $0.append(listener) }
        if requestedSignal != nil { listener() }
    }

    /// - Throws: `interrupted`, with the status of the signal, once the end was asked for.
    public func check(stage: FailureStage) throws(Failure) {
        guard let number = requestedSignal else { return }
        throw Failure(
            .interrupted, stage: stage, message: "interrupted by signal \(number)",
            status: number == 15 ? .terminated : .interrupted)
    }

    /// A failure by interruption, with the status of the signal; other failures as they are.
    public func naming(_ failure: Failure) -> Failure {
        guard failure.code == .interrupted else { return failure }
        do throws(Failure) {
            try check(stage: failure.stage)
            return failure
        } catch {
            return error
        }
    }
}

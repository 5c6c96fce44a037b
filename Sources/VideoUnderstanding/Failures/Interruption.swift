import Synchronization

/// Whether the run was asked to stop. One owner sets it, every stage looks at it between frames
/// and between tokens.
public final class Interruption: Sendable {
    private let signal = Atomic<Int32>(0)

    public init() {}

    /// Asks for the end of the run. The first signal counts.
    public func request(signal number: Int32) {
        _ = signal.compareExchange(
            expected: 0, desired: number, ordering: .sequentiallyConsistent)
    }

    /// The number of the signal, or nil while nobody asked.
    public var requestedSignal: Int32? {
        let number = signal.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// - Throws: `interrupted`, with the status of the signal, once the end was asked for.
    public func check(stage: FailureStage) throws(Failure) {
        guard let number = requestedSignal else { return }
        throw Failure(
            .interrupted, stage: stage, message: "interrupted by signal \(number)",
            status: number == 15 ? .terminated : .interrupted)
    }
}

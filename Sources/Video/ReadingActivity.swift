import Synchronization

/// Counts reads and decoded pictures, for whoever watches from another thread whether the work
/// goes on, and lets that thread end it.
public final class ReadingActivity: Sendable {
    private let steps = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)

    public init() {}

    public var count: Int { steps.load(ordering: .relaxed) }

    /// How often a decoder said that it was refused memory. Damaged data may ask for absurd amounts,
    /// too.
    package var memoryRefusals: Int { refusals.load(ordering: .relaxed) }

    /// Lets the work end as soon as it notices, with an error that nobody should see: what comes of
    /// it is not wanted any more.
    package func stop() { stopped.store(true, ordering: .relaxed) }

    var isStopped: Bool { stopped.load(ordering: .relaxed) }

    func noteMemoryRefusal() { refusals.wrappingAdd(1, ordering: .relaxed) }

    func note() { steps.wrappingAdd(1, ordering: .relaxed) }
}

import Synchronization

/// Counts reads and decoded pictures, for whoever watches from another thread whether the work
/// goes on.
public final class ReadingActivity: Sendable {
    private let steps = Atomic<Int>(0)
    private let refusals = Atomic<Int>(0)

    public init() {}

    public var count: Int { steps.load(ordering: .relaxed) }

    /// How often a decoder said that it was refused memory. Damaged data may ask for absurd amounts,
    /// too.
    package var memoryRefusals: Int { refusals.load(ordering: .relaxed) }

    func noteMemoryRefusal() { refusals.wrappingAdd(1, ordering: .relaxed) }

    func note() { steps.wrappingAdd(1, ordering: .relaxed) }
}

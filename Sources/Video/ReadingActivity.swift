import Synchronization

/// Counts reads and decoded pictures, for whoever watches from another thread whether the work
/// goes on.
public final class ReadingActivity: Sendable {
    private let steps = Atomic<Int>(0)

    public init() {}

    public var count: Int { steps.load(ordering: .relaxed) }

    func note() { steps.wrappingAdd(1, ordering: .relaxed) }
}

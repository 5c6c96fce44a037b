internal import CKernels

/// The threads that all kernels of a program share.
///
/// A kernel cuts its work into tiles whose sizes follow from the shapes alone, so results are the
/// same, to the bit, for every number of threads. Kernels called from two threads at once run one
/// after the other. Threads sleep while there is nothing to do.
public final class ThreadPool: Sendable {
    // Sendable: set once, freed in `deinit`; the functions that take it lock what they share.
    nonisolated(unsafe) let pool: OpaquePointer

    /// Threads that work, the caller of a kernel among them.
    public var threads: Int { rs_pool_threads(pool) }

    /// The vector instructions that the kernels use.
    public var instructionSet: InstructionSet { InstructionSet(rs_pool_level(pool)) }

    /// Cores that this process may use, second threads of a core not counted.
    public static var performanceCores: Int { rs_cores() }

    /// - Parameter threads: at least 1. There are fewer where the system refuses more.
    public convenience init(threads: Int) {
        self.init(threads: threads, instructionSet: .current)
    }

    package init(threads: Int, instructionSet: InstructionSet) {
        precondition(threads > 0, "a pool of \(threads) threads")
        guard let pool = rs_pool_create(threads, instructionSet.level) else {
            preconditionFailure("no address space for a thread pool")
        }
        self.pool = pool
    }

    deinit { rs_pool_destroy(pool) }
}

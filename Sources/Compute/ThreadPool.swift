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

    /// How kernels round activations before products with weights.
    public var activations: Activations { Activations(rs_pool_activations(pool)) }

    /// Whatever decides on the bits of a result, beside its shapes: equal names give equal bits, on
    /// any machine.
    package var arithmetic: String {
        let set = instructionSet
        guard activations == .fast else { return set.rawValue }
        let bf16 = rs_has_bf16(set.level) ? " bf16" : ""
        return "\(set.rawValue) fast" + bf16 + (rs_has_vnni(set.level) ? " vnni" : "")
    }

    /// Cores that this process may use, second threads of a core not counted.
    public static var performanceCores: Int { rs_cores() }

    /// - Parameters:
    ///   - threads: at least 1. There are fewer where the system refuses more.
    ///   - activations: how they are rounded before products with weights.
    public convenience init(threads: Int, activations: Activations = .full) {
        self.init(threads: threads, instructionSet: .current, activations: activations)
    }

    package init(
        threads: Int, instructionSet: InstructionSet, activations: Activations = .full
    ) {
        precondition(threads > 0, "a pool of \(threads) threads")
        guard
            let pool = rs_pool_create(threads, instructionSet.level, activations.rounding)
        else {
            preconditionFailure("no address space for a thread pool")
        }
        self.pool = pool
    }

    deinit { rs_pool_destroy(pool) }
}

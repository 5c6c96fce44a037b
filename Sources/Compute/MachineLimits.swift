internal import CKernels

/// What this machine can do at most: the yardsticks of a benchmark.
package enum MachineLimits {
    /// Bytes per second that all threads of the pool read together; 0 where there was no memory.
    ///
    /// - Parameter bytes: to read at a time; more than the last cache holds.
    package static func readBandwidth(_ pool: ThreadPool, bytes: Int, repeats: Int) -> Double {
        rs_bench_read_bandwidth(pool.pool, bytes, repeats)
    }

    /// FLOP per second of OpenBLAS, `[m, k] · [n, k]ᵀ`; 0 where there was no memory.
    package static func openBLAS(threads: Int, m: Int, n: Int, k: Int, repeats: Int) -> Double {
        rs_bench_sgemm(threads, m, n, k, repeats)
    }

    /// The processor that OpenBLAS takes this one for.
    package static var openBLASCore: String { String(cString: rs_bench_sgemm_core()) }

    /// FLOP per second of multiply-adds in registers, all threads of the pool together.
    package static func peak(_ pool: ThreadPool) -> Double { rs_bench_peak(pool.pool) }

    /// The same of 8-bit numbers, as packed weights are multiplied.
    package static func integerPeak(_ pool: ThreadPool) -> Double {
        rs_bench_integer_peak(pool.pool)
    }
}

import CKernels
import Compute
import Testing

@Suite struct ThreadPoolTests {
    /// No tile is lost and none runs twice, whether threads sleep or are awake, also when there
    /// are more threads than tiles or than cores.
    @Test(arguments: [1, 2, 3, 16], [0, 1, 2, 7, 1000])
    func runsEachTileOnce(_ threads: Int, tiles: Int) throws {
        let pool = try #require(rs_pool_create(threads, rs_default_level(), RS_FULL))
        defer { rs_pool_destroy(pool) }
        // No lock: that what tiles wrote is seen afterwards is the pool's own promise.
        let counts = UnsafeMutablePointer<Int>.allocate(capacity: max(tiles, 1))
        counts.initialize(repeating: 0, count: max(tiles, 1))
        defer { counts.deallocate() }
        for round in 1...20 {
            rs_pool_run(
                pool,
                { context, tile, _ in
                    context?.assumingMemoryBound(to: Int.self)[tile] += 1
                }, counts, tiles)
            #expect((0..<tiles).allSatisfy { counts[$0] == round })
        }
    }

    /// Kernels called from many tasks at once take turns.
    @Test func concurrentCallersDoNotMix() async throws {
        let pool = ThreadPool(threads: 3)
        var noise = Noise(1)
        let weight = try StoredWeight(
            noise.floats(300 * 64), rows: 300, columns: 64, type: .bf16)
        let inputs = (0..<8).map { _ in noise.floats(20 * 64) }
        let alone = try inputs.map { try Self.product($0, weight.matrix, pool) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (input, expected) in zip(inputs, alone) {
                group.addTask {
                    for _ in 0..<50 {
                        let again = try Self.product(input, weight.matrix, pool)
                        #expect(again == expected)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func product(
        _ x: [Float], _ weight: WeightMatrix, _ pool: ThreadPool
    ) throws -> [Float] {
        var y = try FloatBuffer(count: 20 * weight.rows)
        pool.linear(try buffer(x), rows: 20, weight, into: &y)
        return y.all
    }

    /// Pools come and go without a thread left behind or a deadlock on the way out.
    @Test func manyPools() {
        for threads in 1...40 { #expect(ThreadPool(threads: threads).threads >= 1) }
    }

    @Test func knowsTheMachine() {
        #expect(ThreadPool.performanceCores >= 1)
        #expect(InstructionSet.current.isAvailable)
        #expect(ThreadPool(threads: 1).instructionSet == .current)
        #expect(ThreadPool(threads: 1, instructionSet: .scalar).instructionSet == .scalar)
    }

    /// What kernels are to round reaches the pool that they ask.
    @Test(arguments: Activations.allCases)
    func knowsHowToRound(_ activations: Activations) {
        #expect(ThreadPool(threads: 1, activations: activations).activations == activations)
        #expect(ThreadPool(threads: 1).activations == .full)
        for set in InstructionSet.allCases where set.isAvailable {
            let pool = ThreadPool(threads: 1, instructionSet: set, activations: activations)
            #expect(pool.activations == activations)
            // `full` has one name for all processors of a level, and `fast` another for each kind.
            #expect((pool.arithmetic == set.rawValue) == (activations == .full))
        }
    }

    /// No level claims instructions that belong to another.
    @Test func wideProductsBelongToAVX512() {
        for level in [RS_SCALAR, RS_AVX2, RS_NEON] {
            #expect(!rs_has_bf16(level) && !rs_has_vnni(level))
        }
        let pool = ThreadPool(threads: 1, activations: .fast)
        let isWide = pool.instructionSet == .avx512
        #expect(pool.arithmetic.contains("bf16") == (isWide && rs_has_bf16(RS_AVX512)))
        #expect(pool.arithmetic.contains("vnni") == (isWide && rs_has_vnni(RS_AVX512)))
    }

    /// A size that no machine has is an error, not a trap.
    @Test func refusedMemoryIsAnError() {
        #expect(throws: ComputeError.self) { try Self.allocate(.max) }
        #expect(throws: ComputeError.self) { try Self.allocate(1 << 60) }
    }

    private static func allocate(_ count: Int) throws {
        _ = try FloatBuffer(count: count)
    }
}

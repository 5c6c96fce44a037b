import CKernels
import Compute
import Synchronization
import Testing

/// Counts how often each tile runs.
private final class TileCounter: Sendable {
    let counts: Mutex<[Int]>
    init(tiles: Int) { counts = Mutex([Int](repeating: 0, count: tiles)) }
}

@Suite struct ThreadPoolTests {
    /// No tile is lost and none runs twice, whether threads sleep or are awake, also when there
    /// are more threads than tiles or than cores.
    @Test(arguments: [1, 2, 3, 16], [0, 1, 2, 7, 1000])
    func runsEachTileOnce(_ threads: Int, tiles: Int) throws {
        let pool = try #require(rs_pool_create(threads, rs_default_level()))
        defer { rs_pool_destroy(pool) }
        for _ in 0..<20 {
            let counter = TileCounter(tiles: tiles)
            let context = Unmanaged.passUnretained(counter).toOpaque()
            rs_pool_run(
                pool,
                { context, tile, _ in
                    guard let context else { return }
                    let counter = Unmanaged<TileCounter>.fromOpaque(context).takeUnretainedValue()
                    counter.counts.withLock { $0[tile] += 1 }
                }, context, tiles)
            counter.counts.withLock { counts in
                #expect(counts.allSatisfy { $0 == 1 })
            }
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

    /// A size that no machine has is an error, not a trap.
    @Test func refusedMemoryIsAnError() {
        #expect(throws: ComputeError.self) { try Self.allocate(.max) }
        #expect(throws: ComputeError.self) { try Self.allocate(1 << 60) }
    }

    private static func allocate(_ count: Int) throws {
        _ = try FloatBuffer(count: count)
    }
}

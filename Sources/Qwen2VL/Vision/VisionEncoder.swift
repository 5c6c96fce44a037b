import Compute
import Imaging

/// The vision tower and its merger: patches to rows that stand in for token embeddings.
///
/// Frame pairs do not see each other, so they are encoded some at a time, and memory does not grow
/// with the length of a video.
///
/// Source: spec 4.
public struct VisionEncoder: Sendable {
    /// Patches that are encoded together where one pair has no more: enough to make reading the
    /// weights cheap.
    package static let chunkRows = 2048

    private let model: Model
    private let pool: ThreadPool
    private var sizes: VisionConfiguration { model.configuration.vision }

    public init(model: Model, pool: ThreadPool) {
        self.model = model
        self.pool = pool
    }

    /// Encodes one visual input.
    ///
    /// - Parameters:
    ///   - patches: `[grid.patches, channels · frames · patch · patch]` in reference order.
    ///   - grid: height and width divide by the merge size.
    /// - Returns: `[grid.patches / merge², hidden]`.
    /// - Throws: `ModelError.system(.outOfMemory)`; `CancellationError` when the task is cancelled.
    public func encode(_ patches: [Float], grid: PatchGrid) throws -> [Float] {
        try patches.withUnsafeBufferPointer { try encode($0, grid: grid) }
    }

    /// The same for patches that lie anywhere.
    public func encode(
        _ patches: UnsafeBufferPointer<Float>, grid: PatchGrid
    ) throws -> [Float] {
        var unwatched: LayerClock?
        return try encode(patches, grid: grid, clock: &unwatched)
    }

    /// The same, noting where the time goes if there is a clock.
    package func encode(
        _ patches: UnsafeBufferPointer<Float>, grid: PatchGrid, clock: inout LayerClock?
    ) throws -> [Float] {
        precondition(
            grid.height % sizes.mergeSize == 0 && grid.width % sizes.mergeSize == 0
                && patches.count == grid.patches * sizes.patchVolume,
            "\(patches.count) numbers for grid \(grid)")
        guard grid.patches > 0 else { return [] }
        let pairRows = grid.height * grid.width
        let chunkPairs = min(grid.time, max(1, Self.chunkRows / pairRows))
        do {
            var scratch = try VisionScratch(
                rows: chunkPairs * pairRows, pairRows: pairRows, sizes: sizes)
            scratch.clock = clock
            scratch.rotary.fill(
                PatchCoordinate.of(grid, merge: sizes.mergeSize), pairs: chunkPairs,
                frequencies: rotaryFrequencies(count: sizes.headSize / 4, theta: sizes.ropeTheta))
            var result: [Float] = []
            let tokens = grid.patches / (sizes.mergeSize * sizes.mergeSize)
            result.reserveCapacity(tokens * sizes.output)
            for first in stride(from: 0, to: grid.time, by: chunkPairs) {
                let pairs = min(chunkPairs, grid.time - first)
                let start = first * pairRows * sizes.patchVolume
                let end = start + pairs * pairRows * sizes.patchVolume
                scratch.rows = pairs * pairRows
                try encodeChunk(
                    UnsafeBufferPointer(rebasing: patches[start..<end]), &scratch, into: &result)
            }
            clock = scratch.clock
            return result
        } catch let error as ComputeError {
            throw ModelError.system(error)
        }
    }

    /// Encodes whole frame pairs and appends their tokens.
    private func encodeChunk(
        _ patches: UnsafeBufferPointer<Float>, _ scratch: inout VisionScratch,
        into result: inout [Float]
    ) throws {
        let weights = model.vision
        scratch.clock?.begin()
        pool.linear(
            patches, rows: scratch.rows, weights.patchEmbedding, into: &scratch.hidden)
        scratch.clock?.lap(.patchEmbedding)
        for block in weights.blocks {
            try Task.checkCancellation()
            attend(block, &scratch)
            transform(block, &scratch)
        }
        merge(weights, &scratch)
        scratch.tokens.append(
            0..<scratch.rows / (sizes.mergeSize * sizes.mergeSize) * sizes.output, to: &result)
    }

    /// `x += proj(Attn(LN(x)))`; each pair attends to itself.
    private func attend(_ block: VisionBlockWeights, _ scratch: inout VisionScratch) {
        normalize(block.norm1, &scratch)
        pool.apply(block.qkv, to: scratch.normed, rows: scratch.rows, into: &scratch.wide)
        scratch.clock?.lap(.qkv)
        // Queries and keys lie side by side: the first two thirds of the heads.
        pool.rotate(
            &scratch.wide, rows: scratch.rows, rowWidth: 3 * sizes.width, heads: 2 * sizes.heads,
            headSize: sizes.headSize, cosines: scratch.rotary.cosines, sines: scratch.rotary.sines)
        scratch.clock?.lap(.rope)
        for first in stride(from: 0, to: scratch.rows, by: scratch.pairRows) {
            pool.attend(
                within: first..<first + scratch.pairRows, qkv: scratch.wide, heads: sizes.heads,
                headSize: sizes.headSize, into: &scratch.normed)
        }
        scratch.clock?.lap(.attention)
        pool.apply(
            block.proj, to: scratch.normed, rows: scratch.rows, into: &scratch.hidden, adding: true)
        scratch.clock?.lap(.projection)
    }

    /// `x += fc2(quickgelu(fc1(LN(x))))`, on as many rows at a time as fit where the queries were.
    private func transform(_ block: VisionBlockWeights, _ scratch: inout VisionScratch) {
        normalize(block.norm2, &scratch)
        let fit = scratch.wide.count / sizes.mlpWidth
        let slices = (scratch.rows + fit - 1) / fit
        let slice = (scratch.rows + slices - 1) / slices
        for first in stride(from: 0, to: scratch.rows, by: slice) {
            let rows = min(slice, scratch.rows - first)
            pool.apply(block.fc1, to: scratch.normed, from: first, rows: rows, into: &scratch.wide)
            pool.quickGELU(&scratch.wide, count: rows * sizes.mlpWidth)
            scratch.clock?.lap(.mlpUp)
            pool.apply(
                block.fc2, to: scratch.wide, rows: rows, into: &scratch.hidden, at: first,
                adding: true)
            scratch.clock?.lap(.mlpDown)
        }
    }

    /// Neighbouring patches side by side, through the merger's two layers (spec 4.4). Rows are in
    /// merge order, so side by side is how they lie already.
    private func merge(_ weights: VisionWeights, _ scratch: inout VisionScratch) {
        normalize(weights.mergerNorm, &scratch)
        let tokens = scratch.rows / (sizes.mergeSize * sizes.mergeSize)
        pool.apply(weights.merger0, to: scratch.normed, rows: tokens, into: &scratch.wide)
        pool.gelu(&scratch.wide, count: tokens * sizes.mergedWidth)
        pool.apply(weights.merger2, to: scratch.wide, rows: tokens, into: &scratch.tokens)
        scratch.clock?.lap(.merger)
    }

    private func normalize(_ norm: NormWeights, _ scratch: inout VisionScratch) {
        pool.layerNorm(
            scratch.hidden, rows: scratch.rows, weight: norm.weight, bias: norm.bias,
            epsilon: sizes.layerNormEpsilon, into: &scratch.normed)
        scratch.clock?.lap(.norm)
    }
}

/// Activations of one chunk of patches.
private struct VisionScratch: ~Copyable {
    /// Rows in use.
    var rows: Int
    let pairRows: Int
    /// `[rows, width]`.
    var hidden: FloatBuffer
    /// `[rows, width]`: the normed rows, then what attention gives.
    var normed: FloatBuffer
    /// `[rows, 3 · width]`: queries, keys and values, then the inside of the MLP.
    var wide: FloatBuffer
    /// `[rows / merge², output]`.
    var tokens: FloatBuffer
    var rotary: RotaryTable
    /// Set to note where the time goes.
    var clock: LayerClock?
}

extension VisionScratch {
    /// - Throws: `outOfMemory`.
    fileprivate init(rows: Int, pairRows: Int, sizes: VisionConfiguration) throws(ComputeError) {
        self.init(
            rows: rows, pairRows: pairRows,
            hidden: try FloatBuffer(count: rows * sizes.width),
            normed: try FloatBuffer(count: rows * sizes.width),
            wide: try FloatBuffer(count: max(rows * 3 * sizes.width, sizes.mlpWidth)),
            tokens: try FloatBuffer(
                count: rows / (sizes.mergeSize * sizes.mergeSize) * sizes.output),
            rotary: try RotaryTable(rows: rows, headSize: sizes.headSize))
    }
}

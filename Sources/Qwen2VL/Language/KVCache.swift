import Compute

/// Keys and values of all layers for one sequence, `[layer][head][capacity][headSize]` each.
///
/// The whole capacity is reserved and becomes physical as it is filled.
struct KVCache: ~Copyable, Sendable {
    var keys: FloatBuffer
    var values: FloatBuffer
    let capacity: Int
    private let heads: Int
    private let headSize: Int

    /// Where a layer lies.
    func region(layer: Int) -> CacheRegion {
        CacheRegion(
            start: layer * heads * capacity * headSize, heads: heads, capacity: capacity,
            headSize: headSize)
    }

    /// Stores rows of all heads, `[rows, heads · headSize]`, from row `first` of the sequence on.
    mutating func store(
        keys newKeys: borrowing FloatBuffer, values newValues: borrowing FloatBuffer, rows: Int,
        layer: Int, at first: Int
    ) {
        let start = region(layer: layer).start
        for row in 0..<rows {
            for head in 0..<heads {
                let source = (row * heads + head) * headSize
                let target = start + (head * capacity + first + row) * headSize
                keys.write(source..<source + headSize, of: newKeys, at: target)
                values.write(source..<source + headSize, of: newValues, at: target)
            }
        }
    }
}

extension KVCache {
    /// - Throws: `outOfMemory`.
    init(_ text: TextConfiguration, capacity: Int) throws(ComputeError) {
        let (count, overflow) = (text.layers * text.kvWidth).multipliedReportingOverflow(
            by: capacity)
        guard !overflow else { throw .outOfMemory(bytes: .max) }
        self.init(
            keys: try FloatBuffer(count: count, use: .sparse),
            values: try FloatBuffer(count: count, use: .sparse), capacity: capacity,
            heads: text.kvHeads, headSize: text.headSize)
    }
}

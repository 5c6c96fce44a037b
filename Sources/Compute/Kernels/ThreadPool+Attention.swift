internal import CKernels

/// Where the keys and the values of one layer lie in a cache, `[head][capacity][headSize]`.
package struct CacheRegion: Sendable {
    /// First number of the layer.
    package var start: Int
    package var heads: Int
    /// Rows reserved for each head.
    package var capacity: Int
    package var headSize: Int

    package init(start: Int, heads: Int, capacity: Int, headSize: Int) {
        self.start = start
        self.heads = heads
        self.capacity = capacity
        self.headSize = headSize
    }

    var range: Range<Int> { start..<start + heads * capacity * headSize }
}

/// Attention with scores divided by √headSize; no matrix of scores is ever held.
extension ThreadPool {
    /// Every row of a segment attends to every row of it.
    ///
    /// - Parameters:
    ///   - qkv: rows of queries, keys and values, each `heads · headSize`.
    ///   - segment: the rows.
    ///   - out: rows of `heads · headSize`; those of the segment are written.
    package func attend(
        within segment: Range<Int>, qkv: borrowing FloatBuffer, heads: Int, headSize: Int,
        into out: inout FloatBuffer
    ) {
        check(headSize)
        let width = heads * headSize
        let rows = qkv.start(segment.lowerBound * 3 * width..<segment.upperBound * 3 * width)
        guard !segment.isEmpty else { return }
        var input = rs_attention_input(
            q: rows, q_row: 3 * width, k: rows + width, v: rows + 2 * width, kv_row: 3 * width,
            kv_head: headSize,
            out: out.start(segment.lowerBound * width..<segment.upperBound * width),
            out_row: width, heads: heads, kv_heads: heads, head_size: headSize,
            queries: segment.count, keys: segment.count, offset: 0, causal: false,
            scale: 1 / Float(headSize).squareRoot())
        rs_attention(pool, &input)
    }

    /// Each row attends to the cached rows up to its own.
    ///
    /// - Parameters:
    ///   - query: `rows` rows of `heads · headSize`.
    ///   - rows: they are the last of `length`.
    ///   - length: rows in the cache, those of the queries included.
    package func attend(
        _ query: borrowing FloatBuffer, rows: Int, heads: Int, keys: borrowing FloatBuffer,
        values: borrowing FloatBuffer, region: CacheRegion, length: Int,
        into out: inout FloatBuffer
    ) {
        check(region.headSize)
        precondition(
            rows <= length && length <= region.capacity && heads % region.heads == 0,
            "\(rows) of \(length) rows, \(heads) heads on \(region.heads)")
        guard rows > 0 else { return }
        let width = heads * region.headSize
        var input = rs_attention_input(
            q: query.start(0..<rows * width), q_row: width, k: keys.start(region.range),
            v: values.start(region.range), kv_row: region.headSize,
            kv_head: region.capacity * region.headSize, out: out.start(0..<rows * width),
            out_row: width, heads: heads, kv_heads: region.heads, head_size: region.headSize,
            queries: rows, keys: length, offset: length - rows, causal: true,
            scale: 1 / Float(region.headSize).squareRoot())
        rs_attention(pool, &input)
    }

    /// How much of one row's attention falls on each group of cached rows.
    ///
    /// - Parameters:
    ///   - query: rows of `heads · headSize`.
    ///   - row: of the query; it is the last of `length`.
    ///   - watched: cached rows, in groups of equal size.
    /// - Returns: shares of all that each head attends to, `[heads, groups]`.
    package func attentionShares(
        _ query: borrowing FloatBuffer, row: Int, heads: Int, keys: borrowing FloatBuffer,
        region: CacheRegion, length: Int, watched: Range<Int>, groups: Int
    ) -> [Float] {
        check(region.headSize)
        precondition(
            length <= region.capacity && heads % region.heads == 0 && watched.lowerBound >= 0
                && watched.upperBound <= length && groups > 0 && watched.count % groups == 0
                && !watched.isEmpty,
            "\(watched) of \(length) rows in \(groups) groups, \(heads) heads on \(region.heads)")
        let width = heads * region.headSize
        return [Float](unsafeUninitializedCapacity: heads * groups) { shares, count in
            var input = rs_attention_shares_input(
                q: query.start(row * width..<(row + 1) * width), k: keys.start(region.range),
                kv_row: region.headSize, kv_head: region.capacity * region.headSize, heads: heads,
                kv_heads: region.heads, head_size: region.headSize, keys: length,
                first: watched.lowerBound, group_keys: watched.count / groups, groups: groups,
                scale: 1 / Float(region.headSize).squareRoot(), shares: shares.baseAddress)
            rs_attention_shares(pool, &input)
            count = heads * groups
        }
    }

    private func check(_ headSize: Int) {
        precondition(
            headSize > 0 && headSize <= RS_ATTENTION_MAX_HEAD,
            "head of \(headSize); at most \(RS_ATTENTION_MAX_HEAD)")
    }
}

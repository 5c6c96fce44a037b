internal import CKernels

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
        precondition(
            headSize > 0 && headSize <= RS_ATTENTION_MAX_HEAD,
            "head of \(headSize); at most \(RS_ATTENTION_MAX_HEAD)")
        let width = heads * headSize
        let rows = qkv.start(segment.lowerBound * 3 * width..<segment.upperBound * 3 * width)
        guard !segment.isEmpty else { return }
        var input = rs_attention_input(
            q: rows, k: rows + width, v: rows + 2 * width, row: 3 * width,
            out: out.start(segment.lowerBound * width..<segment.upperBound * width),
            out_row: width, heads: heads, head_size: headSize, rows: segment.count,
            scale: 1 / Float(headSize).squareRoot())
        rs_attention(pool, &input)
    }

    /// Stores the keys and values of the tokens of a pass.
    ///
    /// - Parameters:
    ///   - keys, values: rows of `pages.heads · pages.headSize`, the sequences' one after the other.
    ///   - row: the first of these rows.
    package func store(
        keys: borrowing FloatBuffer, values: borrowing FloatBuffer, from row: Int = 0,
        _ sequences: [KVSequence], layer: Int, in pages: LentPages
    ) {
        let width = pages.heads * pages.headSize
        let range = row * width..<(row + rows(of: sequences)) * width
        var layout = pages.layout
        let places = sequences.map { pages.place(of: $0, layer: layer) }
        rs_kv_store(pool, &layout, places, places.count, keys.start(range), values.start(range))
    }

    package func store(
        keys: borrowing FloatBuffer, values: borrowing FloatBuffer, _ sequences: [KVSequence],
        layer: Int, in pages: inout KVPages
    ) {
        store(keys: keys, values: values, sequences, layer: layer, in: pages.lent)
    }

    /// Each row of a pass attends to the tokens of its sequence up to its own.
    ///
    /// A row gives the same bits whatever rows it is computed with.
    ///
    /// - Parameters:
    ///   - query: rows of `heads · pages.headSize`, the sequences' one after the other.
    ///   - row: the first of these rows, and of those of `out` that are written.
    package func attend(
        _ query: borrowing FloatBuffer, from row: Int = 0, heads: Int, _ sequences: [KVSequence],
        layer: Int, in pages: LentPages, into out: inout FloatBuffer
    ) {
        precondition(heads % pages.heads == 0, "\(heads) heads on \(pages.heads)")
        let width = heads * pages.headSize
        let range = row * width..<(row + rows(of: sequences)) * width
        let places = sequences.map { pages.place(of: $0, layer: layer) }
        let (layout, scale) = (pages.layout, 1 / Float(pages.headSize).squareRoot())
        let (q, target) = (query.start(range), out.start(range))
        places.withUnsafeBufferPointer { places in
            var input = rs_kv_attention_input(
                layout: layout, sequences: places.baseAddress, count: places.count, q: q,
                out: target, heads: heads, scale: scale)
            rs_kv_attention(pool, &input)
        }
    }

    package func attend(
        _ query: borrowing FloatBuffer, heads: Int, _ sequences: [KVSequence], layer: Int,
        in pages: borrowing KVPages, into out: inout FloatBuffer
    ) {
        attend(query, heads: heads, sequences, layer: layer, in: pages.lent, into: &out)
    }

    /// How much of one row's attention falls on each group of tokens of a sequence.
    ///
    /// - Parameters:
    ///   - query: rows of `heads · pages.headSize`.
    ///   - row: of the query; it is the last token of the sequence.
    ///   - watched: tokens, in groups of equal size.
    /// - Returns: shares of all that each head attends to, `[heads, groups]`.
    package func attentionShares(
        _ query: borrowing FloatBuffer, row: Int, heads: Int, _ sequence: KVSequence, layer: Int,
        in pages: LentPages, watched: Range<Int>, groups: Int
    ) -> [Float] {
        precondition(
            heads % pages.heads == 0 && watched.lowerBound >= 0
                && watched.upperBound <= sequence.length && groups > 0
                && watched.count % groups == 0 && !watched.isEmpty,
            "\(watched) of \(sequence) in \(groups) groups, \(heads) heads on \(pages.heads)")
        let width = heads * pages.headSize
        let (layout, place) = (pages.layout, pages.place(of: sequence, layer: layer))
        let scale = 1 / Float(pages.headSize).squareRoot()
        return [Float](unsafeUninitializedCapacity: heads * groups) { shares, count in
            var input = rs_kv_shares_input(
                layout: layout, sequence: place, q: query.start(row * width..<(row + 1) * width),
                heads: heads, scale: scale, first: watched.lowerBound,
                group_tokens: watched.count / groups, groups: groups, shares: shares.baseAddress)
            rs_kv_shares(pool, &input)
            count = heads * groups
        }
    }

    package func attentionShares(
        _ query: borrowing FloatBuffer, row: Int, heads: Int, _ sequence: KVSequence, layer: Int,
        in pages: borrowing KVPages, watched: Range<Int>, groups: Int
    ) -> [Float] {
        attentionShares(
            query, row: row, heads: heads, sequence, layer: layer, in: pages.lent,
            watched: watched, groups: groups)
    }

    private func rows(of sequences: [KVSequence]) -> Int {
        precondition(
            !sequences.isEmpty && sequences.count <= KVPages.mostSequences
                && sequences.allSatisfy { $0.rows > 0 },
            "\(sequences.count) sequences in a pass")
        return sequences.reduce(0) { $0 + $1.rows }
    }
}

extension KVPages {
    /// Keys or values of one token of one head, as attention reads them, `[headSize]`.
    package func numbers(
        ofValues isValues: Bool, token: Int, head: Int, layer: Int, _ sequence: KVSequence
    ) -> [Float] {
        precondition(
            (0..<sequence.length).contains(token) && (0..<heads).contains(head),
            "token \(token) of \(sequence), head \(head) of \(heads)")
        var (layout, place) = (lent.layout, lent.place(of: sequence, layer: layer))
        return [Float](unsafeUninitializedCapacity: headSize) { numbers, count in
            rs_kv_expand(&layout, &place, head, token, isValues, numbers.baseAddress)
            count = headSize
        }
    }
}

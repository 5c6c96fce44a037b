import Compute

/// The layers of the language model, from embeddings to logits (spec 5.1).
struct LanguageModel: Sendable {
    let model: Model
    let pool: ThreadPool
    private let frequencies: TokenFrequencies
    private var sizes: TextConfiguration { model.configuration.text }

    init(model: Model, pool: ThreadPool) {
        self.model = model
        self.pool = pool
        frequencies = TokenFrequencies(model.configuration.text)
    }

    /// Puts rows of the embedding table where ``forward(_:_:use:scratch:)`` begins (spec 5.2).
    func embed(_ ids: ArraySlice<Int>, at first: Int, into scratch: inout LanguageScratch) {
        for (row, id) in ids.enumerated() {
            model.language.embedding.expandRow(
                id, into: &scratch.hidden, at: (first + row) * sizes.hidden)
        }
    }

    /// Runs the rows of `scratch.hidden` through all layers and leaves the result there.
    ///
    /// - Parameters:
    ///   - positions: of the rows.
    ///   - parts: whose the rows are, one after the other.
    ///   - use: whether many tokens of a prompt are read, or a few are decoded.
    /// - Returns: of each watched row of each part, `[heads, pairs]` of each layer that is watched.
    /// - Throws: `CancellationError`, the caches then holding rubbish for the rows.
    func forward(
        _ positions: RotaryPositions, _ parts: [PassPart], use: LinearUse,
        scratch: inout LanguageScratch
    ) throws -> [[[[Float]]]] {
        let rows = positions.count
        var looks = parts.map { [[[Float]]](repeating: [], count: $0.watched.count) }
        scratch.rotary.fill(positions, frequencies: frequencies)
        scratch.clock?.begin()
        for (index, layer) in model.language.layers.enumerated() {
            try Task.checkCancellation()
            normalize(layer.inputNorm, rows: rows, &scratch)
            pool.apply(
                layer.q, to: scratch.normed, rows: rows, into: &scratch.query, use: use)
            pool.apply(
                layer.k, to: scratch.normed, rows: rows, into: &scratch.key, use: use)
            pool.apply(
                layer.v, to: scratch.normed, rows: rows, into: &scratch.value, use: use)
            scratch.clock?.lap(.qkv)
            rotate(&scratch, rows: rows)
            scratch.clock?.lap(.rope)
            var row = 0
            for (number, part) in parts.enumerated() {
                attend(part, from: row, layer: index, &scratch, looks: &looks[number])
                row += part.rows
            }
            scratch.clock?.lap(.attention)
            pool.apply(
                layer.o, to: scratch.attended, rows: rows, into: &scratch.hidden, adding: true,
                use: use)
            scratch.clock?.lap(.projection)

            normalize(layer.postAttentionNorm, rows: rows, &scratch)
            pool.apply(
                layer.gate, to: scratch.normed, rows: rows, into: &scratch.gate, use: use)
            pool.apply(
                layer.up, to: scratch.normed, rows: rows, into: &scratch.up, use: use)
            pool.multiplySiLU(&scratch.gate, by: scratch.up, count: rows * sizes.intermediate)
            scratch.clock?.lap(.gateUp)
            pool.apply(
                layer.down, to: scratch.gate, rows: rows, into: &scratch.hidden, adding: true,
                use: use)
            scratch.clock?.lap(.down)
        }
        return looks
    }

    /// Stores the keys and values of a part's rows, from `row` on, and lets them look.
    private func attend(
        _ part: PassPart, from row: Int, layer: Int, _ scratch: inout LanguageScratch,
        looks: inout [[[Float]]]
    ) {
        pool.store(
            keys: scratch.key, values: scratch.value, from: row, part.sequences, layer: layer,
            in: part.pages)
        pool.attend(
            scratch.query, from: row, heads: sizes.heads, part.sequences, layer: layer,
            in: part.pages, into: &scratch.attended)
        for (place, look) in part.watched.enumerated()
        where look.watch.heads.layers.contains(layer) {
            looks[place].append(
                pool.attentionShares(
                    scratch.query, row: row + look.row, heads: sizes.heads, look.sequence,
                    layer: layer, in: part.pages, watched: look.watch.visual,
                    groups: look.watch.pairs))
        }
    }

    /// Appends the logits of rows of `scratch.hidden`, `[rows, vocabulary]`.
    func appendLogits(
        of rows: Range<Int>, use: LinearUse, _ scratch: inout LanguageScratch,
        to result: inout [Float]
    ) {
        for first in stride(
            from: rows.lowerBound, to: rows.upperBound, by: LanguageScratch.logitRows)
        {
            let count = min(LanguageScratch.logitRows, rows.upperBound - first)
            scratch.clock?.begin()
            pool.rmsNorm(
                scratch.hidden, from: first, rows: count, weight: model.language.norm.weight,
                epsilon: sizes.rmsEpsilon, into: &scratch.normed)
            scratch.clock?.lap(.norm)
            pool.linear(
                scratch.normed, rows: count, model.language.head, into: &scratch.logits, use: use)
            scratch.clock?.lap(.head)
            scratch.logits.append(0..<count * sizes.vocabulary, to: &result)
        }
    }

    private func normalize(_ norm: NormWeights, rows: Int, _ scratch: inout LanguageScratch) {
        pool.rmsNorm(
            scratch.hidden, rows: rows, weight: norm.weight, epsilon: sizes.rmsEpsilon,
            into: &scratch.normed)
        scratch.clock?.lap(.norm)
    }

    private func rotate(_ scratch: inout LanguageScratch, rows: Int) {
        pool.rotate(
            &scratch.query, rows: rows, rowWidth: sizes.queryWidth, heads: sizes.heads,
            headSize: sizes.headSize, cosines: scratch.rotary.cosines, sines: scratch.rotary.sines)
        pool.rotate(
            &scratch.key, rows: rows, rowWidth: sizes.kvWidth, heads: sizes.kvHeads,
            headSize: sizes.headSize, cosines: scratch.rotary.cosines, sines: scratch.rotary.sines)
    }
}

/// Rows of a pass that belong to one cache.
struct PassPart: Sendable {
    /// Whose the rows are, one after the other; the pages hold their other tokens.
    let sequences: [KVSequence]
    let pages: LentPages
    /// Rows of which it is to be told what they attend to, counted from the part's first.
    let watched: [WatchedRow]

    var rows: Int { sequences.reduce(0) { $0 + $1.rows } }
}

/// Activations of one chunk of tokens.
struct LanguageScratch: ~Copyable, Sendable {
    /// Rows whose logits are computed together.
    static let logitRows = 64

    /// `[rows, hidden]`.
    var hidden: FloatBuffer
    /// `[rows, hidden]`.
    var normed: FloatBuffer
    /// `[rows, heads · headSize]`.
    var query: FloatBuffer
    /// `[rows, kvHeads · headSize]`.
    var key: FloatBuffer
    /// `[rows, kvHeads · headSize]`.
    var value: FloatBuffer
    /// `[rows, heads · headSize]`.
    var attended: FloatBuffer
    /// `[rows, intermediate]`.
    var gate: FloatBuffer
    /// `[rows, intermediate]`.
    var up: FloatBuffer
    /// `[logitRows, vocabulary]`.
    var logits: FloatBuffer
    var rotary: RotaryTable
    /// Set to note where the time goes.
    var clock: LayerClock?
}

extension LanguageScratch {
    /// - Throws: `outOfMemory`.
    init(_ text: TextConfiguration, rows: Int) throws(ComputeError) {
        self.init(
            hidden: try FloatBuffer(count: rows * text.hidden),
            normed: try FloatBuffer(count: max(rows, Self.logitRows) * text.hidden),
            query: try FloatBuffer(count: rows * text.queryWidth),
            key: try FloatBuffer(count: rows * text.kvWidth),
            value: try FloatBuffer(count: rows * text.kvWidth),
            attended: try FloatBuffer(count: rows * text.queryWidth),
            gate: try FloatBuffer(count: rows * text.intermediate),
            up: try FloatBuffer(count: rows * text.intermediate),
            logits: try FloatBuffer(count: Self.logitRows * text.vocabulary),
            rotary: try RotaryTable(rows: rows, headSize: text.headSize))
    }
}

import Compute

/// Rows of embeddings that take the place of the pads of one visual input.
public struct VisualSpan: Sendable {
    /// The pads' places among the ids of a prefill.
    public let range: Range<Int>
    /// `[range.count, hidden]`, as ``VisionEncoder`` gives them.
    public let embeddings: [Float]

    public init(range: Range<Int>, embeddings: [Float]) {
        self.range = range
        self.embeddings = embeddings
    }
}

/// Why a session cannot take tokens.
public enum SessionError: Error, Sendable, Equatable {
    /// More tokens than the session was made for.
    case full(length: Int, adding: Int, capacity: Int)
    /// A token that the model has no embedding for: tokenizer and model do not belong together.
    case unknownToken(id: Int, vocabulary: Int)
}

extension SessionError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .full(let length, let adding, let capacity):
            "\(adding) tokens after \(length) exceed the \(capacity) that fit in this session"
        case .unknownToken(let id, let vocabulary):
            "token \(id) is not in the model's vocabulary of \(vocabulary): "
                + "the tokenizer belongs to another model"
        }
    }
}

/// One sequence of tokens in the language model, with what it remembers of them.
///
/// Many sessions may share a model and a pool; one session belongs to one task at a time.
public struct Session: ~Copyable, Sendable {
    /// Tokens that go through the layers together: enough to make reading the weights cheap.
    package static let chunk = 512

    /// Tokens in the sequence.
    public private(set) var length = 0
    /// Tokens that fit.
    public let capacity: Int
    /// Set to note where the tokens that are added from now on look; its visual tokens are in the
    /// sequence already.
    public var watch: AttentionWatch?

    /// How keys and values are stored.
    public var kv: KVFormat { cache.format }

    private let network: LanguageModel
    private var cache: KVPages
    private var scratch: LanguageScratch
    private let chunk: Int

    /// - Parameters:
    ///   - capacity: tokens, prompt and answers together. Memory is taken as it fills.
    ///   - kv: how keys and values are stored.
    /// - Throws: `system(.outOfMemory)`.
    public init(
        model: Model, pool: ThreadPool, capacity: Int, kv: KVFormat = .f32
    ) throws(ModelError) {
        try self.init(model: model, pool: pool, capacity: capacity, kv: kv, chunk: Self.chunk)
    }

    package init(
        model: Model, pool: ThreadPool, capacity: Int, kv: KVFormat = .f32, chunk: Int
    ) throws(ModelError) {
        precondition(capacity > 0 && chunk > 0, "capacity \(capacity), chunk \(chunk)")
        let text = model.configuration.text
        let rows = min(chunk, capacity)
        self.init(
            network: LanguageModel(model: model, pool: pool), capacity: capacity, chunk: rows,
            cache: try memory { () throws(ComputeError) in
                try KVPages(text, format: kv, pages: KVPages.pages(for: capacity))
            },
            scratch: try memory { () throws(ComputeError) in
                try LanguageScratch(text, rows: rows)
            })
    }

    private init(
        network: LanguageModel, capacity: Int, chunk: Int, cache: consuming KVPages,
        scratch: consuming LanguageScratch
    ) {
        self.capacity = capacity
        self.network = network
        self.chunk = chunk
        self.cache = cache
        self.scratch = scratch
    }

    /// Adds tokens of a prompt to the sequence. Into how many calls a prompt is cut changes nothing.
    ///
    /// - Parameters:
    ///   - ids: at least one.
    ///   - visual: which of them are stood in for; ranges in order and apart.
    ///   - positions: of the ids.
    ///   - wantAllLogits: the logits of all rows rather than of the last one.
    /// - Returns: `[vocabulary]`, or `[ids.count, vocabulary]`.
    /// - Throws: ``SessionError``; `CancellationError` when the task is cancelled. The sequence is
    ///   then as it was before.
    public mutating func prefill(
        ids: [Int], visual: [VisualSpan] = [], positions: RotaryPositions,
        wantAllLogits: Bool = false
    ) throws -> [Float] {
        try add(ids, visual, positions, wantAllLogits: wantAllLogits, use: .manyRows)
    }

    /// Adds one token of text.
    ///
    /// - Returns: the logits of the next one, `[vocabulary]`.
    /// - Throws: as ``prefill(ids:visual:positions:wantAllLogits:)``.
    public mutating func step(_ token: Int, position: Int) throws -> [Float] {
        try add(
            [token], [], .text(from: position, tokens: 1), wantAllLogits: false, use: .fewRows)
    }

    private mutating func add(
        _ ids: [Int], _ visual: [VisualSpan], _ positions: RotaryPositions, wantAllLogits: Bool,
        use: LinearUse
    ) throws -> [Float] {
        let sizes = network.model.configuration.text
        precondition(
            !ids.isEmpty && positions.count == ids.count,
            "\(positions.count) positions for \(ids.count) tokens")
        precondition(
            watch.map { $0.visual.upperBound <= length } ?? true, "watching what is not there yet")
        try check(ids)
        check(visual, count: ids.count, hidden: sizes.hidden)
        let before = length
        var logits: [Float] = []
        logits.reserveCapacity((wantAllLogits ? ids.count : 1) * sizes.vocabulary)
        do {
            for first in stride(from: 0, to: ids.count, by: chunk) {
                let rows = first..<min(first + chunk, ids.count)
                embed(ids, visual, rows)
                let isLast = rows.upperBound == ids.count
                // What is read on the way to the last token decides nothing.
                var watch = isLast ? self.watch : nil
                try network.forward(
                    positions[rows],
                    [KVSequence(length: length + rows.count, rows: rows.count)], use: use,
                    cache: &cache, scratch: &scratch, watch: &watch)
                if isLast { self.watch = watch }
                length += rows.count
                if wantAllLogits || isLast {
                    let wanted = wantAllLogits ? 0..<rows.count : rows.count - 1..<rows.count
                    network.appendLogits(of: wanted, use: use, &scratch, to: &logits)
                }
            }
        } catch {
            length = before
            throw error
        }
        return logits
    }

    /// Forgets the tokens from `length` on.
    public mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= self.length, "\(length) of \(self.length) tokens")
        self.length = length
    }

    // MARK: - Memory

    /// Clears what tokens that were forgotten have left in memory, so that equal sequences have equal
    /// bytes.
    package mutating func tidy() {
        let place = length % KVPages.tokensPerPage
        guard place > 0 else { return }
        cache.clear(page: length / KVPages.tokensPerPage, from: place)
    }

    /// Shows the bytes of a piece of what this session remembers.
    ///
    /// - Parameter part: of tokens that are in the sequence.
    package func withBytes<Result, Failure: Error>(
        of part: MemoryPart, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(
            part.pages.upperBound <= KVPages.pages(for: length),
            "pages \(part.pages) of \(length) tokens")
        return try cache.withBytes(
            layer: part.layer, head: part.head, pages: part.pages, body)
    }

    /// Puts a piece where it belongs, of a sequence that this session, which is empty, is to go on
    /// with. The session stays so until ``resume(after:)``.
    ///
    /// - Parameter bytes: `part.byteCount` of them, at any address.
    package mutating func restore(_ part: MemoryPart, from bytes: UnsafeRawBufferPointer) {
        precondition(
            bytes.count == part.byteCount && length == 0,
            "\(bytes.count) bytes of \(part.byteCount) after \(length) tokens")
        cache.write(bytes, layer: part.layer, head: part.head, pages: part.pages)
    }

    /// Goes on behind tokens all pieces of which were restored.
    package mutating func resume(after tokens: Int) {
        precondition(tokens <= capacity, "\(tokens) of \(capacity) tokens")
        length = tokens
    }

    // MARK: - Embeddings

    /// Rows of the embedding table, and the visual rows in place of the pads (spec 5.2).
    private mutating func embed(_ ids: [Int], _ visual: [VisualSpan], _ rows: Range<Int>) {
        let width = network.model.configuration.text.hidden
        let table = network.model.language.embedding
        for (row, index) in rows.enumerated() {
            table.expandRow(ids[index], into: &scratch.hidden, at: row * width)
        }
        for span in visual {
            let part = span.range.clamped(to: rows)
            guard !part.isEmpty else { continue }
            let start = (part.lowerBound - span.range.lowerBound) * width
            span.embeddings.withUnsafeBufferPointer { numbers in
                scratch.hidden.write(
                    UnsafeBufferPointer(rebasing: numbers[start..<start + part.count * width]),
                    at: (part.lowerBound - rows.lowerBound) * width)
            }
        }
    }

    private func check(_ ids: [Int]) throws(SessionError) {
        guard ids.count <= capacity - length else {
            throw .full(length: length, adding: ids.count, capacity: capacity)
        }
        let vocabulary = network.model.configuration.text.vocabulary
        if let id = ids.first(where: { $0 < 0 || $0 >= vocabulary }) {
            throw .unknownToken(id: id, vocabulary: vocabulary)
        }
    }

    private func check(_ visual: [VisualSpan], count: Int, hidden: Int) {
        var end = 0
        for span in visual {
            precondition(
                span.range.lowerBound >= end && span.range.upperBound <= count
                    && span.embeddings.count == span.range.count * hidden,
                "visual rows \(span.range) of \(count), \(span.embeddings.count) numbers")
            end = span.range.upperBound
        }
    }
}

/// What `make` gives; that there is no memory for it becomes a ``ModelError``.
private func memory<Owner: ~Copyable>(
    _ make: () throws(ComputeError) -> Owner
) throws(ModelError) -> Owner {
    do throws(ComputeError) {
        return try make()
    } catch {
        throw .system(error)
    }
}

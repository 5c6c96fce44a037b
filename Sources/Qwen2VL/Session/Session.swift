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

/// Sequences of tokens in the language model, with what it remembers of them: a trunk, and branches
/// that share its beginning.
///
/// What adds, removes and tells of tokens is about the sequence that is selected: the trunk at first.
/// Many sessions may share a model and a pool; one session belongs to one task at a time.
public struct Session: ~Copyable, Sendable {
    /// Tokens that go through the layers together: enough to make reading the weights cheap.
    package static let chunk = 512
    /// Tokens of one sequence that are decoded together, at most: its last one and a draft.
    package static let draftRows = 8

    /// Tokens in the selected sequence.
    public internal(set) var length: Int {
        get { sequences[selected].length }
        set { sequences[selected].length = newValue }
    }
    /// Tokens that fit in the selected sequence.
    public var capacity: Int { sequences[selected].capacity }
    /// Set to note where the tokens that are added from now on look; its visual tokens are in the
    /// selected sequence already.
    public var watch: AttentionWatch? {
        get { sequences[selected].watch }
        set { sequences[selected].watch = newValue }
    }
    /// Set to note where the time of the passes from now on goes, whichever sequence they are for.
    package var clock: LayerClock? {
        get { scratch.clock }
        set { scratch.clock = newValue }
    }
    /// How keys and values are stored.
    public var kv: KVFormat { cache.format }

    let network: LanguageModel
    var cache: KVPages
    var scratch: LanguageScratch
    /// The trunk, then the branches.
    var sequences: [SessionSequence]
    var selected = 0
    /// Tokens of a prompt that go through the layers together.
    private let chunk: Int
    /// Rows that there is room for in a pass.
    let rows: Int

    /// - Parameters:
    ///   - capacity: tokens of the trunk, prompt and answer together. Memory is taken as it fills.
    ///   - kv: how keys and values are stored.
    ///   - branches: how many there can be at once.
    ///   - branchCapacity: tokens that a branch can have behind those that it shares.
    /// - Throws: `system(.outOfMemory)`.
    public init(
        model: Model, pool: ThreadPool, capacity: Int, kv: KVFormat = .f32, branches: Int = 0,
        branchCapacity: Int = 0
    ) throws(ModelError) {
        try self.init(
            model: model, pool: pool, capacity: capacity, kv: kv, branches: branches,
            branchCapacity: branchCapacity, chunk: Self.chunk)
    }

    package init(
        model: Model, pool: ThreadPool, capacity: Int, kv: KVFormat = .f32, branches: Int = 0,
        branchCapacity: Int = 0, chunk: Int
    ) throws(ModelError) {
        precondition(
            capacity > 0 && chunk > 0 && (0..<KVPages.mostSequences).contains(branches)
                && branchCapacity >= 0,
            "capacity \(capacity), chunk \(chunk), \(branches) branches of \(branchCapacity)")
        let text = model.configuration.text
        let chunk = min(chunk, max(capacity, branchCapacity))
        let rows = max(chunk, (branches + 1) * Self.draftRows)
        var sequences = [SessionSequence(place: KVSequence(length: 0, rows: 0), capacity: capacity)]
        var pages = KVPages.pages(for: capacity)
        for _ in 0..<branches {
            sequences.append(
                SessionSequence(
                    place: KVSequence(own: pages, length: 0, rows: 0), capacity: 0,
                    ownCapacity: branchCapacity, isFree: true))
            // A branch can begin within a page, which it has a copy of.
            pages += KVPages.pages(for: branchCapacity) + 1
        }
        self.init(
            network: LanguageModel(model: model, pool: pool), sequences: sequences, chunk: chunk,
            rows: rows,
            cache: try memory { () throws(ComputeError) in
                try KVPages(text, format: kv, pages: pages)
            },
            scratch: try memory { () throws(ComputeError) in
                try LanguageScratch(text, rows: rows)
            })
    }

    private init(
        network: LanguageModel, sequences: [SessionSequence], chunk: Int, rows: Int,
        cache: consuming KVPages, scratch: consuming LanguageScratch
    ) {
        self.network = network
        self.sequences = sequences
        self.chunk = chunk
        self.rows = rows
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
        let sizes = network.model.configuration.text
        precondition(
            !ids.isEmpty && positions.count == ids.count,
            "\(positions.count) positions for \(ids.count) tokens")
        precondition(
            watch.map { $0.visual.upperBound <= length } ?? true, "watching what is not there yet")
        try check(ids, for: selected)
        check(visual, count: ids.count, hidden: sizes.hidden)
        let before = length
        var logits: [Float] = []
        logits.reserveCapacity((wantAllLogits ? ids.count : 1) * sizes.vocabulary)
        do {
            for first in stride(from: 0, to: ids.count, by: chunk) {
                let rows = first..<min(first + chunk, ids.count)
                embed(ids, visual, rows)
                let isLast = rows.upperBound == ids.count
                let sequence = sequences[selected].adding(rows.count)
                // What is read on the way to the last token decides nothing.
                let watched = isLast ? watch.map { [sequence.watched(rows.count - 1, $0)] } : nil
                let part = PassPart(
                    sequences: [sequence], pages: cache.lend(), watched: watched ?? [])
                let looks = try network.forward(
                    positions[rows], [part], use: .manyRows, scratch: &scratch)[0]
                if let look = looks.first { watch?.add(look) }
                length += rows.count
                if wantAllLogits || isLast {
                    let wanted = wantAllLogits ? 0..<rows.count : rows.count - 1..<rows.count
                    network.appendLogits(of: wanted, use: .manyRows, &scratch, to: &logits)
                }
            }
        } catch {
            length = before
            throw error
        }
        return logits
    }

    /// Adds one token of text.
    ///
    /// - Returns: the logits of the next one, `[vocabulary]`.
    /// - Throws: as ``prefill(ids:visual:positions:wantAllLogits:)``.
    public mutating func step(_ token: Int, position: Int) throws -> [Float] {
        try extend([token], position: position)[0]
    }

    /// Adds a few tokens of text: each gives the same logits as if it were added by itself.
    ///
    /// - Returns: the logits behind each, `[tokens][vocabulary]`.
    /// - Throws: as ``prefill(ids:visual:positions:wantAllLogits:)``.
    package mutating func extend(_ tokens: [Int], position: Int) throws -> [[Float]] {
        let logits = try decode([(selected, tokens, position)])[0]
        keep(selected, tokens.count)
        return logits
    }

    /// Forgets the tokens from `length` on.
    public mutating func truncate(to length: Int) {
        precondition(length >= 0 && length <= self.length, "\(length) of \(self.length) tokens")
        let shared = sequences[selected].place.shared * KVPages.tokensPerPage
        let others = sequences.map { $0.isFree ? 0 : $0.place.shared * KVPages.tokensPerPage }
        precondition(
            length >= (selected == 0 ? others.max() ?? 0 : shared),
            "\(length) tokens are fewer than branches share")
        self.length = length
    }

    // MARK: - Embeddings

    /// Rows of the embedding table, and the visual rows in place of the pads (spec 5.2).
    mutating func embed(_ ids: [Int], _ visual: [VisualSpan], _ rows: Range<Int>) {
        let width = network.model.configuration.text.hidden
        network.embed(ids[rows], at: 0, into: &scratch)
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

    func check(_ ids: [Int], for sequence: Int) throws(SessionError) {
        let (length, capacity) = (sequences[sequence].length, sequences[sequence].capacity)
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

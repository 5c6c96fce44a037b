internal import CKernels

/// Keys and values of past tokens in pages, of all layers and heads: `[layer][head][page]`.
///
/// All pages are reserved and become physical as they are filled.
package struct KVPages: ~Copyable, Sendable {
    package static let tokensPerPage = Int(RS_KV_PAGE)

    package let format: KVFormat
    package let layers: Int
    package let heads: Int
    package let headSize: Int
    /// Pages of each head of each layer.
    package let count: Int

    // Sendable: one owner, which writes only through `inout` access to this value.
    nonisolated(unsafe) let base: UnsafeMutablePointer<CChar>
    private let bytes: Int

    /// - Throws: `outOfMemory`.
    package init(
        format: KVFormat, layers: Int, heads: Int, headSize: Int, pages: Int
    ) throws(ComputeError) {
        precondition(
            layers > 0 && heads > 0 && headSize > 0 && headSize <= RS_ATTENTION_MAX_HEAD
                && pages > 0,
            "\(layers) layers, \(heads) heads of \(headSize), \(pages) pages")
        let page = rs_kv_page_bytes(format.type, headSize)
        let (bytes, overflow) = (layers * heads * page).multipliedReportingOverflow(by: pages)
        // Whole pages of the system would make more physical than was filled.
        guard !overflow, let memory = rs_reserve(bytes, true) else {
            throw .outOfMemory(bytes: overflow ? .max : bytes)
        }
        base = memory.bindMemory(to: CChar.self, capacity: bytes)
        self.bytes = bytes
        self.format = format
        self.layers = layers
        self.heads = heads
        self.headSize = headSize
        count = pages
    }

    deinit { rs_release(base, bytes) }

    /// Bytes of one page of one head.
    package var pageBytes: Int { rs_kv_page_bytes(format.type, headSize) }

    /// Shows the bytes of consecutive pages of one head.
    package func withBytes<Result, Failure: Error>(
        layer: Int, head: Int, pages: Range<Int>,
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(
            UnsafeRawBufferPointer(
                start: start(layer: layer, head: head, pages: pages),
                count: pages.count * pageBytes))
    }

    /// Puts bytes that ``withBytes(layer:head:pages:_:)`` has shown in their place.
    package mutating func write(
        _ bytes: UnsafeRawBufferPointer, layer: Int, head: Int, pages: Range<Int>
    ) {
        precondition(
            bytes.count == pages.count * pageBytes, "\(bytes.count) bytes for \(pages.count) pages")
        guard let from = bytes.baseAddress else { return }
        UnsafeMutableRawPointer(start(layer: layer, head: head, pages: pages))
            .copyMemory(from: from, byteCount: bytes.count)
    }

    /// Makes zeros of a page of all heads of all layers from a token's place on.
    package mutating func clear(page: Int, from place: Int) {
        precondition((0...Self.tokensPerPage).contains(place), "place \(place) of a page")
        for layer in 0..<layers {
            for head in 0..<heads {
                rs_kv_clear(
                    format.type, headSize, place,
                    start(layer: layer, head: head, pages: page..<page + 1))
            }
        }
    }

    /// Copies a page of all heads of all layers to the place of another.
    package mutating func copy(page source: Int, to target: Int) {
        for layer in 0..<layers {
            for head in 0..<heads {
                start(layer: layer, head: head, pages: target..<target + 1).update(
                    from: start(layer: layer, head: head, pages: source..<source + 1),
                    count: pageBytes)
            }
        }
    }

    private func start(layer: Int, head: Int, pages: Range<Int>) -> UnsafeMutablePointer<CChar> {
        precondition(
            (0..<layers).contains(layer) && (0..<heads).contains(head) && pages.lowerBound >= 0
                && pages.upperBound <= count,
            "pages \(pages) of \(count), head \(head) of \(heads), layer \(layer) of \(layers)")
        return base + ((layer * heads + head) * count + pages.lowerBound) * pageBytes
    }
}

/// Which pages hold a sequence, and how much of it a pass is about.
package struct KVSequence: Sendable, Equatable {
    /// Pages from the first one on that the sequence shares with others.
    package var shared: Int
    /// The page after the shared ones; its own pages follow each other.
    package var own: Int
    /// Tokens, those of the pass included.
    package var length: Int
    /// Tokens of the pass, the last of them; they lie in own pages.
    package var rows: Int

    package init(shared: Int = 0, own: Int = 0, length: Int, rows: Int) {
        self.shared = shared
        self.own = own
        self.length = length
        self.rows = rows
    }
}

extension KVPages {
    /// Sequences of one cache that a pass takes at most.
    package static let mostSequences = Int(RS_KV_MAX_SEQUENCES)

    /// The pages for one pass, which may be about other caches too. They are the owner's again when the
    /// pass has ended; until then it must live, and neither read nor write them.
    package mutating func lend() -> LentPages { lent }

    /// The same to read and write at once, within a call that has access to this value.
    var lent: LentPages {
        LentPages(
            format: format, layers: layers, heads: heads, headSize: headSize, count: count,
            base: base)
    }
}

/// Pages that another has lent; see ``KVPages/lend()``.
package struct LentPages: Sendable {
    package let format: KVFormat
    package let layers: Int
    package let heads: Int
    package let headSize: Int
    /// Pages of each head of each layer.
    let count: Int
    // Sendable: one pass uses them, while their owner waits for it.
    nonisolated(unsafe) let base: UnsafeMutablePointer<CChar>

    var pageBytes: Int { rs_kv_page_bytes(format.type, headSize) }

    var layout: rs_kv_layout {
        rs_kv_layout(
            type: format.type, heads: heads, head_size: headSize, head_bytes: count * pageBytes)
    }

    /// Where a sequence lies in a layer, after checking that it is there.
    func place(of sequence: KVSequence, layer: Int) -> rs_kv_sequence {
        let pages = (sequence.length + KVPages.tokensPerPage - 1) / KVPages.tokensPerPage
        let owned = max(0, pages - sequence.shared)
        precondition(
            (0..<layers).contains(layer) && sequence.shared >= 0 && sequence.shared <= count
                && sequence.own >= 0 && sequence.own + owned <= count && sequence.rows >= 0
                && sequence.rows <= sequence.length
                && (sequence.rows == 0
                    || sequence.length - sequence.rows
                        >= sequence.shared * KVPages.tokensPerPage),
            "\(sequence) in \(count) pages")
        let start = base + layer * heads * count * pageBytes
        return rs_kv_sequence(
            trunk: start, own: start + sequence.own * pageBytes, shared: sequence.shared,
            length: sequence.length, rows: sequence.rows)
    }
}

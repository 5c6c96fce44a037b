import Compute

/// A piece of what a session remembers: pages of the keys and values that one head of one layer has,
/// which lie together in memory.
package struct MemoryPart: Sendable, Equatable {
    /// Bytes of a part at most, but for a single page's.
    package static let bound = 1 << 20

    let layer: Int
    let head: Int
    let pages: Range<Int>
    package let byteCount: Int
}

extension TextConfiguration {
    /// What a session of this model remembers of its first tokens, piece by piece, in an order that
    /// depends on nothing else.
    package func memoryParts(tokens: Int, kv: KVFormat) -> [MemoryPart] {
        let page = kv.byteCount(tokens: 1, headSize: headSize)
        let step = max(1, MemoryPart.bound / page)
        let count = KVPages.pages(for: tokens)
        var parts: [MemoryPart] = []
        for layer in 0..<layers {
            for head in 0..<kvHeads {
                for first in stride(from: 0, to: count, by: step) {
                    let pages = first..<min(first + step, count)
                    parts.append(
                        MemoryPart(
                            layer: layer, head: head, pages: pages,
                            byteCount: pages.count * page))
                }
            }
        }
        return parts
    }

    /// Bytes of the keys and values of so many tokens.
    package func cacheBytes(tokens: Int, kv: KVFormat) -> Int {
        layers * kvHeads * kv.byteCount(tokens: tokens, headSize: headSize)
    }
}

extension Session {
    /// Clears what tokens that were forgotten have left in memory, so that equal sequences have equal
    /// bytes.
    package mutating func tidy() {
        let place = length % KVPages.tokensPerPage
        guard place > 0 else { return }
        let page = length / KVPages.tokensPerPage
        cache.clear(page: ownPages(page..<page + 1).lowerBound, from: place)
    }

    /// Shows the bytes of a piece of what the selected sequence, which shares nothing, remembers.
    ///
    /// - Parameter part: of tokens that are in the sequence.
    package func withBytes<Result, Failure: Error>(
        of part: MemoryPart, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(
            part.pages.upperBound <= KVPages.pages(for: length),
            "pages \(part.pages) of \(length) tokens")
        return try cache.withBytes(
            layer: part.layer, head: part.head, pages: ownPages(part.pages), body)
    }

    /// Puts a piece where it belongs, of a sequence that the selected one, which is empty, is to go on
    /// with. It stays empty until ``resume(after:)``.
    ///
    /// - Parameter bytes: `part.byteCount` of them, at any address.
    package mutating func restore(_ part: MemoryPart, from bytes: UnsafeRawBufferPointer) {
        precondition(
            bytes.count == part.byteCount && length == 0,
            "\(bytes.count) bytes of \(part.byteCount) after \(length) tokens")
        cache.write(bytes, layer: part.layer, head: part.head, pages: ownPages(part.pages))
    }

    /// Goes on behind tokens all pieces of which were restored.
    package mutating func resume(after tokens: Int) {
        precondition(tokens <= capacity, "\(tokens) of \(capacity) tokens")
        length = tokens
    }

    /// Where pages of the selected sequence lie.
    private func ownPages(_ pages: Range<Int>) -> Range<Int> {
        let place = sequences[selected].place
        precondition(pages.lowerBound >= place.shared, "\(pages) of \(place) is shared")
        let start = place.own - place.shared
        return start + pages.lowerBound..<start + pages.upperBound
    }
}

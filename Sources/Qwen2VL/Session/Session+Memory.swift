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

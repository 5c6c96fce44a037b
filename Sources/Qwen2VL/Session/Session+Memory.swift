import Compute

/// A piece of what a session remembers: the keys or the values that one head of one layer has for
/// some tokens, `[tokens, headSize]`, which lie together in memory.
package struct MemoryPart: Sendable, Equatable {
    /// Bytes of a part at most, but for a single token's.
    package static let bound = 1 << 20

    let isValues: Bool
    let layer: Int
    let head: Int
    let tokens: Range<Int>
    /// 32-bit numbers.
    package let byteCount: Int
}

extension TextConfiguration {
    /// What a session of this model remembers of its first tokens, piece by piece, in an order that
    /// depends on nothing else.
    package func memoryParts(tokens: Int) -> [MemoryPart] {
        let row = headSize * MemoryLayout<Float>.size
        let step = max(1, MemoryPart.bound / row)
        var parts: [MemoryPart] = []
        for layer in 0..<layers {
            for isValues in [false, true] {
                for head in 0..<kvHeads {
                    for first in stride(from: 0, to: tokens, by: step) {
                        let range = first..<min(first + step, tokens)
                        parts.append(
                            MemoryPart(
                                isValues: isValues, layer: layer, head: head, tokens: range,
                                byteCount: range.count * row))
                    }
                }
            }
        }
        return parts
    }
}

extension KVCache {
    func place(of part: MemoryPart) -> Range<Int> {
        let region = region(layer: part.layer)
        precondition(
            part.tokens.upperBound <= capacity, "tokens \(part.tokens) of \(capacity)")
        let start =
            region.start + (part.head * capacity + part.tokens.lowerBound) * region.headSize
        return start..<start + part.tokens.count * region.headSize
    }
}

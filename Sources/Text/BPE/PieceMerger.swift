/// Byte-pair encoding of one piece of text at a time.
///
/// Of all neighbours that can merge, those of the lowest rank go first, and of equals the leftmost.
/// A queue finds them, so that a piece of n bytes costs n·log n even where it is a whole file
/// without a space. Scratch memory is kept from piece to piece.
struct PieceMerger {
    private struct Symbol {
        var token: UInt32
        /// Neighbours in the piece, by index; -1 at its ends.
        var previous: Int
        var next: Int
        /// Whether it became part of the symbol on its left.
        var isGone = false
    }

    /// A merge that was possible when it was queued.
    private struct Candidate {
        let merge: MergeTable.Merge
        let left: Int
        /// The tokens that would merge.
        let leftToken: UInt32
        let rightToken: UInt32

        @inline(__always)
        func precedes(_ other: Candidate) -> Bool {
            merge.rank != other.merge.rank ? merge.rank < other.merge.rank : left < other.left
        }
    }

    private let table: MergeTable
    /// The token of each byte.
    private let byteTokens: [UInt32]
    private var symbols: [Symbol] = []
    /// A binary heap with the first candidate in front.
    private var queue: [Candidate] = []

    /// - Parameter byteTokens: 256 tokens.
    init(table: MergeTable, byteTokens: [UInt32]) {
        precondition(byteTokens.count == 256, "\(byteTokens.count) byte tokens")
        self.table = table
        self.byteTokens = byteTokens
    }

    /// Adds the tokens of `text[piece]` to `output`.
    mutating func encode(_ piece: Range<Int>, of text: [UInt8], into output: inout [TokenID]) {
        symbols.removeAll(keepingCapacity: true)
        queue.removeAll(keepingCapacity: true)
        for index in 0..<piece.count {
            symbols.append(
                Symbol(
                    token: byteTokens[Int(text[piece.lowerBound + index])],
                    previous: index - 1, next: index + 1 < piece.count ? index + 1 : -1))
        }
        for left in symbols.indices { queueMerge(at: left) }
        while let candidate = popFirst() { apply(candidate) }

        var index = symbols.isEmpty ? -1 : 0
        while index >= 0 {
            output.append(TokenID(symbols[index].token))
            index = symbols[index].next
        }
    }

    private mutating func queueMerge(at left: Int) {
        let right = symbols[left].next
        guard right >= 0 else { return }
        let leftToken = symbols[left].token
        let rightToken = symbols[right].token
        guard let merge = table.merge(leftToken, rightToken) else { return }
        push(
            Candidate(merge: merge, left: left, leftToken: leftToken, rightToken: rightToken))
    }

    private mutating func apply(_ candidate: Candidate) {
        let left = candidate.left
        let right = symbols[left].next
        // The neighbours may have changed since; then the candidate is void.
        guard !symbols[left].isGone, right >= 0,
            symbols[left].token == candidate.leftToken,
            symbols[right].token == candidate.rightToken
        else { return }
        let next = symbols[right].next
        symbols[left].token = candidate.merge.result
        symbols[left].next = next
        symbols[right].isGone = true
        if next >= 0 { symbols[next].previous = left }
        let previous = symbols[left].previous
        if previous >= 0 { queueMerge(at: previous) }
        queueMerge(at: left)
    }

    // MARK: - Queue

    private mutating func push(_ candidate: Candidate) {
        queue.append(candidate)
        var child = queue.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard queue[child].precedes(queue[parent]) else { break }
            queue.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popFirst() -> Candidate? {
        guard let first = queue.first else { return nil }
        let last = queue.removeLast()
        guard !queue.isEmpty else { return first }
        queue[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < queue.count else { break }
            if child + 1 < queue.count, queue[child + 1].precedes(queue[child]) { child += 1 }
            guard queue[child].precedes(queue[parent]) else { break }
            queue.swapAt(child, parent)
            parent = child
        }
        return first
    }
}

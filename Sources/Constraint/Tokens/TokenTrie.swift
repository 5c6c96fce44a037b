import Text

/// The bytes of all tokens of a vocabulary as a tree: what begins alike is looked at once.
///
/// Flat arrays in the order of a walk from the root down, so that a walk goes straight through
/// memory. Special tokens are left out. Made once for a tokenizer.
public final class TokenTrie: Sendable {
    /// One more than the highest id.
    public let vocabulary: Int
    /// By node: its byte, how many bytes lie above it, where the nodes below it end, and the token
    /// that ends in it or −1.
    let bytes: [UInt8]
    let depths: [UInt16]
    let ends: [Int32]
    let tokens: [Int32]
    /// Bytes of the longest token.
    let longest: Int

    private struct Entry {
        var start: Int
        var count: Int
        var id: Int32
    }

    public init(_ tokenizer: Tokenizer) {
        vocabulary = tokenizer.count
        var text: [UInt8] = []
        var entries: [Entry] = []
        for id in 0..<tokenizer.count where !tokenizer.isSpecial(id) {
            guard let bytes = tokenizer.bytes(of: id), !bytes.isEmpty,
                bytes.count <= Self.longestToken
            else { continue }
            entries.append(Entry(start: text.count, count: bytes.count, id: Int32(id)))
            text += bytes
        }
        entries.sort { first, second in
            Self.precedes(first, second, text)
        }
        var bytes: [UInt8] = []
        var depths: [UInt16] = []
        var ends: [Int32] = []
        var tokens: [Int32] = []
        // Nodes from the root to the last one that was made.
        var path: [Int] = []
        var previous: ArraySlice<UInt8> = []
        for entry in entries {
            let token = text[entry.start..<entry.start + entry.count]
            var shared = 0
            for (byte, other) in zip(token, previous) {
                guard byte == other else { break }
                shared += 1
            }
            for node in path[shared...].reversed() { ends[node] = Int32(bytes.count) }
            path.removeSubrange(shared...)
            for (depth, byte) in token.enumerated().dropFirst(shared) {
                path.append(bytes.count)
                bytes.append(byte)
                depths.append(UInt16(depth))
                ends.append(0)
                tokens.append(-1)
            }
            // Of tokens with equal bytes, which cannot be told apart, the first is used.
            if let last = path.last, tokens[last] < 0 { tokens[last] = entry.id }
            previous = token
        }
        for node in path { ends[node] = Int32(bytes.count) }
        self.bytes = bytes
        self.depths = depths
        self.ends = ends
        self.tokens = tokens
        longest = entries.map(\.count).max() ?? 0
    }

    /// Longer tokens are left out: long runs of spaces or signs, which shorter ones make up as well.
    /// Where a string has a bound, so many of its last characters are told apart.
    private static let longestToken = 32

    private static func precedes(_ first: Entry, _ second: Entry, _ text: [UInt8]) -> Bool {
        let count = min(first.count, second.count)
        for offset in 0..<count {
            let (byte, other) = (text[first.start + offset], text[second.start + offset])
            if byte != other { return byte < other }
        }
        return (first.count, first.id) < (second.count, second.id)
    }
}

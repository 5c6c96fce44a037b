/// The bytes of every token of a vocabulary, and the token of given bytes.
///
/// Bytes, never strings: `String` takes canonically equivalent texts for equal, and half of the
/// tokens are no text at all. They lie one after another in one array, as 150 000 small arrays
/// would cost more time and memory than everything else in a tokenizer.
struct TokenBytes: Sendable {
    private var bytes: [UInt8] = []
    /// Where the bytes of the tokens lie, by id; nil where no token has the id.
    private var ranges: [Range<Int>?] = []
    /// Ids by the hash of their bytes, with linear probing; -1 is free.
    private var slots: [Int32]
    private let mask: Int
    private var filled = 0

    /// Room for `count` tokens of `byteCount` bytes together.
    init(count: Int, byteCount: Int) {
        var capacity = 16
        while capacity <= count * 2 { capacity *= 2 }
        slots = Array(repeating: -1, count: capacity)
        mask = capacity - 1
        ranges.reserveCapacity(count)
        bytes.reserveCapacity(byteCount)
    }

    /// One more than the highest id.
    var count: Int { ranges.count }

    /// Whether a token has the id.
    func contains(_ id: TokenID) -> Bool { range(of: id) != nil }

    /// The bytes of a token, or nil where no token has the id.
    subscript(id: TokenID) -> ArraySlice<UInt8>? { range(of: id).map { bytes[$0] } }

    /// The token with exactly these bytes, or nil.
    func id(of token: some RandomAccessCollection<UInt8>) -> TokenID? {
        let slot = slots[slot(of: token)]
        return slot < 0 ? nil : TokenID(slot)
    }

    /// Adds a token.
    ///
    /// - Precondition: the id is free, is at most `Int32.max`, and no token has these bytes.
    mutating func insert(_ token: some RandomAccessCollection<UInt8>, id: TokenID) {
        let slot = slot(of: token)
        precondition(!contains(id) && slots[slot] < 0, "token \(id) is in the table")
        precondition(filled * 2 < slots.count, "no room for token \(id)")
        if id >= ranges.count {
            ranges.append(contentsOf: repeatElement(nil, count: id + 1 - ranges.count))
        }
        ranges[id] = bytes.count..<bytes.count + token.count
        bytes.append(contentsOf: token)
        slots[slot] = Int32(id)
        filled += 1
    }

    private func range(of id: TokenID) -> Range<Int>? {
        ranges.indices.contains(id) ? ranges[id] : nil
    }

    /// The slot that holds the token, or the free one where it would stand.
    private func slot(of token: some RandomAccessCollection<UInt8>) -> Int {
        var index = Int(truncatingIfNeeded: ByteHash.value(of: token)) & mask
        while slots[index] >= 0 {
            if let range = ranges[Int(slots[index])], bytes[range].elementsEqual(token) { break }
            index = (index + 1) & mask
        }
        return index
    }
}

/// A fast hash of short byte strings.
enum ByteHash {
    /// FNV-1a of 64 bits with its high half folded into the low one.
    @inline(__always)
    static func value(of bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash ^ hash >> 32
    }
}

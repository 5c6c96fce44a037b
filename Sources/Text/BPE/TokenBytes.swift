/// The bytes of every token of a vocabulary, and the token of given bytes.
///
/// Bytes, never strings: `String` takes canonically equivalent texts for equal, and half of the
/// tokens are no text at all. They lie one after another in one array, as 150 000 small arrays
/// would cost more time and memory than everything else in a tokenizer.
struct TokenBytes: Sendable {
    /// Where the bytes of a token lie.
    private struct Place: Sendable {
        var start: UInt32
        /// 0 where no token has the id.
        var count: UInt32
    }

    private struct Slot: Sendable {
        /// Part of the hash, so that other tokens are seldom compared byte by byte.
        var hash: UInt32
        /// -1 is free.
        var id: Int32
    }

    private var bytes: [UInt8] = []
    /// By id.
    private var places: [Place] = []
    /// Ids by the hash of their bytes, with linear probing.
    private var slots: [Slot]
    private let mask: Int
    private var filled = 0
    private let hash = SeededHash()

    /// Room for `count` tokens of `byteCount` bytes together.
    init(count: Int, byteCount: Int) {
        var capacity = 16
        while capacity <= count * 2 { capacity *= 2 }
        slots = Array(repeating: Slot(hash: 0, id: -1), count: capacity)
        mask = capacity - 1
        places.reserveCapacity(count)
        bytes.reserveCapacity(byteCount)
    }

    /// One more than the highest id.
    var count: Int { places.count }

    /// Whether a token has the id.
    func contains(_ id: TokenID) -> Bool { range(of: id) != nil }

    /// The bytes of a token, or nil where no token has the id.
    subscript(id: TokenID) -> ArraySlice<UInt8>? { range(of: id).map { bytes[$0] } }

    /// The token with exactly these bytes, or nil.
    func id(of token: ArraySlice<UInt8>) -> TokenID? {
        let id = slots[index(of: token, hash: hash.value(of: token))].id
        return id < 0 ? nil : TokenID(id)
    }

    /// Adds a token, unless one with these bytes is there.
    ///
    /// - Returns: whether it was added.
    /// - Precondition: the id is free and at most `Int32.max`, the token is not empty, all tokens
    ///   together have at most 4 GB, and there is room.
    mutating func insert(_ token: ArraySlice<UInt8>, id: TokenID) -> Bool {
        let hash = hash.value(of: token)
        let index = index(of: token, hash: hash)
        guard slots[index].id < 0 else { return false }
        precondition(!contains(id) && !token.isEmpty, "token \(id) is in the table or empty")
        precondition(filled * 2 < slots.count, "no room for token \(id)")
        if id >= places.count {
            let missing = id + 1 - places.count
            places.append(contentsOf: repeatElement(Place(start: 0, count: 0), count: missing))
        }
        places[id] = Place(start: UInt32(bytes.count), count: UInt32(token.count))
        bytes.append(contentsOf: token)
        slots[index] = Slot(hash: UInt32(truncatingIfNeeded: hash >> 32), id: Int32(id))
        filled += 1
        return true
    }

    private func range(of id: TokenID) -> Range<Int>? {
        guard places.indices.contains(id), places[id].count > 0 else { return nil }
        let start = Int(places[id].start)
        return start..<start + Int(places[id].count)
    }

    /// The slot that holds the token, or the free one where it would stand.
    private func index(of token: ArraySlice<UInt8>, hash: UInt64) -> Int {
        let tag = UInt32(truncatingIfNeeded: hash >> 32)
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].id >= 0 {
            if slots[index].hash == tag,
                self[TokenID(slots[index].id)]?.elementsEqual(token) == true
            {
                break
            }
            index = (index + 1) & mask
        }
        return index
    }
}

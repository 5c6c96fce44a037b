/// Which two neighbouring tokens become one, and in which order.
///
/// Looked up several times for each byte of a text, hence a table of its own: open addressing in
/// one array, so that a look-up touches one line of memory.
struct MergeTable: Sendable {
    /// What two tokens become.
    struct Merge: Sendable, Equatable {
        /// Place in the list of merges, from 1; lower goes first.
        let rank: UInt32
        /// The token of the joined bytes.
        let result: UInt32
    }

    private struct Slot: Sendable {
        var pair: UInt64 = 0
        /// Rank 0 marks a free slot.
        var merge = Merge(rank: 0, result: 0)
    }

    private var slots: [Slot]
    private let mask: Int
    private var filled = 0
    private let hash = SeededHash()

    /// Room for `count` merges.
    init(count: Int) {
        var capacity = 16
        while capacity < count + count / 2 { capacity *= 2 }
        slots = Array(repeating: Slot(), count: capacity)
        mask = capacity - 1
    }

    /// The merge of `left` followed by `right`, or nil.
    @inline(__always)
    func merge(_ left: UInt32, _ right: UInt32) -> Merge? {
        let slot = slots[index(of: Self.pair(left, right))]
        return slot.merge.rank == 0 ? nil : slot.merge
    }

    /// Adds a merge; one of the same tokens that was added before is forgotten, as in the
    /// reference.
    ///
    /// - Precondition: the rank is not 0, and there is room.
    mutating func insert(_ merge: Merge, left: UInt32, right: UInt32) {
        precondition(merge.rank > 0 && filled < slots.count - 1, "\(filled) merges, no room")
        let pair = Self.pair(left, right)
        let index = index(of: pair)
        if slots[index].merge.rank == 0 { filled += 1 }
        slots[index] = Slot(pair: pair, merge: merge)
    }

    @inline(__always)
    private static func pair(_ left: UInt32, _ right: UInt32) -> UInt64 {
        UInt64(left) << 32 | UInt64(right)
    }

    /// The slot that holds the pair, or the free one where it would stand.
    @inline(__always)
    private func index(of pair: UInt64) -> Int {
        var index = Int(truncatingIfNeeded: hash.value(of: pair)) & mask
        while slots[index].merge.rank != 0, slots[index].pair != pair {
            index = (index + 1) & mask
        }
        return index
    }
}

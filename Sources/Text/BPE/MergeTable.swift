/// Which two neighbouring tokens become one, and in which order.
struct MergeTable: Sendable {
    /// What two tokens become.
    struct Merge: Sendable, Equatable {
        /// Place in the list of merges; lower goes first.
        let rank: UInt32
        /// The token of the joined bytes.
        let result: UInt32
    }

    private var merges: [UInt64: Merge]

    init(count: Int) { merges = Dictionary(minimumCapacity: count) }

    /// The merge of `left` followed by `right`, or nil.
    @inline(__always)
    func merge(_ left: UInt32, _ right: UInt32) -> Merge? {
        merges[UInt64(left) << 32 | UInt64(right)]
    }

    /// Adds a merge; one of the same tokens that was added before is forgotten, as in the
    /// reference.
    mutating func insert(_ merge: Merge, left: UInt32, right: UInt32) {
        merges[UInt64(left) << 32 | UInt64(right)] = merge
    }
}

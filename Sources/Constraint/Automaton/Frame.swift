/// What is still to be written of one rule: one entry of a stack.
struct Frame: Hashable, Sendable {
    enum Kind: UInt8, Sendable {
        /// All of a node.
        case node
        /// A literal from byte `first` on.
        case literal
        /// A character, in state `first` of its rule.
        case character
        /// A repetition: at least `first` and at most `second` times more; −1: no bound.
        case repetition
        /// A number: its digits in `first`, the part in `second`, its sign in `third`.
        case number
        /// The members of an object from property `first` on, `second` written; `times`.
        case members
        /// The items of an array from item `first` on; `times`.
        case items
        /// The items of an array of different ones: those used as bits of `first`.
        case distinct
    }

    var kind: Kind
    var node: NodeID
    var first = 0
    var second: Int32 = 0
    var third: Int32 = 0
    /// Times that may follow, in objects and ordered arrays.
    var times = TimeProgress()

    /// An array or object that is open.
    var isContainer: Bool { kind == .members || kind == .items || kind == .distinct }

    static func node(_ id: NodeID) -> Frame { Frame(kind: .node, node: id) }

    static func number(_ id: NodeID, _ progress: NumberRule.Progress) -> Frame {
        let part: Int32 =
            switch progress.part {
            case .nothing: -2
            case .whole: -1
            case .fraction(let count): Int32(count)
            }
        return Frame(
            kind: .number, node: id, first: progress.digits, second: part,
            third: progress.isNegative ? 1 : 0)
    }

    var number: NumberRule.Progress {
        let part: NumberRule.Progress.Part =
            switch second {
            case -2: .nothing
            case -1: .whole
            default: .fraction(Int(second))
            }
        return NumberRule.Progress(isNegative: third == 1, part: part, digits: first)
    }
}

/// Which instants may be written next within one object, or one ordered array.
struct TimeProgress: Hashable, Sendable {
    /// Index of the earliest.
    var earliest: Int32 = 0
    /// One more than the index of the first that was written; 0 before.
    var afterFirst: Int32 = 0
}

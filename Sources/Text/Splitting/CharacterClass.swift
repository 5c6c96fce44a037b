/// What the split pattern of the tokenizer distinguishes.
enum CharacterClass: UInt8, Sendable {
    case other
    case letter
    case number
    case space

    /// The class of every scalar up to the last that is not `other`, by scalar value.
    private static let table: [CharacterClass] = {
        let runs = CharacterClassTable.runs
        var table: [CharacterClass] = []
        table.reserveCapacity(runs.last.map { Int($0 >> 2) } ?? 0)
        var current = CharacterClass.other
        for run in runs {
            table.append(
                contentsOf: repeatElement(current, count: Int(run >> 2) - table.count))
            current = CharacterClass(rawValue: UInt8(run & 3)) ?? .other
        }
        return table
    }()

    /// The class of the scalar with this value; `other` for values that no class holds.
    init(of scalar: UInt32) {
        let table = Self.table
        self = Int(scalar) < table.count ? table[Int(scalar)] : .other
    }
}

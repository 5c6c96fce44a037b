/// One character of a string in all of its allowed spellings, as a table.
///
/// Strings are most of what is written, so their characters are followed by one look-up a byte.
struct CharacterRule: Sendable {
    /// Instead of a state: no spelling goes on so, or one has ended.
    static let dead: Int16 = -1
    static let done: Int16 = -2

    /// `[state][byte]`: the state behind the byte.
    private let rows: [Int16]
    /// The shortest rest of a spelling, by state.
    let ends: [[UInt8]]

    /// - Parameter spellings: sets of bytes one after the other; none is the beginning of another,
    ///   none is empty, and there is at least one.
    init(_ spellings: [[ByteSet]]) {
        var numbers: [Set<[ByteSet]>: Int16] = [:]
        var states = [Set(spellings)]
        numbers[states[0]] = 0
        var rows: [Int16] = []
        var ends: [[UInt8]] = []
        var state = 0
        while state < states.count {
            // Bytes that fit the same spellings lead to the same state.
            let spellings = Array(states[state])
            var nexts: [[Int]: Int16] = [[]: Self.dead]
            for byte in UInt8.min...UInt8.max {
                let fitting = spellings.indices.filter { spellings[$0][0].contains(byte) }
                if let known = nexts[fitting] {
                    rows.append(known)
                    continue
                }
                let rest = Set(fitting.map { Array(spellings[$0].dropFirst()) })
                let next: Int16
                if rest.contains([]) {
                    next = Self.done
                } else if let known = numbers[rest] {
                    next = known
                } else {
                    next = Int16(states.count)
                    numbers[rest] = next
                    states.append(rest)
                }
                nexts[fitting] = next
                rows.append(next)
            }
            let examples = spellings.map { $0.map(\.example) }
            // The order of a set is no order: of equally short ones, letters first, then by bytes.
            let shortest = examples.min { first, second in
                (first.count, Self.rank(first), first.map(Int.init).description)
                    < (second.count, Self.rank(second), second.map(Int.init).description)
            }
            ends.append(shortest ?? [])
            state += 1
        }
        self.rows = rows
        self.ends = ends
    }

    var stateCount: Int { ends.count }

    func next(_ state: Int, _ byte: UInt8) -> Int16 { rows[state << 8 | Int(byte)] }

    private static func rank(_ text: [UInt8]) -> Int {
        guard let first = text.first else { return 2 }
        return (0x61...0x7A).contains(first) ? 0 : 1
    }
}

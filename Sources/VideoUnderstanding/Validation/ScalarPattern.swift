import Constraint

public typealias PatternFault = Constraint.PatternFault

/// A regular expression that is matched in time linear in the text, whatever the expression.
///
/// Patterns come from schemas that others wrote, and a backtracking matcher can be made to run for
/// ever by a dozen characters. This one follows all alternatives at once.
///
/// The subset of ECMA-262 that schemas use, over Unicode scalars: literals, `.`, classes with
/// ranges and negation, `\d \D \w \W \s \S`, `\t \n \r \f \v \0 \xHH \uHHHH \u{H…}`, groups
/// `(…)` and `(?:…)`, `|`, `* + ? {m} {m,} {m,n}` (lazy forms too), `^ $ \b \B`. Without look-around,
/// back references and `\p{…}`.
public struct ScalarPattern: Sendable {
    enum Instruction: Sendable {
        case scalar(ScalarSet)
        case split(Int, Int)
        case jump(Int)
        case start, end
        case boundary(Bool)
        case accept
    }

    private let program: [Instruction]

    /// - Throws: where the text is no regular expression, uses more than the subset, or would
    ///   expand to more than 20 000 steps.
    public init(_ text: String) throws(PatternFault) {
        var parser = PatternParser(text)
        let node = try parser.whole()
        var compiler = PatternCompiler()
        try compiler.emit(node)
        program = compiler.program + [.accept]
    }

    /// Whether the expression matches anywhere in `text`, as JSON Schema asks.
    public func matches(in text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var current = StateSet(count: program.count)
        var following = StateSet(count: program.count)
        for position in 0...scalars.count {
            if add(0, to: &current, scalars, position) { return true }
            guard position < scalars.count else { return false }
            following.removeAll()
            for state in current.members {
                guard case .scalar(let set) = program[state], set.contains(scalars[position]) else {
                    continue
                }
                if add(state + 1, to: &following, scalars, position + 1) { return true }
            }
            swap(&current, &following)
        }
        return false
    }

    /// Adds a state and what follows from it without reading; true once the end is reached.
    private func add(
        _ state: Int, to states: inout StateSet, _ text: [Unicode.Scalar], _ position: Int
    ) -> Bool {
        var waiting = [state]
        while let state = waiting.popLast() {
            guard states.insert(state) else { continue }
            switch program[state] {
            case .accept: return true
            case .jump(let target): waiting.append(target)
            case .split(let first, let second):
                waiting.append(second)
                waiting.append(first)
            case .start: if position == 0 { waiting.append(state + 1) }
            case .end: if position == text.count { waiting.append(state + 1) }
            case .boundary(let wanted):
                let before = position > 0 && ScalarSet.word.contains(text[position - 1])
                let after = position < text.count && ScalarSet.word.contains(text[position])
                if (before != after) == wanted { waiting.append(state + 1) }
            case .scalar: break
            }
        }
        return false
    }
}

/// States of one position, each once, in order of arrival.
private struct StateSet {
    private(set) var members: [Int] = []
    private var present: [Bool]

    init(count: Int) { present = Array(repeating: false, count: count) }

    mutating func insert(_ state: Int) -> Bool {
        guard !present[state] else { return false }
        present[state] = true
        members.append(state)
        return true
    }

    mutating func removeAll() {
        for state in members { present[state] = false }
        members.removeAll(keepingCapacity: true)
    }
}

/// Turns the tree of an expression into steps.
private struct PatternCompiler {
    var program: [ScalarPattern.Instruction] = []

    mutating func emit(_ node: PatternNode) throws(PatternFault) {
        guard program.count < 20_000 else {
            throw PatternFault(reason: "the pattern is too large once repeated", offset: 0)
        }
        switch node {
        case .set(let set): program.append(.scalar(set))
        case .start: program.append(.start)
        case .end: program.append(.end)
        case .boundary(let wanted): program.append(.boundary(wanted))
        case .sequence(let parts): for part in parts { try emit(part) }
        case .alternatives(let options):
            var exits: [Int] = []
            for (index, option) in options.enumerated() {
                guard index < options.count - 1 else {
                    try emit(option)
                    break
                }
                let fork = program.count
                program.append(.jump(0))
                try emit(option)
                exits.append(program.count)
                program.append(.jump(0))
                program[fork] = .split(fork + 1, program.count)
            }
            for exit in exits { program[exit] = .jump(program.count) }
        case .repeated(let part, let least, let most):
            for _ in 0..<least { try emit(part) }
            guard let most else {
                let fork = program.count
                program.append(.jump(0))
                try emit(part)
                program.append(.jump(fork))
                program[fork] = .split(fork + 1, program.count)
                return
            }
            var forks: [Int] = []
            for _ in least..<max(least, most) {
                forks.append(program.count)
                program.append(.jump(0))
                try emit(part)
            }
            for fork in forks { program[fork] = .split(fork + 1, program.count) }
        }
    }
}

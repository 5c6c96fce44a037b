/// Follows a text byte by byte through a grammar, all of its readings at once.
///
/// A reading is a stack of frames, kept as a linked list whose cells are shared: equal stacks are one
/// cell, and a state is the set of cells whose next byte is open. Transitions are worked out when
/// they are first asked for and then remembered.
///
/// Every reading that is kept can be completed. So readings may be dropped when there are too many,
/// and no text ever runs into a dead end.
final class Automaton {
    typealias Cell = Int32
    typealias State = Int32

    /// The state of texts that fit no reading.
    static let dead: State = -1
    static let unknown: State = -2
    static let bottom: Cell = 0
    /// Readings of one text that are followed, beside those that differ in a time.
    private static let mostReadings = 512

    struct Stack: Hashable {
        var frame: Frame
        var rest: Cell
    }

    private struct Readings: Hashable {
        var cells: [Cell]
        var accepts: Bool
    }

    let grammar: Grammar
    private(set) var start: State = 0

    private(set) var stacks: [Stack] = []
    private(set) var depths: [Int32] = []
    private var cellOf: [Stack: Cell] = [:]
    private var states: [Readings] = []
    private var stateOf: [Readings: State] = [:]
    private var cellsOfStates = 0
    /// `[state][class of byte]`
    private(set) var rows: [State] = []
    let classes: [UInt16]
    let classCount: Int

    // Working memory of `closure`.
    private var marks: [UInt32] = []
    private var epoch: UInt32 = 0
    var waiting: [Cell] = []
    var found: [Cell] = []
    private var accepts = false

    init(_ grammar: Grammar) {
        self.grammar = grammar
        classes = grammar.classes.classes
        classCount = grammar.classes.count
        reset()
    }

    private func reset() {
        stacks = [Stack(frame: .node(grammar.root), rest: -1)]
        depths = [0]
        cellOf = [:]
        states = []
        stateOf = [:]
        cellsOfStates = 0
        rows = []
        marks = [0]
        epoch = 0
        start = closure(of: [cell(.node(grammar.root), Self.bottom)])
    }

    // MARK: - States

    /// Bytes of what is remembered, about.
    var memory: Int { rows.count * 4 + stacks.count * 160 + cellsOfStates * 8 }

    /// Whether the text may end here.
    func accepts(_ state: State) -> Bool { states[Int(state)].accepts }

    /// Whether the text can only end here.
    func isFinal(_ state: State) -> Bool { states[Int(state)].cells.isEmpty }

    /// The state behind one more byte.
    func next(_ state: State, _ byte: UInt8) -> State {
        let place = Int(state) * classCount + Int(classes[Int(byte)])
        let known = rows[place]
        if known != Self.unknown { return known }
        return resolve(state, byte)
    }

    /// Works a transition out that is not known yet, and remembers it.
    func resolve(_ state: State, _ byte: UInt8) -> State {
        let next = computeNext(state, byte)
        rows[Int(state) * classCount + Int(classes[Int(byte)])] = next
        return next
    }

    /// Forgets everything but one state, which it gives under its new name.
    func forgetting(allBut state: State) -> State {
        let readings = states[Int(state)]
        let frames = readings.cells.map { cell -> [Frame] in
            var frames: [Frame] = []
            var cell = cell
            while cell != Self.bottom {
                frames.append(stacks[Int(cell)].frame)
                cell = stacks[Int(cell)].rest
            }
            return frames
        }
        reset()
        let cells = frames.map { stack in
            stack.reversed().reduce(Self.bottom) { rest, frame in cell(frame, rest) }
        }
        return self.state(Readings(cells: cells.sorted(), accepts: readings.accepts))
    }

    /// The state with counts of characters forgotten where no token of `longest` bytes can tell the
    /// difference: a state in which the same tokens may follow.
    func relaxed(_ state: State, longest: Int) -> State {
        let readings = states[Int(state)]
        let cells = readings.cells.map { relaxed($0, longest) }
        guard cells != readings.cells else { return state }
        // Readings that differ in nothing else become one.
        return self.state(Readings(cells: Set(cells).sorted(), accepts: readings.accepts))
    }

    private func relaxed(_ cell: Cell, _ longest: Int) -> Cell {
        guard cell != Self.bottom else { return cell }
        var frame = stacks[Int(cell)].frame
        let rest = relaxed(stacks[Int(cell)].rest, longest)
        if frame.kind == .repetition,
            case .repetition(let part, _, _) = grammar.nodes[Int(frame.node)],
            case .character = grammar.nodes[Int(part)]
        {
            frame.first = min(frame.first, longest + 1)
            if Int(frame.second) > longest + 1 { frame.second = -1 }
        }
        return self.cell(frame, rest)
    }

    private func state(_ readings: Readings) -> State {
        if let known = stateOf[readings] { return known }
        let state = State(states.count)
        states.append(readings)
        stateOf[readings] = state
        cellsOfStates += readings.cells.count
        rows.append(contentsOf: repeatElement(Self.unknown, count: classCount))
        return state
    }

    func cell(_ frame: Frame, _ rest: Cell) -> Cell {
        let stack = Stack(frame: frame, rest: rest)
        if let known = cellOf[stack] { return known }
        let cell = Cell(stacks.count)
        stacks.append(stack)
        depths.append(depths[Int(rest)] + (frame.isContainer ? 1 : 0))
        marks.append(0)
        cellOf[stack] = cell
        return cell
    }

    // MARK: - One byte

    private func computeNext(_ state: State, _ byte: UInt8) -> State {
        var starts: [Cell] = []
        for cell in states[Int(state)].cells {
            let (frame, rest) = (stacks[Int(cell)].frame, stacks[Int(cell)].rest)
            switch frame.kind {
            case .literal:
                guard case .literal(let bytes) = grammar.nodes[Int(frame.node)],
                    bytes[frame.first] == byte
                else { continue }
                if frame.first + 1 == bytes.count {
                    starts.append(rest)
                } else {
                    var next = frame
                    next.first += 1
                    starts.append(self.cell(next, rest))
                }
            case .character:
                guard case .character(let index) = grammar.nodes[Int(frame.node)] else { continue }
                let next = grammar.characters[index].next(frame.first, byte)
                if next == CharacterRule.done {
                    starts.append(rest)
                } else if next != CharacterRule.dead {
                    starts.append(
                        self.cell(
                            Frame(kind: .character, node: frame.node, first: Int(next)), rest))
                }
            case .number:
                if case .number(let rule) = grammar.nodes[Int(frame.node)],
                    let next = rule.next(frame.number, byte)
                {
                    starts.append(self.cell(.number(frame.node, next), rest))
                }
            default: preconditionFailure("a reading that waits for no byte: \(frame)")
            }
        }
        return starts.isEmpty ? Self.dead : closure(of: starts)
    }

    // MARK: - Opening frames until each begins with a byte

    private func closure(of starts: [Cell]) -> State {
        epoch += 1
        found.removeAll(keepingCapacity: true)
        accepts = false
        waiting = starts.reversed()
        let most = Self.mostReadings + 2 * grammar.times.count
        while let cell = waiting.popLast(), found.count < most {
            guard cell != Self.bottom else {
                accepts = true
                continue
            }
            guard marks[Int(cell)] != epoch else { continue }
            marks[Int(cell)] = epoch
            open(cell)
        }
        waiting.removeAll(keepingCapacity: true)
        guard !found.isEmpty || accepts else { return Self.dead }
        return state(Readings(cells: found.sorted(), accepts: accepts))
    }

    // MARK: - Completion

    /// The shortest text that turns what led to the state into a whole.
    func completion(of state: State) -> [UInt8] {
        guard !accepts(state) else { return [] }
        let writer = CompletionWriter(grammar)
        var shortest: [UInt8]?
        for cell in states[Int(state)].cells {
            var text: [UInt8] = []
            var cell = cell
            while cell != Self.bottom {
                let frame = stacks[Int(cell)].frame
                let rest = stacks[Int(cell)].rest
                writer.complete(
                    frame, room: Grammar.maximumDepth - Int(depths[Int(cell)]),
                    earliest: stacks[Int(rest)].frame.times.earliest, into: &text)
                cell = rest
            }
            if text.count < shortest?.count ?? .max { shortest = text }
        }
        return shortest ?? []
    }
}

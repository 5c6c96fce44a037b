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
    private static let unknown: State = -2
    private static let bottom: Cell = 0
    /// Readings of one text that are followed, beside those that differ in a time.
    private static let mostReadings = 1024

    private struct Stack: Hashable {
        var frame: Frame
        var rest: Cell
    }

    private struct Readings: Hashable {
        var cells: [Cell]
        var accepts: Bool
    }

    let grammar: Grammar
    private(set) var start: State = 0

    private var stacks: [Stack] = []
    private var depths: [Int32] = []
    private var cellOf: [Stack: Cell] = [:]
    private var states: [Readings] = []
    private var stateOf: [Readings: State] = [:]
    private var cellsOfStates = 0
    /// `[state][class of byte]`
    private var rows: [State] = []
    private var classes: [UInt16]
    private let classCount: Int

    // Working memory of `closure`.
    private var marks: [UInt32] = []
    private var epoch: UInt32 = 0
    private var waiting: [Cell] = []
    private var found: [Cell] = []
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
        let next = computeNext(state, byte)
        rows[place] = next
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

    private func cell(_ frame: Frame, _ rest: Cell) -> Cell {
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

    private func wait(_ frames: Frame..., over rest: Cell) {
        waiting.append(frames.reversed().reduce(rest) { cell($1, $0) })
    }

    private func fits(_ node: NodeID, over rest: Cell) -> Bool {
        Int(grammar.measures.heights[Int(node)]) + Int(depths[Int(rest)]) <= Grammar.maximumDepth
    }

    private func open(_ cell: Cell) {
        let (frame, rest) = (stacks[Int(cell)].frame, stacks[Int(cell)].rest)
        switch (frame.kind, grammar.nodes[Int(frame.node)]) {
        case (.literal, _), (.character, _): found.append(cell)
        case (.node, .character): wait(Frame(kind: .character, node: frame.node), over: rest)
        case (.node, .literal): wait(Frame(kind: .literal, node: frame.node), over: rest)
        case (.node, .sequence(let parts)):
            waiting.append(parts.reversed().reduce(rest) { self.cell(.node($1), $0) })
        case (.node, .alternatives(let options)):
            for option in options.reversed() where fits(option, over: rest) {
                wait(.node(option), over: rest)
            }
        case (.node, .reference(let target)): wait(.node(grammar.targets[target]), over: rest)
        case (.node, .repetition(_, let least, let most)):
            wait(
                Frame(
                    kind: .repetition, node: frame.node, first: least,
                    second: Int32(clamping: most ?? -1)), over: rest)
        case (.repetition, .repetition(let part, _, _)): open(frame, part, over: rest)
        case (.node, .number): wait(.number(frame.node, .start), over: rest)
        case (.number, .number(let rule)):
            found.append(cell)
            if rule.ends(frame.number) { waiting.append(rest) }
        case (.node, .time(let form)): openTime(form, over: rest)
        case (.node, .object):
            let times = TimeProgress(earliest: orderedItems(rest)?.times.earliest ?? 0)
            wait(
                .node(grammar.marks.objectStart),
                Frame(kind: .members, node: frame.node, times: times), over: rest)
        case (.members, .object(let index)):
            openMembers(frame, grammar.objects[index], cell, over: rest)
        case (.node, .array):
            wait(
                .node(grammar.marks.arrayStart), Frame(kind: .items, node: frame.node), over: rest)
        case (.items, .array(let index)):
            openItems(frame, grammar.arrays[index], cell, over: rest)
        case (.node, .distinct):
            wait(
                .node(grammar.marks.arrayStart), Frame(kind: .distinct, node: frame.node),
                over: rest)
        case (.distinct, .distinct(let index)):
            openDistinct(frame, grammar.distincts[index], over: rest)
        default: preconditionFailure("a frame on the wrong node: \(frame)")
        }
    }

    private func open(_ frame: Frame, _ part: NodeID, over rest: Cell) {
        if frame.first == 0 { waiting.append(rest) }
        guard frame.second != 0, fits(part, over: rest) else { return }
        var next = frame
        next.first = max(0, frame.first - 1)
        if frame.second > 0 { next.second -= 1 }
        wait(.node(part), next, over: rest)
    }

    // MARK: - Objects and arrays

    private func openMembers(
        _ frame: Frame, _ rule: ObjectRule, _ cell: Cell, over rest: Cell
    ) {
        let written = Int(frame.second)
        // Counts that make no difference any more are not told apart.
        let counted = rule.most == nil ? min(written + 1, max(rule.least, 1)) : written + 1
        var next = frame
        next.second = Int32(counted)
        var index = frame.first
        while index < rule.properties.count {
            let property = rule.properties[index]
            let needed = written + 1 + rule.requiredFrom[index + 1]
            if fits(property.value, over: cell), needed <= rule.most ?? .max {
                next.first = index + 1
                wait(
                    .node(written == 0 ? property.key : property.separatedKey),
                    .node(property.value), next, over: rest)
            }
            if property.isRequired { return }
            index += 1
        }
        next.first = index
        if let free = rule.free, fits(free.value, over: cell), written < rule.most ?? .max {
            if written == 0 {
                wait(.node(free.key), .node(free.value), next, over: rest)
            } else {
                wait(
                    .node(grammar.marks.separator), .node(free.key), .node(free.value), next,
                    over: rest)
            }
        }
        if written >= rule.least {
            wait(.node(grammar.marks.objectEnd), over: handingOver(frame.times, to: rest))
        }
    }

    private func openItems(_ frame: Frame, _ rule: ArrayRule, _ cell: Cell, over rest: Cell) {
        let written = frame.first
        if written >= rule.least { wait(.node(grammar.marks.arrayEnd), over: rest) }
        guard written < rule.most ?? .max, let item = rule.item(at: written),
            fits(item, over: cell),
            !rule.isOrdered || Int(frame.times.earliest) < grammar.times.count
        else { return }
        var next = frame
        next.first =
            rule.most == nil
            ? min(written + 1, max(rule.prefix.count, rule.least, 1)) : written + 1
        if written == 0 {
            wait(.node(item), next, over: rest)
        } else {
            wait(.node(grammar.marks.separator), .node(item), next, over: rest)
        }
    }

    private func openDistinct(_ frame: Frame, _ rule: DistinctRule, over rest: Cell) {
        let written = frame.first.nonzeroBitCount
        if written >= rule.least { wait(.node(grammar.marks.arrayEnd), over: rest) }
        guard written < rule.most else { return }
        for (index, option) in rule.options.enumerated() where frame.first >> index & 1 == 0 {
            var next = frame
            next.first |= 1 << index
            if written == 0 {
                wait(.node(option), next, over: rest)
            } else {
                wait(.node(grammar.marks.separator), .node(option), next, over: rest)
            }
        }
    }

    // MARK: - Times

    /// The frame of the ordered array whose item lies directly over it.
    private func orderedItems(_ rest: Cell) -> Frame? {
        let frame = stacks[Int(rest)].frame
        guard rest != Self.bottom, frame.kind == .items,
            case .array(let index) = grammar.nodes[Int(frame.node)], grammar.arrays[index].isOrdered
        else { return nil }
        return frame
    }

    /// One of the instants, which those that follow it in its object or ordered array know of.
    private func openTime(_ form: TimeForm, over rest: Cell) {
        let texts = grammar.times[form]
        var holder = stacks[Int(rest)].frame
        let isMember = rest != Self.bottom && holder.kind == .members
        let isHeld = isMember || orderedItems(rest) != nil
        let earliest = isHeld ? Int(holder.times.earliest) : 0
        for index in earliest..<texts.count {
            var over = rest
            if isHeld {
                // The items of an ordered list are different ones, or the list would never end.
                holder.times.earliest = Int32(isMember ? index : index + 1)
                if isMember, stacks[Int(rest)].frame.times.afterFirst == 0 {
                    holder.times.afterFirst = Int32(index + 1)
                }
                over = cell(holder, stacks[Int(rest)].rest)
            }
            wait(.node(texts[index]), over: over)
        }
    }

    /// What an ordered array learns from an object that was its item: the next one begins later than
    /// this one did, and not before this one ended.
    private func handingOver(_ times: TimeProgress, to rest: Cell) -> Cell {
        guard var items = orderedItems(rest), times.afterFirst > 0 else { return rest }
        items.times.earliest = max(times.earliest, times.afterFirst)
        return cell(items, stacks[Int(rest)].rest)
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

// Opening frames until each reading begins with a byte.

extension Automaton {
    private func wait(_ frames: Frame..., over rest: Cell) {
        waiting.append(frames.reversed().reduce(rest) { cell($1, $0) })
    }

    private func fits(_ node: NodeID, over rest: Cell) -> Bool {
        Int(grammar.measures.heights[Int(node)]) + Int(depths[Int(rest)]) <= Grammar.maximumDepth
    }

    /// Puts what a frame consists of in its place: cells that wait for a byte among those found,
    /// others among those that wait to be opened.
    func open(_ cell: Cell) {
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
            if rule.goesOn(frame.number) { found.append(cell) }
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
}

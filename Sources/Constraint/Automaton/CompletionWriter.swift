/// Writes the rest of rules that have begun, as shortly as it goes.
struct CompletionWriter {
    private let grammar: Grammar

    init(_ grammar: Grammar) { self.grammar = grammar }

    /// - Parameters:
    ///   - room: arrays and objects that may still be opened.
    ///   - earliest: index of the first instant that may be written.
    func complete(_ frame: Frame, room: Int, earliest: Int32, into text: inout [UInt8]) {
        switch (frame.kind, grammar.nodes[Int(frame.node)]) {
        case (.literal, .literal(let bytes)): text += bytes[frame.first...]
        case (.character, .character(let index)):
            text += grammar.characters[index].ends[frame.first]
        case (.repetition, .repetition(let part, _, _)):
            for _ in 0..<frame.first { write(part, room: room, earliest: earliest, into: &text) }
        case (.number, .number(let rule)): text += rule.shortestEnd(of: frame.number)
        case (.members, .object(let index)):
            complete(frame, grammar.objects[index], room: room, into: &text)
        case (.items, .array(let index)):
            complete(frame, grammar.arrays[index], room: room, into: &text)
        case (.distinct, .distinct(let index)):
            complete(frame, grammar.distincts[index], into: &text)
        default: write(frame.node, room: room, earliest: earliest, into: &text)
        }
    }

    private func write(_ node: NodeID, room: Int, earliest: Int32, into text: inout [UInt8]) {
        switch grammar.nodes[Int(node)] {
        case .literal(let bytes): text += bytes
        case .character(let index): text += grammar.characters[index].ends[0]
        case .sequence(let parts):
            for part in parts { write(part, room: room, earliest: earliest, into: &text) }
        case .alternatives(let options):
            let measures = grammar.measures
            let possible = options.filter { Int(measures.heights[Int($0)]) <= room }
            guard let best = possible.min(by: { measures.costs[Int($0)] < measures.costs[Int($1)] })
            else { preconditionFailure("a rule without a text was begun") }
            write(best, room: room, earliest: earliest, into: &text)
        case .repetition(let part, let least, _):
            for _ in 0..<least { write(part, room: room, earliest: earliest, into: &text) }
        case .reference(let target):
            write(grammar.targets[target], room: room, earliest: earliest, into: &text)
        case .number(let rule): text += rule.shortestEnd(of: .start)
        case .time(let form):
            write(grammar.times[form][Int(earliest)], room: room, earliest: 0, into: &text)
        case .object(let index):
            text.append(UInt8(ascii: "{"))
            complete(
                Frame(kind: .members, node: node, times: TimeProgress(earliest: earliest)),
                grammar.objects[index], room: room - 1, into: &text)
        case .array(let index):
            text.append(UInt8(ascii: "["))
            complete(
                Frame(kind: .items, node: node), grammar.arrays[index], room: room - 1, into: &text)
        case .distinct(let index):
            text.append(UInt8(ascii: "["))
            complete(Frame(kind: .distinct, node: node), grammar.distincts[index], into: &text)
        }
    }

    private func complete(
        _ frame: Frame, _ rule: ObjectRule, room: Int, into text: inout [UInt8]
    ) {
        var written = Int(frame.second)
        for property in rule.properties[frame.first...] where property.isRequired {
            let key = written == 0 ? property.key : property.separatedKey
            write(key, room: room, earliest: 0, into: &text)
            write(property.value, room: room, earliest: frame.times.earliest, into: &text)
            written += 1
        }
        if written < rule.least, let free = rule.free {
            if written > 0 { text += [UInt8(ascii: ","), UInt8(ascii: " ")] }
            write(free.key, room: room, earliest: 0, into: &text)
            write(free.value, room: room, earliest: frame.times.earliest, into: &text)
        }
        text.append(UInt8(ascii: "}"))
    }

    private func complete(
        _ frame: Frame, _ rule: ArrayRule, room: Int, into text: inout [UInt8]
    ) {
        for index in frame.first..<max(frame.first, rule.least) {
            guard let item = rule.item(at: index) else { break }
            if index > 0 { text += [UInt8(ascii: ","), UInt8(ascii: " ")] }
            write(item, room: room, earliest: frame.times.earliest, into: &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    private func complete(_ frame: Frame, _ rule: DistinctRule, into text: inout [UInt8]) {
        var written = frame.first.nonzeroBitCount
        let costs = grammar.measures.costs
        let unused = rule.options.indices.filter { frame.first >> $0 & 1 == 0 }
            .sorted { (costs[Int(rule.options[$0])], $0) < (costs[Int(rule.options[$1])], $1) }
        for index in unused where written < rule.least {
            if written > 0 { text += [UInt8(ascii: ","), UInt8(ascii: " ")] }
            write(rule.options[index], room: 0, earliest: 0, into: &text)
            written += 1
        }
        text.append(UInt8(ascii: "]"))
    }
}

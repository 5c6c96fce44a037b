/// Collects the rules of a grammar; equal rules become one.
struct GrammarBuilder {
    /// Rules of one grammar.
    static let maximumNodes = 200_000

    private(set) var nodes: [GrammarNode] = []
    private var known: [GrammarNode: NodeID] = [:]
    private var characters: [CharacterRule] = []
    private var knownCharacters: [[[ByteSet]]: NodeID] = [:]
    private var objects: [ObjectRule] = []
    private var arrays: [ArrayRule] = []
    private var distincts: [DistinctRule] = []
    private var targets: [NodeID?] = []
    let marks: Punctuation

    init() {
        marks = Punctuation(objectStart: 0, objectEnd: 1, arrayStart: 2, arrayEnd: 3, separator: 4)
        for mark in ["{", "}", "[", "]", ", "] { _ = literal(mark) }
    }

    /// More than ``maximumNodes`` were added.
    var isTooLarge: Bool { nodes.count > Self.maximumNodes }

    mutating func add(_ node: GrammarNode) -> NodeID {
        if let id = known[node] { return id }
        let id = NodeID(nodes.count)
        nodes.append(node)
        known[node] = id
        return id
    }

    mutating func literal(_ text: String) -> NodeID { literal(Array(text.utf8)) }

    mutating func literal(_ bytes: [UInt8]) -> NodeID {
        add(bytes.isEmpty ? .sequence([]) : .literal(bytes))
    }

    mutating func sequence(_ parts: [NodeID]) -> NodeID {
        parts.count == 1 ? parts[0] : add(.sequence(parts))
    }

    mutating func alternatives(_ options: [NodeID]) -> NodeID {
        options.count == 1 ? options[0] : add(.alternatives(options))
    }

    /// A character in one of several spellings; without any, nothing at all.
    ///
    /// - Parameter rule: of these spellings, where it is there already.
    mutating func character(_ spellings: [[ByteSet]], as rule: CharacterRule? = nil) -> NodeID {
        guard !spellings.isEmpty else { return alternatives([]) }
        if let known = knownCharacters[spellings] { return known }
        characters.append(rule ?? CharacterRule(spellings))
        let id = add(.character(characters.count - 1))
        knownCharacters[spellings] = id
        return id
    }

    mutating func object(_ rule: ObjectRule) -> NodeID {
        objects.append(rule)
        return add(.object(objects.count - 1))
    }

    mutating func array(_ rule: ArrayRule) -> NodeID {
        arrays.append(rule)
        return add(.array(arrays.count - 1))
    }

    mutating func distinct(_ rule: DistinctRule) -> NodeID {
        distincts.append(rule)
        return add(.distinct(distincts.count - 1))
    }

    /// A place whose rule is told later.
    mutating func newTarget() -> Int {
        targets.append(nil)
        return targets.count - 1
    }

    mutating func setTarget(_ index: Int, to node: NodeID) { targets[index] = node }

    /// One of several texts, their common beginnings shared, so that few rules are tried at a time.
    mutating func oneOf(_ texts: [[UInt8]]) -> NodeID {
        let sorted = texts.sorted { $0.lexicographicallyPrecedes($1) }
        return shared(sorted[...], from: 0, depth: 0)
    }

    /// How often texts part before their rests are tried side by side.
    private static let deepestSharing = 100

    /// - Parameter texts: sorted, equal up to `start`.
    private mutating func shared(
        _ texts: ArraySlice<[UInt8]>, from start: Int, depth: Int
    ) -> NodeID {
        guard depth < Self.deepestSharing else {
            return alternatives(texts.map { literal(Array($0[start...])) })
        }
        var options: [NodeID] = []
        var rest = texts
        while let first = rest.first {
            guard first.count > start else {
                if options.isEmpty { options.append(sequence([])) }
                rest.removeFirst()
                continue
            }
            let end = rest.firstIndex { $0[start] != first[start] } ?? rest.endIndex
            let group = rest[rest.startIndex..<end]
            rest = rest[end...]
            // Of sorted texts, the first and the last share least.
            let last = group[group.endIndex - 1]
            var common = start + 1
            while common < first.count, common < last.count, first[common] == last[common] {
                common += 1
            }
            let head = literal(Array(first[start..<common]))
            let isOne = group.count == 1 || (first.count == common && last.count == common)
            options.append(
                isOne ? head : sequence([head, shared(group, from: common, depth: depth + 1)]))
        }
        return alternatives(options)
    }

    // MARK: - The whole

    /// The grammar whose texts are those of `root`.
    mutating func grammar(root: NodeID, instants: SampledInstants) -> Grammar {
        let times = TimeNodes(
            number: known[.time(.number)] == nil
                ? [] : instants.instants.map { literal($0.seconds) },
            string: known[.time(.string)] == nil
                ? [] : instants.instants.map { literal("\"\($0.timecode)\"") },
            count: instants.instants.count)
        let targets = targets.map { target in
            guard let target else { preconditionFailure("a reference was left open") }
            return target
        }
        let flat = nodes.enumerated().map { index, node -> GrammarNode in
            guard case .alternatives = node else { return node }
            return .alternatives(options(of: NodeID(index), targets))
        }
        return Grammar(
            nodes: flat, characters: characters, objects: objects, arrays: arrays,
            distincts: distincts, targets: targets,
            root: root, marks: marks, times: times,
            measures: GrammarMeasures(
                nodes: flat, characters: characters, objects: objects, arrays: arrays,
                distincts: distincts,
                targets: targets, times: times),
            classes: ByteClasses(flat, characters))
    }

    /// What a choice comes down to when choices within it are opened; a choice that leads back to
    /// itself without a byte between adds nothing.
    private func options(of node: NodeID, _ targets: [NodeID]) -> [NodeID] {
        var found: [NodeID] = []
        var seen: Set<NodeID> = []
        var waiting = [node]
        while let id = waiting.popLast() {
            guard seen.insert(id).inserted else { continue }
            switch nodes[Int(id)] {
            case .alternatives(let options): waiting += options.reversed()
            case .reference(let target): waiting.append(targets[target])
            default: found.append(id)
            }
        }
        return found
    }
}

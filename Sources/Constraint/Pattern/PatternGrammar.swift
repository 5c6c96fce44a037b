/// Regular expressions as rules for the inside of a JSON string.
struct PatternGrammar {
    /// Steps of a pattern with its repetitions written out.
    private static let maximumSize = 2000

    /// Characters that a text may have.
    struct Lengths: Equatable {
        var least: Int
        /// Nil: no bound.
        var most: Int?
    }

    private let node: PatternNode
    private let opensFreely: Bool
    private let endsFreely: Bool

    /// - Throws: where the text is no pattern, uses anchors other than around the whole or around
    ///   each choice at the top, or is too large.
    init(_ text: String) throws(PatternFault) {
        var parser = PatternParser(text)
        var parts = Self.parts(of: try parser.whole())
        opensFreely = !(parts.first?.isStart ?? false)
        while parts.first?.isStart ?? false { parts.removeFirst() }
        endsFreely = !(parts.last?.isEnd ?? false)
        while parts.last?.isEnd ?? false { parts.removeLast() }
        node = .sequence(parts)
        guard !node.hasAnchors else {
            throw PatternFault(
                reason: "^ and $ are supported at the two ends of a pattern only, \\b not at all",
                offset: 0)
        }
        guard node.size <= Self.maximumSize else {
            throw PatternFault(reason: "the pattern is too large once repeated", offset: 0)
        }
    }

    private static func parts(of node: PatternNode) -> [PatternNode] {
        if case .sequence(let parts) = node { return parts }
        return [node]
    }

    /// The inside of a string that fits the pattern and has so many characters; nil where the
    /// pattern cannot be kept within the bounds.
    func rule(_ lengths: Lengths, in builder: inout GrammarBuilder) -> NodeID? {
        let any = PatternNode.set(ScalarSet(ranges: [], isInverted: true))
        var parts = Self.parts(of: node)
        if opensFreely { parts.insert(.repeated(any, least: 0, most: nil), at: 0) }
        if endsFreely { parts.append(.repeated(any, least: 0, most: nil)) }
        guard let fitted = Self.fit(parts, to: lengths) else { return nil }
        return builder.pattern(.sequence(fitted))
    }

    /// Narrows one repetition of single characters until the whole keeps to the bounds.
    private static func fit(_ parts: [PatternNode], to wanted: Lengths) -> [PatternNode]? {
        func isWithin(_ lengths: Lengths) -> Bool {
            lengths.least >= wanted.least
                && (wanted.most == nil || (lengths.most ?? .max) <= wanted.most ?? .max)
        }
        if isWithin(PatternNode.sequence(parts).lengths) { return parts }
        var parts = parts
        // Free text around an unanchored pattern is left out first.
        var index = 0
        while index < parts.count {
            guard case .repeated(let part, let least, let most) = parts[index],
                part.lengths == Lengths(least: 1, most: 1)
            else {
                index += 1
                continue
            }
            var others = parts
            others.remove(at: index)
            let rest = PatternNode.sequence(others).lengths
            let newLeast = max(least, wanted.least - rest.least)
            var newMost = most
            if let limit = wanted.most, let restMost = rest.most {
                newMost = min(most ?? .max, limit - restMost)
            }
            if newMost ?? .max >= newLeast {
                var narrowed = parts
                narrowed[index] = .repeated(part, least: newLeast, most: newMost)
                if isWithin(PatternNode.sequence(narrowed).lengths) { return narrowed }
            }
            if wanted.most != nil, most == nil {
                // More than one part without a bound: this one stays at its least.
                parts[index] = .repeated(part, least: least, most: least)
            }
            index += 1
        }
        return isWithin(PatternNode.sequence(parts).lengths) ? parts : nil
    }
}

extension GrammarBuilder {
    mutating func pattern(_ node: PatternNode) -> NodeID {
        switch node {
        case .set(let set): return character(of: set)
        case .start, .end, .boundary:
            preconditionFailure("an anchor inside a pattern that was checked")
        case .sequence(let parts): return sequence(parts.map { pattern($0) })
        case .alternatives(let options): return alternatives(options.map { pattern($0) })
        case .repeated(let part, let least, let most):
            return add(.repetition(pattern(part), least: least, most: most))
        }
    }
}

extension PatternNode {
    fileprivate var isStart: Bool { if case .start = self { true } else { false } }
    fileprivate var isEnd: Bool { if case .end = self { true } else { false } }

    fileprivate var hasAnchors: Bool {
        switch self {
        case .set: false
        case .start, .end, .boundary: true
        case .sequence(let parts), .alternatives(let parts): parts.contains(where: \.hasAnchors)
        case .repeated(let part, _, _): part.hasAnchors
        }
    }

    /// Steps with repetitions written out, at most a million.
    fileprivate var size: Int {
        let size =
            switch self {
            case .sequence(let parts), .alternatives(let parts):
                parts.reduce(1) { min($0 + $1.size, 1_000_000) }
            case .repeated(let part, let least, let most): part.size * max(most ?? least + 1, 1)
            default: 1
            }
        return min(size, 1_000_000)
    }

    fileprivate var lengths: PatternGrammar.Lengths {
        switch self {
        case .set: return .init(least: 1, most: 1)
        case .start, .end, .boundary: return .init(least: 0, most: 0)
        case .sequence(let parts):
            let all = parts.map(\.lengths)
            let most = all.contains { $0.most == nil } ? nil : all.reduce(0) { $0 + ($1.most ?? 0) }
            return .init(least: all.reduce(0) { $0 + $1.least }, most: most)
        case .alternatives(let options):
            let all = options.map(\.lengths)
            let most =
                all.contains { $0.most == nil } ? nil : all.compactMap(\.most).max() ?? 0
            return .init(least: all.map(\.least).min() ?? 0, most: most)
        case .repeated(let part, let least, let most):
            let one = part.lengths
            var longest: Int?
            if let bound = one.most, let most {
                longest = bound * most
            } else if one.most == 0 {
                longest = 0
            }
            return .init(least: one.least * least, most: longest)
        }
    }
}

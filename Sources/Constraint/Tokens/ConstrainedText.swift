import OrderedJSON
import Text

/// One text on its way through a grammar, token by token.
///
/// It belongs to one task at a time. What it works out about a grammar it keeps for the next text.
public final class ConstrainedText {
    /// Bytes of remembered transitions and of remembered sets of tokens, at most.
    private static let transitionMemory = 48 << 20
    private static let maskMemory = 32 << 20

    private let automaton: Automaton
    private let trie: TokenTrie
    private let tokenizer: Tokenizer
    private let endTokens: [TokenID]
    private let words: Int
    private var masks: [Automaton.State: [UInt64]] = [:]
    private var state: Automaton.State

    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - trie: of the tokenizer.
    ///   - endTokens: allowed where the text may end.
    public init(
        _ grammar: Grammar, trie: TokenTrie, tokenizer: Tokenizer, endTokens: [TokenID]
    ) {
        automaton = Automaton(grammar)
        self.trie = trie
        self.tokenizer = tokenizer
        self.endTokens = endTokens
        words = (max(trie.vocabulary, (endTokens.max() ?? 0) + 1) + 63) / 64
        state = automaton.start
    }

    /// Begins a new text.
    public func restart() {
        state = automaton.start
        bytes = []
    }

    /// Whether the text is a whole as it stands.
    public var mayEnd: Bool { automaton.accepts(state) }

    /// Whether nothing can follow.
    public var isFinished: Bool { automaton.isFinal(state) }

    /// The tokens that may follow: bit `id % 64` of word `id / 64`; never none of them.
    ///
    /// - Complexity: constant where the state was there before, else in the number of beginnings of
    ///   tokens that fit.
    public func allowedTokens() -> [UInt64] {
        var relaxed = automaton.relaxed(state, longest: trie.longest)
        if let known = masks[relaxed] { return known }
        if automaton.memory > Self.transitionMemory {
            state = automaton.forgetting(allBut: state)
            masks = [:]
            relaxed = automaton.relaxed(state, longest: trie.longest)
        }
        if (masks.count + 1) * words * 8 > Self.maskMemory { masks = [:] }
        var mask = [UInt64](repeating: 0, count: words)
        if mayEnd {
            for id in endTokens { mask[id >> 6] |= 1 << UInt64(id & 63) }
        }
        automaton.allow(trie, after: relaxed, in: &mask)
        masks[relaxed] = mask
        return mask
    }

    /// Adds a token that is allowed and no end token.
    public func append(_ token: TokenID) {
        for byte in tokenizer.bytes(of: token) ?? [] {
            state = automaton.next(state, byte)
            precondition(state != Automaton.dead, "token \(token) is not allowed here")
            bytes.append(byte)
        }
    }

    /// The shortest end that makes the text a whole; nothing where it is one already.
    public func completion() -> [UInt8] { automaton.completion(of: state) }

    /// The text, completed, as a value; of members of one name the last one stands.
    public func value() throws(JSONSyntaxError) -> JSON {
        try JSON.parse(bytes + completion()).withoutRepeatedKeys
    }
}

extension JSON {
    /// The value as readers understand it whose objects hold one member a name.
    fileprivate var withoutRepeatedKeys: JSON {
        switch self {
        case .array(let elements): return .array(elements.map(\.withoutRepeatedKeys))
        case .object(let object):
            var last: [[UInt8]: Int] = [:]
            for (index, member) in object.members.enumerated() {
                last[Array(member.key.utf8)] = index
            }
            return .object(
                JSONObject(
                    object.members.enumerated().compactMap { index, member in
                        guard last[Array(member.key.utf8)] == index else { return nil }
                        return JSONObject.Member(
                            key: member.key, value: member.value.withoutRepeatedKeys)
                    }))
        default: return self
        }
    }
}

import OrderedJSON

/// The parts of a tokenizer as a GGUF file lists them.
public struct TokenList: Sendable {
    /// The file, for messages.
    public var path: String
    /// Kind of the tokenizer: `gpt2` for one of bytes.
    public var model: String
    /// What cuts text into pieces: `qwen2`.
    public var pieces: String
    /// By id, in the byte alphabet; special tokens by their names.
    public var tokens: [String]
    /// By id: 1 normal, 3 control, 4 defined by a user, 5 unused.
    public var kinds: [Int]
    /// Two tokens with a space between, in order of their rank.
    public var merges: [String]

    public init(
        path: String, model: String, pieces: String, tokens: [String], kinds: [Int],
        merges: [String]
    ) {
        self.path = path
        self.model = model
        self.pieces = pieces
        self.tokens = tokens
        self.kinds = kinds
        self.merges = merges
    }
}

extension Tokenizer {
    /// The tokenizer of a list: the same as from the files that the list was made from.
    ///
    /// Control tokens are special; those that a user defined are found in text but shown. Unused
    /// ones fill up the vocabulary to the rows of the embedding.
    public static func load(_ list: TokenList) throws(TextError) -> Tokenizer {
        for (setting, found, expected) in [
            ("tokenizer.ggml.model", list.model, "gpt2"),
            ("tokenizer.ggml.pre", list.pieces, "qwen2"),
        ] where found != expected {
            throw .unsupported(
                path: list.path, setting: setting,
                found: found.isEmpty ? "missing" : String(found.prefix(80)))
        }
        do throws(TokenizerFault) {
            return try tokenizer(of: list)
        } catch {
            throw .damaged(path: list.path, fault: error)
        }
    }

    private static func tokenizer(of list: TokenList) throws(TokenizerFault) -> Tokenizer {
        guard list.kinds.count == list.tokens.count else {
            throw .wrongField(
                name: "tokenizer.ggml.token_type", expected: "as long as the list of tokens")
        }
        var builder = TokenizerBuilder()
        var members: [JSONObject.Member] = []
        members.reserveCapacity(list.tokens.count)
        for (id, token) in list.tokens.enumerated() where list.kinds[id] == 1 {
            members.append(.init(key: token, value: .int(id)))
        }
        try builder.setVocabulary(JSONObject(members))
        builder.beginMerges(count: list.merges.count)
        for (index, merge) in list.merges.enumerated() {
            try builder.addMerge(merge.utf8[...], number: index + 1)
        }
        for (id, token) in list.tokens.enumerated() {
            switch list.kinds[id] {
            case 3:
                try builder.addToken(
                    name: token, id: .int(id), isSpecial: true, normalized: false)
            case 4:
                try builder.addToken(
                    name: token, id: .int(id), isSpecial: false, normalized: false)
            case 1, 5: break
            case let kind:
                throw .wrongField(
                    name: "the type \(kind) of token \(id)",
                    expected: "1 (normal), 3 (control), 4 (user-defined) or 5 (unused)")
            }
        }
        return builder.build()
    }
}

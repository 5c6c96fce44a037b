/// The byte-level byte-pair tokenizer of Qwen2 models.
///
/// Text is put into normalisation form C, cut into pieces by a fixed pattern, and the bytes of each
/// piece are joined into the tokens of the vocabulary. Every text can be encoded. Immutable, so one
/// tokenizer serves any number of tasks.
/// - Source: spec section 6.2.
public final class Tokenizer: Sendable {
    private let vocabulary: TokenBytes
    private let merges: MergeTable
    private let byteTokens: [UInt32]
    private let added: [TokenID: AddedToken]
    private let idsOfAdded: [[UInt8]: TokenID]
    /// Finds names in text as it came, and in normalised text.
    private let matcher: AddedTokenMatcher
    private let normalizedMatcher: AddedTokenMatcher

    /// One more than the highest id; an embedding table needs at least that many rows.
    public let count: Int

    /// - Parameters:
    ///   - byteTokens: the 256 tokens of single bytes.
    ///   - normalizedAdded: added tokens whose names are looked for in normalised text.
    init(
        vocabulary: TokenBytes, merges: MergeTable, byteTokens: [UInt32], added: [AddedToken],
        normalizedAdded: [AddedToken]
    ) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.byteTokens = byteTokens
        let all = added + normalizedAdded
        self.added = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })
        idsOfAdded = Dictionary(uniqueKeysWithValues: all.map { ($0.content, $0.id) })
        matcher = AddedTokenMatcher(added)
        normalizedMatcher = AddedTokenMatcher(
            normalizedAdded.map {
                AddedToken(
                    id: $0.id, content: CanonicalComposition.normalized($0.content),
                    isSpecial: $0.isSpecial)
            })
        count = max(vocabulary.count, (all.map(\.id).max() ?? -1) + 1)
    }

    /// Reads the tokenizer in a model folder: `tokenizer.json`, or else `vocab.json`, `merges.txt`
    /// and the added tokens of `tokenizer_config.json`.
    ///
    /// - Throws: what is missing, damaged or of another family of tokenizers.
    public static func load(folder: String) throws(TextError) -> Tokenizer {
        let folder = folder.hasSuffix("/") ? folder : folder + "/"
        let path = folder + "tokenizer.json"
        if let bytes = try FileBytes.contents(of: path) {
            return try TokenizerFile(path: path, bytes: bytes).tokenizer()
        }
        func file(_ name: String) throws(TextError) -> VocabularyFiles.File? {
            try FileBytes.contents(of: folder + name).map {
                VocabularyFiles.File(path: folder + name, bytes: $0)
            }
        }
        guard let vocabulary = try file("vocab.json"), let merges = try file("merges.txt"),
            let configuration = try file("tokenizer_config.json")
        else { throw .noTokenizer(folder: folder) }
        return try VocabularyFiles(
            vocabulary: vocabulary, merges: merges, configuration: configuration
        ).tokenizer()
    }

    // MARK: - Tokens

    /// The bytes that a token stands for, or nil where no token has the id.
    public func bytes(of id: TokenID) -> [UInt8]? {
        added[id]?.content ?? vocabulary[id].map(Array.init)
    }

    /// The token that was added under this name, or nil.
    public func id(ofSpecial name: String) -> TokenID? { idsOfAdded[Array(name.utf8)] }

    /// Whether the token is one of those that are not shown, such as `<|im_end|>`.
    public func isSpecial(_ id: TokenID) -> Bool { added[id]?.isSpecial ?? false }

    // MARK: - Encoding

    /// The tokens of a text. Nothing is added at the front or the end.
    ///
    /// - Parameter special: what becomes of names of special tokens in the text.
    /// - Complexity: n·log n in the longest piece, linear otherwise.
    public func encode(_ text: String, special: SpecialTokenPolicy = .asText) -> [TokenID] {
        let bytes = Array(text.utf8)
        var output: [TokenID] = []
        output.reserveCapacity(bytes.count / 4 + 4)
        var merger = PieceMerger(table: merges, byteTokens: byteTokens)
        switch special {
        case .asText:
            append(CanonicalComposition.normalized(bytes), with: &merger, to: &output)
        case .recognised:
            split(bytes, by: matcher, to: &output) { between, output in
                let normalized = CanonicalComposition.normalized(between)
                split(normalized, by: normalizedMatcher, to: &output) { between, output in
                    append(between, with: &merger, to: &output)
                }
            }
        }
        return output
    }

    /// Adds the tokens that `matcher` finds, and hands over the text between them.
    private func split(
        _ text: [UInt8], by matcher: AddedTokenMatcher, to output: inout [TokenID],
        between: ([UInt8], inout [TokenID]) -> Void
    ) {
        var position = 0
        while let match = matcher.firstMatch(in: text, from: position) {
            if position < match.range.lowerBound {
                between(Array(text[position..<match.range.lowerBound]), &output)
            }
            output.append(match.id)
            position = match.range.upperBound
        }
        if position == 0 {
            between(text, &output)
        } else if position < text.count {
            between(Array(text[position...]), &output)
        }
    }

    /// Adds the tokens of normalised text that holds no added tokens.
    private func append(
        _ text: [UInt8], with merger: inout PieceMerger, to output: inout [TokenID]
    ) {
        var scanner = PieceScanner(text)
        var cache = PieceCache(textCount: text.count)
        while let piece = scanner.next() {
            guard piece.count <= PieceCache.longestPiece else {
                merger.encode(piece, of: text, into: &output)
                continue
            }
            let (known, place) = cache.find(piece, of: text)
            if let known {
                for index in known { output.append(output[index]) }
            } else {
                let start = output.count
                merger.encode(piece, of: text, into: &output)
                cache.remember(piece, tokens: start..<output.count, place: place)
            }
        }
    }

    // MARK: - Decoding

    /// The text of tokens, U+FFFD standing for bytes that are not UTF-8.
    ///
    /// Ids that no token has give nothing, as in the reference: the embedding table of a model has
    /// more rows than there are tokens. `bytes(of:)` tells them.
    public func decode(_ ids: [TokenID], skippingSpecial: Bool) -> String {
        var bytes: [UInt8] = []
        for id in ids { append(id, skippingSpecial: skippingSpecial, to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Adds the bytes of a token that is shown.
    func append(_ id: TokenID, skippingSpecial: Bool, to bytes: inout [UInt8]) {
        if let added = added[id] {
            if !(skippingSpecial && added.isSpecial) { bytes.append(contentsOf: added.content) }
        } else if let token = vocabulary[id] {
            bytes.append(contentsOf: token)
        }
    }
}

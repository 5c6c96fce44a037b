import OrderedJSON

/// Checks the parts of a tokenizer as they are read from its files, and puts them together.
struct TokenizerBuilder {
    /// The highest id accepted: several times the largest known vocabulary, and little memory.
    static let highestID = 1_048_575

    private(set) var vocabulary = TokenBytes(count: 0, byteCount: 0)
    private var merges = MergeTable(count: 0)
    /// Scratch for the bytes of a merge.
    private var joined: [UInt8] = []
    private var byteTokens: [UInt32] = []
    private var isReachable: [Bool] = []
    private var added: [AddedToken] = []
    private var normalizedAdded: [AddedToken] = []
    private var namesOfAdded = Set<[UInt8]>()
    private var idsOfAdded = Set<TokenID>()

    /// Takes a vocabulary: an object of tokens, in the byte alphabet, and their ids.
    mutating func setVocabulary(_ object: JSONObject) throws(TokenizerFault) {
        let members = object.members
        vocabulary = TokenBytes(count: members.count, byteCount: members.count * 8)
        var bytes: [UInt8] = []
        for member in members {
            let id = try Self.id(member.value, of: member.key)
            bytes.removeAll(keepingCapacity: true)
            guard ByteAlphabet.append(member.key.utf8[...], to: &bytes), !bytes.isEmpty else {
                throw .notByteLevel(token: member.key)
            }
            guard !vocabulary.contains(id) else { throw .repeatedID(id: id, token: member.key) }
            guard vocabulary.insert(bytes[...], id: id) else {
                throw .repeatedToken(token: member.key)
            }
        }
        if let missing = (0..<vocabulary.count).first(where: { !vocabulary.contains($0) }) {
            throw .missingID(missing)
        }
        byteTokens = []
        isReachable = Array(repeating: false, count: vocabulary.count)
        for byte in UInt8.min...UInt8.max {
            guard let id = vocabulary.id(of: [byte]) else {
                throw .missingByte(byte)
            }
            byteTokens.append(UInt32(id))
            isReachable[id] = true
        }
    }

    /// Makes room for merges; they follow in the order of their rank.
    mutating func beginMerges(count: Int) { merges = MergeTable(count: count) }

    /// Takes the merge of that number, from 1.
    mutating func addMerge(
        _ left: String.UTF8View.SubSequence, _ right: String.UTF8View.SubSequence, number: Int
    ) throws(TokenizerFault) {
        guard let rank = UInt32(exactly: number) else { throw .malformedMerge(number: number) }
        joined.removeAll(keepingCapacity: true)
        guard ByteAlphabet.append(left, to: &joined) else {
            throw .unknownMergeToken(number: number, token: String(Substring(left)))
        }
        let cut = joined.count
        guard let leftID = vocabulary.id(of: joined[...]) else {
            throw .unknownMergeToken(number: number, token: String(Substring(left)))
        }
        guard ByteAlphabet.append(right, to: &joined),
            let rightID = vocabulary.id(of: joined[cut...])
        else { throw .unknownMergeToken(number: number, token: String(Substring(right))) }
        guard let result = vocabulary.id(of: joined[...]) else {
            let token = String(Substring(left)) + String(Substring(right))
            throw .unknownMergeToken(number: number, token: token)
        }
        isReachable[result] = true
        merges.insert(
            MergeTable.Merge(rank: rank, result: UInt32(result)),
            left: UInt32(leftID), right: UInt32(rightID))
    }

    /// Takes a token beside the vocabulary, after the vocabulary and its merges.
    ///
    /// - Parameter normalized: whether its name is looked for in normalised text.
    mutating func addToken(
        name: String, id: JSON, isSpecial: Bool, normalized: Bool
    ) throws(TokenizerFault) {
        let id = try Self.id(id, of: name)
        let content = Array(name.utf8)
        guard !content.isEmpty else {
            throw .wrongField(name: "the name of added token \(id)", expected: "not empty")
        }
        guard namesOfAdded.insert(content).inserted else { throw .repeatedToken(token: name) }
        guard idsOfAdded.insert(id).inserted else { throw .repeatedID(id: id, token: name) }
        if let known = vocabulary[id] {
            guard known.elementsEqual(content) else {
                throw .addedTokenTakesID(token: name, id: id)
            }
            guard !isSpecial || !isReachable[id] else { throw .reachableSpecialToken(token: name) }
        }
        let token = AddedToken(id: id, content: content, isSpecial: isSpecial)
        if normalized { normalizedAdded.append(token) } else { added.append(token) }
    }

    /// The tokenizer of all that was taken.
    func build() -> Tokenizer {
        Tokenizer(
            vocabulary: vocabulary, merges: merges, byteTokens: byteTokens, added: added,
            normalizedAdded: normalizedAdded)
    }

    private static func id(_ value: JSON, of token: String) throws(TokenizerFault) -> TokenID {
        guard let id = value.int, (0...highestID).contains(id) else {
            let found = String(value.compact.prefix(40))
            throw .badID(token: token, found: found, limit: highestID)
        }
        return id
    }
}

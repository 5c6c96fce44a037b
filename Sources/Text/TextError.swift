import OrderedJSON

/// Why a tokenizer could not be loaded or a prompt not be made.
public enum TextError: Error, Sendable, Equatable {
    /// The folder has neither `tokenizer.json` nor `vocab.json` with `merges.txt`.
    case noTokenizer(folder: String)
    case unreadable(path: String, reason: String)
    case tooLarge(path: String, bytes: Int, limit: Int)
    case damaged(path: String, fault: TokenizerFault)
    /// The file is sound and describes a tokenizer of another kind.
    case unsupported(path: String, setting: String, found: String)
    case missingSpecialToken(name: String)
    /// A text holds the name of a token that stands for the pixels of a picture.
    case visualTokenInText(name: String)
}

/// What is wrong with the data of a tokenizer file.
public enum TokenizerFault: Error, Sendable, Equatable {
    case notJSON(JSONSyntaxError)
    case notUTF8(line: Int)
    case wrongField(name: String, expected: String)
    /// A token holds a character that stands for no byte.
    case notByteLevel(token: String)
    /// An id that is negative, too large or no whole number.
    case badID(token: String, found: String, limit: Int)
    case repeatedID(id: TokenID, token: String)
    case repeatedToken(token: String)
    /// No token has this id, although tokens with higher ids exist.
    case missingID(TokenID)
    case missingByte(UInt8)
    /// A merge that is not two tokens; numbered from 1.
    case malformedMerge(number: Int)
    case unknownMergeToken(number: Int, token: String)
    /// An added token has the id of another token of the vocabulary.
    case addedTokenTakesID(token: String, id: TokenID)
    /// Ordinary text would turn into a special token.
    case reachableSpecialToken(token: String)
}

extension TextError: CustomStringConvertible {
    /// The stable code of error documents.
    public var code: String {
        switch self {
        case .noTokenizer: "model.not_found"
        case .unreadable, .tooLarge, .damaged: "model.damaged"
        case .unsupported, .missingSpecialToken: "model.unsupported"
        case .visualTokenInText: "job.invalid"
        }
    }

    /// What the person at the other end can do about it.
    public var hint: String {
        switch self {
        case .noTokenizer:
            "the model folder needs tokenizer.json, or vocab.json, merges.txt and "
                + "tokenizer_config.json"
        case .unreadable: "check that the file is a plain file you may read"
        case .tooLarge, .damaged: "download the model again, or take the file from its publisher"
        case .unsupported, .missingSpecialToken:
            "use the tokenizer files of a Qwen2-VL model; other tokenizers would give wrong tokens"
        case .visualTokenInText: "leave the token out of the text, or give the text as plain text"
        }
    }

    public var description: String {
        switch self {
        case .noTokenizer(let folder): "no tokenizer in \(folder)"
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .tooLarge(let path, let bytes, let limit):
            "\(path) has \(bytes) bytes; a tokenizer file has at most \(limit)"
        case .damaged(let path, let fault): "\(path) is damaged: \(fault)"
        case .unsupported(let path, let setting, let found):
            "\(path) describes a tokenizer that is not supported: \(setting) is \(found)"
        case .missingSpecialToken(let name): "the tokenizer has no special token \(name)"
        case .visualTokenInText(let name):
            "the text contains \(name), which stands for the content of a picture or video"
        }
    }
}

extension TokenizerFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notJSON(let error): "\(error)"
        case .notUTF8(let line): "line \(line) is not UTF-8"
        case .wrongField(let name, let expected): "\(name) should be \(expected)"
        case .notByteLevel(let token):
            "token \(Self.quoted(token)) holds a character that stands for no byte"
        case .badID(let token, let found, let limit):
            "token \(Self.quoted(token)) has id \(found); ids are whole numbers from 0 to \(limit)"
        case .repeatedID(let id, let token):
            "token \(Self.quoted(token)) has id \(id), which another token has"
        case .repeatedToken(let token): "token \(Self.quoted(token)) stands twice"
        case .missingID(let id): "no token has id \(id), but higher ids exist"
        case .missingByte(let byte): "no token stands for byte \(byte)"
        case .malformedMerge(let number): "merge \(number) is not a pair of tokens"
        case .unknownMergeToken(let number, let token):
            "merge \(number) needs token \(Self.quoted(token)), which is not in the vocabulary"
        case .addedTokenTakesID(let token, let id):
            "added token \(Self.quoted(token)) has id \(id) of another token"
        case .reachableSpecialToken(let token):
            "ordinary text would become the special token \(Self.quoted(token))"
        }
    }

    /// A token of a hostile file can be megabytes long.
    private static func quoted(_ token: String) -> String {
        let shown = String(String.UnicodeScalarView(token.unicodeScalars.prefix(40)))
        return JSON.string(shown).compact + (shown.utf8.count < token.utf8.count ? "…" : "")
    }
}

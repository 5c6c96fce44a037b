import Text

/// A checkpoint's tokenizer for texts as they are: special tokens inside a text are recognised.
public struct TextTokens: Sendable {
    private let tokenizer: Tokenizer

    /// - Parameter folder: holds tokenizer.json, or vocab.json and merges.txt.
    public init(folder: String) throws(Failure) {
        do {
            tokenizer = try Tokenizer.load(checkpoint: folder)
        } catch {
            throw Failure(error, stage: .tokenize)
        }
    }

    public func encode(_ text: String) -> [Int] { tokenizer.encode(text, special: .recognised) }

    /// The text of ids, special tokens included; bytes that are no UTF-8 become U+FFFD.
    ///
    /// - Throws: `input.invalid` for an id that has no token.
    public func decode(_ ids: [Int]) throws(Failure) -> String {
        for id in ids where tokenizer.bytes(of: id) == nil {
            throw Failure(
                .inputInvalid, stage: .tokenize, message: "\(id) is no token of this tokenizer")
        }
        return tokenizer.decode(ids, skippingSpecial: false)
    }
}

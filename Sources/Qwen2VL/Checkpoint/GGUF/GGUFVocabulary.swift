import Compute

/// The parts of a tokenizer in the metadata of a GGUF file.
public struct GGUFVocabulary: Sendable {
    /// Kind of the tokenizer, and of what cuts text into pieces.
    public let model: String
    public let pieces: String
    /// In the byte alphabet, by their ids; special tokens by their names.
    public let tokens: [String]
    /// 1 normal, 3 control, 4 defined by a user, 5 unused; by id.
    public let kinds: [Int]
    /// Two tokens with a space between, in order of their rank.
    public let merges: [String]

    /// Reads the metadata of a file, or of the language model's file in a folder of GGUF files.
    ///
    /// - Returns: nil where the path means a checkpoint of another kind.
    /// - Throws: `damaged` where the tokenizer is missing or incomplete.
    public static func read(path: String) throws(ModelError) -> GGUFVocabulary? {
        guard let (path, reader) = try GGUFPair.findLanguage(at: path) else { return nil }
        var faults = reader.faults
        func list<T>(_ key: String, _ value: (GGUFArray) -> [T]?, _ expected: String) -> [T] {
            let key = "tokenizer.ggml." + key
            guard let found = reader.array(key) else {
                faults.append(Fault(reader.name, key, .missing))
                return []
            }
            guard let values = value(found) else {
                faults.append(Fault(reader.name, key, .wrongType(expected: expected)))
                return []
            }
            return values
        }
        let tokens = list("tokens", \.strings, "a list of texts")
        let kinds = list("token_type", \.integers, "a list of whole numbers")
        let merges = list("merges", \.strings, "a list of texts")
        if faults.isEmpty, kinds.count != tokens.count {
            faults.append(
                Fault(
                    reader.name, "tokenizer.ggml.token_type",
                    .disagrees(
                        value: "\(kinds.count) types", with: "tokenizer.ggml.tokens",
                        expected: "\(tokens.count)")))
        }
        guard faults.isEmpty else { throw .damaged(path: path, faults: faults) }
        return GGUFVocabulary(
            model: reader.string("tokenizer.ggml.model") ?? "",
            pieces: reader.string("tokenizer.ggml.pre") ?? "", tokens: tokens, kinds: kinds,
            merges: merges)
    }
}

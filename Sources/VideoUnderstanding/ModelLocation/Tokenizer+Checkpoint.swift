import Qwen2VL
import Text

extension Tokenizer {
    /// The tokenizer of a checkpoint: from the files of its folder, or from the metadata of a GGUF
    /// file.
    ///
    /// - Throws: `ModelError` or `TextError`.
    package static func load(checkpoint path: String) throws -> Tokenizer {
        guard let found = try GGUFVocabulary.read(path: path) else {
            return try load(folder: path)
        }
        return try load(
            TokenList(
                path: path, model: found.model, pieces: found.pieces, tokens: found.tokens,
                kinds: found.kinds, merges: found.merges))
    }
}

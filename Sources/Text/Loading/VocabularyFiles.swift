import OrderedJSON

/// Reads `vocab.json`, `merges.txt` and the added tokens of `tokenizer_config.json`, the older
/// format in three files.
struct VocabularyFiles {
    struct File {
        let path: String
        let bytes: [UInt8]
    }

    let vocabulary: File
    let merges: File
    let configuration: File

    func tokenizer() throws(TextError) -> Tokenizer {
        let configuration = try checkedConfiguration()
        var builder = TokenizerBuilder()
        let object = try JSON.parse(vocabulary.bytes, path: vocabulary.path).object
        try blaming(vocabulary) { () throws(TokenizerFault) in
            guard let object else {
                throw .wrongField(name: "the whole", expected: "an object of tokens and ids")
            }
            try builder.setVocabulary(object)
        }
        try blaming(merges) { () throws(TokenizerFault) in try readMerges(into: &builder) }
        try blaming(self.configuration) { () throws(TokenizerFault) in
            guard let added = configuration["added_tokens_decoder"]?.object else {
                throw .wrongField(
                    name: "added_tokens_decoder", expected: "an object of ids and tokens")
            }
            for member in added.members {
                // The ids are names of members here, so they are text.
                let id = Int(member.key).map(JSON.int) ?? .string(member.key)
                try builder.addToken(member.value, id: id)
            }
        }
        return builder.build()
    }

    private func checkedConfiguration() throws(TextError) -> JSON {
        let root = try JSON.parse(configuration.bytes, path: configuration.path)
        let kind = root["tokenizer_class"] ?? .null
        guard kind.isNull || ["Qwen2Tokenizer", "Qwen2TokenizerFast"].contains(kind.string) else {
            throw .unsupported(
                path: configuration.path, setting: "tokenizer_class",
                found: String(kind.compact.prefix(80)))
        }
        let prefix = root["add_prefix_space"] ?? .null
        guard prefix.isNull || prefix.bool == false else {
            throw .unsupported(
                path: configuration.path, setting: "add_prefix_space",
                found: String(prefix.compact.prefix(80)))
        }
        let added = root["added_tokens_decoder"]?.object?.members.map(\.value) ?? []
        try TextError.refuseOptions(of: added, path: configuration.path)
        return root
    }

    private func readMerges(into builder: inout TokenizerBuilder) throws(TokenizerFault) {
        let lines = merges.bytes.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        builder.beginMerges(count: lines.count)
        var number = 0
        for (index, bytes) in lines.enumerated() {
            guard var line = String(validating: bytes, as: UTF8.self) else {
                throw .notUTF8(line: index + 1)
            }
            if line.utf8.last == UInt8(ascii: "\r") { line.unicodeScalars.removeLast() }
            // A token can begin with the sign of a comment; only this one line is none.
            if line.isEmpty || line.utf8.starts(with: "#version".utf8) { continue }
            number += 1
            try builder.addMerge(line.utf8[...], number: number)
        }
    }

    private func blaming(
        _ file: File, _ body: () throws(TokenizerFault) -> Void
    ) throws(TextError) {
        do {
            try body()
        } catch {
            throw .damaged(path: file.path, fault: error)
        }
    }
}

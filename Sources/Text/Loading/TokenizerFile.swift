import OrderedJSON

/// Reads `tokenizer.json`, the one-file format of the Hugging Face `tokenizers` library.
///
/// Only tokenizers of the Qwen2 family are understood. Every setting that would change tokens is
/// compared with what the family uses, so that another tokenizer is refused rather than imitated.
struct TokenizerFile {
    let path: String
    private let root: JSON

    init(path: String, bytes: [UInt8]) throws(TextError) {
        self.path = path
        root = try JSON.parse(bytes, path: path)
    }

    func tokenizer() throws(TextError) -> Tokenizer {
        try checkPipeline()
        var builder = TokenizerBuilder()
        do {
            try readModel(into: &builder)
            try readAddedTokens(into: &builder)
        } catch {
            throw .damaged(path: path, fault: error)
        }
        return builder.build()
    }

    // MARK: - Settings

    private func checkPipeline() throws(TextError) {
        var normalizer = root["normalizer"]
        if normalizer?["type"]?.string == "Sequence",
            let only = normalizer?["normalizers"]?.array, only.count == 1
        {
            normalizer = only[0]
        }
        try expect(normalizer?["type"], "normalizer", .string("NFC"))

        let splitter = root["pre_tokenizer"]
        try expect(splitter?["type"], "pre_tokenizer", .string("Sequence"))
        let steps = splitter?["pretokenizers"]
        let split = steps?[0]
        try expect(
            .int(steps?.array?.count ?? 0), "the number of pre-tokenizers", .int(2))
        try expect(split?["type"], "the first pre-tokenizer", .string("Split"))
        try expect(
            split?["pattern"]?["Regex"], "the split pattern", .string(PieceScanner.pattern))
        try expect(split?["behavior"], "the split behaviour", .string("Isolated"))
        try expect(split?["invert"] ?? false, "the inversion of the split", false)
        try expectByteLevel(steps?[1], "the second pre-tokenizer")
        try expect(root["decoder"]?["type"], "decoder", .string("ByteLevel"))
        if let post = root["post_processor"], !post.isNull {
            try expect(post["type"], "post_processor", .string("ByteLevel"))
        }

        try TextError.refuseOptions(of: root["added_tokens"]?.array ?? [], path: path)

        let model = root["model"]
        // Files of early versions leave the type out.
        try expect(model?["type"] ?? .string("BPE"), "model", .string("BPE"))
        for name in ["dropout", "unk_token"] {
            try expect(model?[name] ?? .null, "model.\(name)", nil)
        }
        for name in ["continuing_subword_prefix", "end_of_word_suffix"] {
            let value = model?[name] ?? .null
            try expect(value.isNull ? .string("") : value, "model.\(name)", .string(""))
        }
        for name in ["byte_fallback", "ignore_merges"] {
            try expect(model?[name] ?? false, "model.\(name)", false)
        }
    }

    private func expectByteLevel(_ value: JSON?, _ setting: String) throws(TextError) {
        try expect(value?["type"], setting, .string("ByteLevel"))
        for name in ["add_prefix_space", "use_regex"] {
            try expect(value?[name] ?? true, "\(name) of \(setting)", false)
        }
    }

    private func expect(
        _ found: JSON?, _ setting: String, _ expected: JSON
    ) throws(TextError) {
        let same =
            switch (found, expected) {
            // Byte by byte; == on strings would take canonically equivalent ones for equal.
            case (.string(let found)?, .string(let expected)):
                found.utf8.elementsEqual(expected.utf8)
            default: found == expected
            }
        guard !same else { return }
        let shown = found.map { String($0.compact.prefix(80)) } ?? "missing"
        throw .unsupported(path: path, setting: setting, found: shown)
    }

    // MARK: - Data

    private func readModel(into builder: inout TokenizerBuilder) throws(TokenizerFault) {
        guard let vocabulary = root["model"]?["vocab"]?.object else {
            throw .wrongField(name: "model.vocab", expected: "an object of tokens and ids")
        }
        try builder.setVocabulary(vocabulary)
        guard let merges = root["model"]?["merges"]?.array else {
            throw .wrongField(name: "model.merges", expected: "a list of merges")
        }
        builder.beginMerges(count: merges.count)
        for (index, merge) in merges.enumerated() {
            switch merge {
            case .string(let text):
                try builder.addMerge(text.utf8[...], number: index + 1)
            case .array(let pair) where pair.count == 2:
                guard let left = pair[0].string, let right = pair[1].string else { fallthrough }
                try builder.addMerge(left.utf8[...], right.utf8[...], number: index + 1)
            default:
                throw .malformedMerge(number: index + 1)
            }
        }
    }

    private func readAddedTokens(into builder: inout TokenizerBuilder) throws(TokenizerFault) {
        guard let value = root["added_tokens"], !value.isNull else { return }
        guard let list = value.array else {
            throw .wrongField(name: "added_tokens", expected: "a list")
        }
        for entry in list { try builder.addToken(entry, id: entry["id"] ?? .null) }
    }
}

extension TextError {
    /// Refuses added tokens that take more of the text than their names, or less often.
    static func refuseOptions(of added: [JSON], path: String) throws(TextError) {
        for entry in added {
            for option in ["single_word", "lstrip", "rstrip"] {
                let value = entry[option] ?? false
                guard value != false else { continue }
                let name = String((entry["content"]?.string ?? "?").prefix(40))
                throw .unsupported(
                    path: path, setting: "\(option) of added token \(name)",
                    found: String(value.compact.prefix(40)))
            }
        }
    }
}

extension TokenizerBuilder {
    /// Takes a merge written as two tokens with a space between.
    mutating func addMerge(
        _ text: String.UTF8View.SubSequence, number: Int
    ) throws(TokenizerFault) {
        // No character of the byte alphabet is a space.
        guard let space = text.firstIndex(of: UInt8(ascii: " ")) else {
            throw .malformedMerge(number: number)
        }
        let right = text[text.index(after: space)...]
        guard !right.contains(UInt8(ascii: " ")) else { throw .malformedMerge(number: number) }
        try addMerge(text[..<space], right, number: number)
    }

    /// Takes an added token as both kinds of files describe one.
    mutating func addToken(_ entry: JSON, id: JSON) throws(TokenizerFault) {
        guard let name = entry["content"]?.string else {
            throw .wrongField(name: "the content of an added token", expected: "its name")
        }
        let isSpecial = entry["special"]?.bool ?? false
        try addToken(
            name: name, id: id, isSpecial: isSpecial,
            normalized: entry["normalized"]?.bool ?? !isSpecial)
    }
}

extension JSON {
    /// A JSON text from a tokenizer file.
    static func parse(_ bytes: [UInt8], path: String) throws(TextError) -> JSON {
        do {
            return try JSON.parse(bytes)
        } catch {
            throw .damaged(path: path, fault: .notJSON(error))
        }
    }
}

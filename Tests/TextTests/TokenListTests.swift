import OrderedJSON
import Testing
import Text

@Suite struct TokenListTests {
    /// The lists that a converter makes of `tokenizer.json`, filled up to the rows of an embedding.
    private static func list(_ path: String, rows: Int) throws -> TokenList {
        let root = try Fixture.json(path)
        var tokens = [String](repeating: "", count: rows)
        var kinds = [Int](repeating: 5, count: rows)
        for id in 0..<rows { tokens[id] = "[PAD\(id)]" }
        for member in try #require(root["model"]?["vocab"]?.object).members {
            let id = try #require(member.value.int)
            tokens[id] = member.key
            kinds[id] = 1
        }
        for token in root["added_tokens"]?.array ?? [] {
            let id = try #require(token["id"]?.int)
            tokens[id] = try #require(token["content"]?.string)
            kinds[id] = token["special"]?.bool == true ? 3 : 4
        }
        let merges = try #require(root["model"]?["merges"]?.array).map { merge in
            merge.string ?? (merge.array ?? []).compactMap(\.string).joined(separator: " ")
        }
        return TokenList(
            path: "model.gguf", model: "gpt2", pieces: "qwen2", tokens: tokens, kinds: kinds,
            merges: merges)
    }

    /// The same ids for every text as from the files.
    @Test(
        .enabled(
            if: Fixture.exists(Fixture.publishedTokenizer + "/tokenizer.json"),
            "the published tokenizer is not there; set REELSCRIBE_SHARED to its folder"))
    func publishedTokenizer() throws {
        let folder = Fixture.publishedTokenizer
        let tokenizer = try Tokenizer.load(
            try Self.list(folder + "/tokenizer.json", rows: 151_936))
        #expect(tokenizer.count == 151_657)
        for row in try Fixture.rows(folder + "/encode_golden.jsonl") {
            let text = try #require(row["text"]?.string)
            let ids = tokenizer.encode(text, special: .recognised)
            #expect(ids == row["ids"]?.ids, "\(row["text"]!.compact)")
        }
        #expect(tokenizer.isSpecial(151_645) && tokenizer.id(ofSpecial: "<|im_end|>") == 151_645)
    }

    private static let bytes: [String] = (0..<256).map { byte in
        switch byte {
        case 33...126, 161...172, 174...255: String(UnicodeScalar(UInt8(byte)))
        default:
            String(
                UnicodeScalar(
                    UInt32(
                        256
                            + (0..<byte).count {
                                !((33...126).contains($0) || (161...172).contains($0)
                                    || (174...255).contains($0))
                            })) ?? "?")
        }
    }

    private static func small() -> TokenList {
        TokenList(
            path: "model.gguf", model: "gpt2", pieces: "qwen2",
            tokens: bytes + ["ab", "abc", "<|end|>", "<tool>", "[PAD260]"],
            kinds: [Int](repeating: 1, count: 258) + [3, 4, 5], merges: ["a b", "ab c"])
    }

    @Test func smallList() throws {
        let tokenizer = try Tokenizer.load(Self.small())
        #expect(tokenizer.encode("abcab<|end|>", special: .recognised) == [257, 256, 258])
        #expect(tokenizer.encode("<|end|>").count == 7)
        #expect(tokenizer.decode([257, 258, 259, 260], skippingSpecial: true) == "abc<tool>")
        #expect(tokenizer.count == 260)
    }

    @Test(arguments: [
        ("model", "tokenizer.ggml.model"), ("pieces", "tokenizer.ggml.pre"),
        ("kinds", "token_type"), ("kind", "the type 2"), ("merge", "merge 2"),
        ("lone", "merge 1"), ("hole", "no token has id"), ("twice", "stands twice"),
    ])
    func wrongLists(what: String, says: String) {
        var list = Self.small()
        switch what {
        case "model": list.model = "llama"
        case "pieces": list.pieces = ""
        case "kinds": list.kinds.removeLast()
        case "kind": list.kinds[259] = 2
        case "merge": list.merges[1] = "ab z9"
        case "lone": list.merges[0] = "ab"
        case "hole": list.kinds[100] = 5
        default: list.tokens[259] = "<|end|>"
        }
        let error = #expect(throws: TextError.self) { try Tokenizer.load(list) }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }
}

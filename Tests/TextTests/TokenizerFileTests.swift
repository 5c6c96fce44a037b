import OrderedJSON
import Testing
import Text

/// Files that are broken, hostile, or of another tokenizer.
@Suite struct TokenizerFileTests {
    private static let sound = Result { try Fixture.json(Fixture.folder + "/tokenizer.json") }

    /// What loading a folder with these files throws.
    private func error(_ files: [String: [UInt8]]) throws -> TextError? {
        try Fixture.withFolder(files) { folder -> TextError? in
            do throws(TextError) {
                _ = try Tokenizer.load(folder: folder)
                return nil
            } catch {
                #expect(!error.description.isEmpty && !error.hint.isEmpty)
                return error
            }
        }
    }

    /// The fault found in `tokenizer.json` after a change.
    private func fault(_ change: (inout JSON) -> Void) throws -> TokenizerFault? {
        var root = try Self.sound.get()
        change(&root)
        switch try error(["tokenizer.json": Array(root.compact.utf8)]) {
        case .damaged(let path, let fault)?:
            #expect(path.hasSuffix("/tokenizer.json"))
            return fault
        case let other:
            Issue.record("\(String(describing: other)) is no fault")
            return nil
        }
    }

    @Test func theUnchangedFileLoads() throws {
        let bytes = Array(try Self.sound.get().compact.utf8)
        #expect(try error(["tokenizer.json": bytes]) == nil)
    }

    // MARK: - Vocabulary

    @Test(arguments: [
        JSON.int(-1), .int(1_048_576), .int(Int.max), "1", nil, .decimal(1.5), .array([]), true,
    ])
    func idsAreBounded(id: JSON) throws {
        let found = try fault { $0.vocabulary["Ċ"] = id }
        #expect(found == .badID(token: "Ċ", found: id.compact, limit: 1_048_575))
    }

    @Test func aHugeNumberIsNoID() throws {
        let text = try Self.sound.get().compact.replacing("\"Ġ\":", with: "\"Ġ\":1e300,\"x\":")
        let found = try error(["tokenizer.json": Array(text.utf8)])
        #expect("\(found.map(\.description) ?? "")".contains("has id 1e300"))
    }

    @Test func anIDStandsOnce() throws {
        #expect(try fault { $0.vocabulary["!"] = 5 } == .repeatedID(id: 5, token: "&"))
    }

    @Test func aTokenStandsOnce() throws {
        let found = try fault {
            $0.vocabulary.members.append(JSONObject.Member(key: "!", value: 900))
        }
        #expect(found == .repeatedToken(token: "!"))
    }

    @Test func idsHaveNoGap() throws {
        #expect(try fault { $0.vocabulary["ĠĠĠĠĠĠ"] = 100_000 } == .missingID(700))
    }

    @Test func everyByteHasAToken() throws {
        #expect(try fault { $0.rename("Ċ", to: "ĊĊĊĊĊĊ") } == .missingByte(10))
    }

    @Test(arguments: ["一", "a b", "", "\u{144}", "\u{AD}", "\n", "é\u{301}"])
    func tokensAreWrittenInTheByteAlphabet(token: String) throws {
        #expect(try fault { $0.vocabulary[token] = 700 } == .notByteLevel(token: token))
    }

    // "é" is one token and "e" with a mark would be another: they are equal as strings.
    @Test func equivalentTokensAreDifferent() throws {
        let found = try fault {
            $0.vocabulary["\u{C5}\u{C5}\u{C5}"] = 700
            $0.vocabulary["A\u{30A}"] = 701
        }
        #expect(found == .notByteLevel(token: "A\u{30A}"))
    }

    // MARK: - Merges

    static let wrongMerges: [(JSON, TokenizerFault)] = [
        ("a", .malformedMerge(number: 1)),
        ("a b c", .malformedMerge(number: 1)), ("", .malformedMerge(number: 1)),
        (.array(["a"]), .malformedMerge(number: 1)),
        (.array(["a", 1]), .malformedMerge(number: 1)),
        (.int(3), .malformedMerge(number: 1)),
        ("a ÿÿ", .unknownMergeToken(number: 1, token: "ÿÿ")),
        ("ÿÿ a", .unknownMergeToken(number: 1, token: "ÿÿ")),
        ("ÿ ÿ", .unknownMergeToken(number: 1, token: "ÿÿ")),
        (" a", .unknownMergeToken(number: 1, token: "")),
        ("一 a", .unknownMergeToken(number: 1, token: "一")),
        (.array(["a", ""]), .unknownMergeToken(number: 1, token: "")),
    ]

    @Test(arguments: wrongMerges)
    func mergesAreOfKnownTokens(merge: JSON, expected: TokenizerFault) throws {
        let found = try fault { root in
            root.withMember("model") { model in
                model["merges"] = .array([merge] + (model["merges"]?.array ?? []))
            }
        }
        #expect(found == expected)
    }

    // MARK: - Added tokens

    static let wrongAdditions: [(JSON, TokenizerFault)] = [
        (["id": 0, "content": "<x>"], TokenizerFault.addedTokenTakesID(token: "<x>", id: 0)),
        (["id": 700, "content": "<x>"], .repeatedID(id: 700, token: "<x>")),
        (["id": 800, "content": "<|im_end|>"], .repeatedToken(token: "<|im_end|>")),
        (["id": -7, "content": "<x>"], .badID(token: "<x>", found: "-7", limit: 1_048_575)),
        (["content": "<x>"], .badID(token: "<x>", found: "null", limit: 1_048_575)),
        // Text would turn into it by merging alone.
        (["id": 0, "content": "!", "special": true], .reachableSpecialToken(token: "!")),
        (["id": 800], .wrongField(name: "the content of an added token", expected: "its name")),
        (
            ["id": 800, "content": ""],
            .wrongField(name: "the name of added token 800", expected: "not empty")
        ),
    ]

    @Test(arguments: wrongAdditions)
    func addedTokensFit(token: JSON, expected: TokenizerFault) throws {
        let found = try fault {
            $0["added_tokens", default: []] = .array(($0["added_tokens"]?.array ?? []) + [token])
        }
        #expect(found == expected)
    }

    @Test func addedTokensMayLeaveAGap() throws {
        var root = try Self.sound.get()
        root["added_tokens", default: []] = .array(
            (root["added_tokens"]?.array ?? []) + [["id": 2000, "content": "<x>"]])
        try Fixture.withFolder(["tokenizer.json": Array(root.compact.utf8)]) { folder in
            let tokenizer = try Tokenizer.load(folder: folder)
            #expect(tokenizer.count == 2001)
            #expect(tokenizer.bytes(of: 1999) == nil)
            #expect(tokenizer.encode("a<x>", special: .recognised).last == 2000)
        }
    }

    // MARK: - Other tokenizers

    static let otherSettings: [([String], JSON)] = [
        (["normalizer"], nil), (["normalizer", "type"], "NFKC"), (["pre_tokenizer"], nil),
        (["pre_tokenizer", "type"], "ByteLevel"), (["decoder", "type"], "WordPiece"),
        (["post_processor", "type"], "TemplateProcessing"), (["model", "type"], "Unigram"),
        (["model", "byte_fallback"], true), (["model", "ignore_merges"], true),
        (["model", "unk_token"], "<unk>"), (["model", "dropout"], .decimal(0.1)),
        (["model", "end_of_word_suffix"], "</w>"),
        (["added_tokens"], [["id": 700, "content": "<x>", "lstrip": true]]),
        (["added_tokens"], [["id": 700, "content": "<x>", "single_word": true]]),
    ]

    @Test(arguments: otherSettings)
    func otherTokenizersAreRefused(path: [String], value: JSON) throws {
        var root = try Self.sound.get()
        root.set(path[...], value)
        let found = try error(["tokenizer.json": Array(root.compact.utf8)])
        guard case .unsupported? = found else {
            Issue.record("\(String(describing: found))")
            return
        }
        #expect(found?.code == "model.unsupported")
    }

    @Test(arguments: [
        ("\\\\p{N}|", "\\\\p{N}{1,3}|"), ("\"Isolated\"", "\"Removed\""),
        ("\"use_regex\":false", "\"use_regex\":true"),
        ("\"add_prefix_space\":false", "\"other\":false"),
        ("\"invert\":false", "\"invert\":true"),
    ])
    func otherSplitsAreRefused(old: String, new: String) throws {
        let text = try Self.sound.get().compact
        let changed = text.replacing(old, with: new, maxReplacements: 1)
        #expect(changed != text)
        guard case .unsupported? = try error(["tokenizer.json": Array(changed.utf8)]) else {
            Issue.record("accepted")
            return
        }
    }

    // MARK: - Files

    @Test func brokenTextIsNamedOnce() throws {
        for bytes in [[], Array("{".utf8), Array("[]x".utf8), [0xFF, 0xFE], Array("\u{0}".utf8)] {
            guard case .damaged(_, .notJSON)? = try error(["tokenizer.json": bytes]) else {
                Issue.record("accepted \(bytes)")
                continue
            }
        }
    }

    // A file cut at any place is refused, never taken for a smaller tokenizer.
    @Test func everyCutIsNoticed() throws {
        let bytes = Array(try Self.sound.get().compact.utf8)
        for count in stride(from: 0, to: bytes.count, by: 397) {
            #expect(try error(["tokenizer.json": Array(bytes[..<count])]) != nil)
        }
    }

    @Test(arguments: ["[]", "{}", "1", "\"x\"", "null", "{\"model\":{}}"])
    func jsonOfAnotherKindIsRefused(text: String) throws {
        #expect(try error(["tokenizer.json": Array(text.utf8)])?.code == "model.unsupported")
    }

    @Test func filesThatAreMissingAreNamed() throws {
        #expect(throws: TextError.noTokenizer(folder: "/nowhere/at/all/")) {
            try Tokenizer.load(folder: "/nowhere/at/all")
        }
        #expect(try error([:])?.code == "model.not_found")
        #expect(try error(["vocab.json": Array("{}".utf8)])?.code == "model.not_found")
    }

    @Test func aFolderIsNoFile() throws {
        #expect(throws: TextError.self) { try Tokenizer.load(folder: "/dev/null") }
        let found = #expect(throws: TextError.self) {
            try Fixture.withLink(named: "tokenizer.json", to: "/dev/zero") {
                _ = try Tokenizer.load(folder: $0)
            }
        }
        guard case .unreadable? = found else {
            Issue.record("\(String(describing: found))")
            return
        }
    }

    // MARK: - Three files

    private func threeFiles() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in ["vocab.json", "merges.txt", "tokenizer_config.json"] {
            files[name] = try Fixture.bytes(Fixture.folder + "/split/" + name)
        }
        return files
    }

    @Test(arguments: [
        ("merges.txt", "a ÿÿ", "merge 1 needs token \"ÿÿ\""), ("merges.txt", "a", "merge 1 is not"),
        ("vocab.json", "[]", "an object of tokens"), ("vocab.json", "{\"a\":0}", "byte 0"),
        ("tokenizer_config.json", "{}", "added_tokens_decoder"),
        ("tokenizer_config.json", "{\"tokenizer_class\":\"LlamaTokenizer\"}", "LlamaTokenizer"),
        ("tokenizer_config.json", "{\"add_prefix_space\":true}", "add_prefix_space"),
        (
            "tokenizer_config.json",
            "{\"added_tokens_decoder\":{\"9\":{\"content\":\"<y>\",\"rstrip\":true}}}", "rstrip"
        ),
        (
            "tokenizer_config.json", "{\"added_tokens_decoder\":{\"x\":{\"content\":\"<y>\"}}}",
            "id \"x\""
        ),
    ])
    func faultsNameTheFile(name: String, content: String, message: String) throws {
        var files = try threeFiles()
        files[name] = Array(content.utf8)
        let found = try #require(try error(files))
        #expect(found.description.contains(name))
        #expect(found.description.contains(message), "\(found)")
    }

    @Test func lineEndsOfOtherSystemsAreRead() throws {
        var files = try threeFiles()
        let merges = String(decoding: files["merges.txt"] ?? [], as: UTF8.self)
        files["merges.txt"] = Array(merges.replacing("\n", with: "\r\n").utf8)
        let ids = try Fixture.withFolder(files) {
            try Tokenizer.load(folder: $0).encode("The camera moves")
        }
        #expect(try ids == Tokenizer.load(folder: Fixture.folder).encode("The camera moves"))
        files["merges.txt"]?.append(contentsOf: [0xFF, 0x20, 0x41])
        guard case .damaged(_, .notUTF8)? = try error(files) else {
            Issue.record("accepted")
            return
        }
    }
}

extension JSON {
    fileprivate subscript(key: String, default value: JSON) -> JSON {
        get { self[key] ?? value }
        set { set([key], newValue) }
    }

    /// Replaces the member at the end of a path of names.
    fileprivate mutating func set(_ path: ArraySlice<String>, _ value: JSON) {
        guard let name = path.first else {
            self = value
            return
        }
        var object = object ?? JSONObject()
        var member = object[name] ?? .null
        member.set(path.dropFirst(), value)
        object[name] = member
        self = .object(object)
    }

    fileprivate mutating func withMember(_ name: String, _ change: (inout JSONObject) -> Void) {
        var member = self[name]?.object ?? JSONObject()
        change(&member)
        set([name], .object(member))
    }

    fileprivate var vocabulary: JSONObject {
        get { self["model"]?["vocab"]?.object ?? JSONObject() }
        set { set(["model", "vocab"], .object(newValue)) }
    }

    fileprivate mutating func rename(_ token: String, to other: String) {
        vocabulary = JSONObject(
            vocabulary.members.map {
                JSONObject.Member(
                    key: $0.key.utf8.elementsEqual(token.utf8) ? other : $0.key, value: $0.value)
            })
    }
}

import Constraint
import OrderedJSON
import Testing
import Text

/// The tokens that may follow, against trying every token byte by byte.
@Suite struct TokenTests {
    private let tokenizer: Tokenizer
    private let trie: TokenTrie
    private let end: TokenID

    init() throws {
        tokenizer = try Tokenizer.load(folder: Support.smallTokenizer)
        trie = TokenTrie(tokenizer)
        end = try #require(tokenizer.id(ofSpecial: "<|im_end|>"))
    }

    private func contains(_ mask: [UInt64], _ id: Int) -> Bool {
        mask[id >> 6] >> UInt64(id & 63) & 1 == 1
    }

    @Test(arguments: [
        ("true", #"{"a b": [1, "é"#), ("true", #"{"a b": [1, ""#), ("true", ""), ("true", "12"),
        (#"{"type":"string","maxLength":3}"#, #""ab"#),
        // Counts of characters far from their bounds are not told apart, those next to them are.
        (#"{"type":"string","minLength":5,"maxLength":90}"#, #""ab"#),
        (#"{"type":"string","maxLength":90}"#, "\"" + String(repeating: "a ", count: 44)),
        (
            #"{"type":"string","minLength":80,"maxLength":81}"#,
            "\"" + String(repeating: "a ", count: 39)
        ),
        (
            #"{"type":"string","pattern":"^[a-z ]{3,60}x$"}"#,
            "\"" + String(repeating: "a ", count: 29)
        ),
        (#"{"enum":["a shape","a star",7]}"#, #""a s"#),
        (
            #"{"type":"object","properties":{"start":{"type":"integer"},"end":{"type":"null"}},"required":["end"]}"#,
            "{"
        ),
    ])
    func masksSayWhatTheGrammarSays(schema: String, beginning: String) throws {
        let grammar = try Support.grammar(schema)
        let text = ConstrainedText(grammar, trie: trie, tokenizer: tokenizer, endTokens: [end])
        for id in tokenizer.encode(beginning) { text.append(id) }
        let mask = text.allowedTokens()
        let written = Array(beginning.utf8)
        for id in 0..<tokenizer.count {
            if tokenizer.isSpecial(id) {
                #expect(contains(mask, id) == (id == end && grammar.accepts(beginning)))
            } else if let bytes = tokenizer.bytes(of: id) {
                guard let next = String(validating: written + bytes, as: UTF8.self) else {
                    continue
                }
                #expect(contains(mask, id) == (grammar.completing(next) != nil), "\(id): \(next)")
            }
        }
        #expect(text.allowedTokens() == mask)
    }

    // Bytes of a character that only a later token completes must be allowed, and no others.
    @Test func halfCharactersAreFollowed() throws {
        let grammar = try Support.grammar(#"{"enum":["日","時"]}"#)
        let text = ConstrainedText(grammar, trie: trie, tokenizer: tokenizer, endTokens: [end])
        let first = try #require(tokenizer.encode("\"").first)
        text.append(first)
        let byte = try #require(
            (0..<tokenizer.count).first {
                tokenizer.bytes(of: $0) == [0xE6] && !tokenizer.isSpecial($0)
            })
        #expect(contains(text.allowedTokens(), byte))
        text.append(byte)
        let allowed = text.allowedTokens()
        for id in 0..<tokenizer.count where contains(allowed, id) {
            let lead = try #require(tokenizer.bytes(of: id)?.first)
            #expect([0x97, 0x99].contains(lead))
        }
        #expect(String(decoding: text.bytes + text.completion(), as: UTF8.self).count == 3)
    }

    @Test func endsWhereTheGrammarEnds() throws {
        let grammar = try Support.grammar(#"{"type":"integer","maximum":15,"minimum":1}"#)
        let text = ConstrainedText(grammar, trie: trie, tokenizer: tokenizer, endTokens: [end])
        #expect(!text.mayEnd && !contains(text.allowedTokens(), end))
        text.append(try #require(tokenizer.encode("1").first))
        #expect(text.mayEnd && !text.isFinished && contains(text.allowedTokens(), end))
        text.append(try #require(tokenizer.encode("5").first))
        #expect(text.isFinished && contains(text.allowedTokens(), end))
        text.restart()
        #expect(!text.mayEnd && text.bytes.isEmpty)
    }

    @Test func theLastOfEqualNamesStands() throws {
        let grammar = try Support.grammar(
            #"{"type":"object","additionalProperties":{"type":"integer"}}"#)
        let text = ConstrainedText(grammar, trie: trie, tokenizer: tokenizer, endTokens: [end])
        for id in tokenizer.encode(#"{"a": 1, "b": 2, "a": 3}"#) { text.append(id) }
        #expect(try text.value() == ["b": 2, "a": 3])
    }
}

import OrderedJSON
import Testing
import Text

/// The small tokenizer of our own, in both formats, against what the reference made of it.
@Suite struct TokenizerTests {
    static let folders = [Fixture.folder, Fixture.folder + "/split"]

    @Test(arguments: folders)
    func encodesAsTheReference(folder: String) throws {
        let tokenizer = try Tokenizer.load(folder: folder)
        let rows = try Fixture.rows(Fixture.folder + "/encode.jsonl")
        #expect(rows.count > 500)
        for row in rows {
            let text = try #require(row["text"]?.string)
            #expect(
                tokenizer.encode(text, special: .recognised) == row["ids"]?.ids,
                "\(row["text"]!.compact)")
        }
    }

    // Guards against text from users that ends a turn or pretends to be a picture.
    @Test(arguments: folders)
    func plainTextHasNoSpecialTokens(folder: String) throws {
        let tokenizer = try Tokenizer.load(folder: folder)
        let rows = try Fixture.rows(Fixture.folder + "/encode_plain.jsonl")
        #expect(rows.count > 50)
        for row in rows {
            let text = try #require(row["text"]?.string)
            let ids = tokenizer.encode(text, special: .asText)
            #expect(ids == row["ids"]?.ids, "\(row["text"]!.compact)")
            #expect(!ids.contains { tokenizer.isSpecial($0) })
        }
    }

    @Test(arguments: folders)
    func decodesAsTheReference(folder: String) throws {
        let tokenizer = try Tokenizer.load(folder: folder)
        let rows = try Fixture.rows(Fixture.folder + "/decode.jsonl")
        #expect(rows.count > 300)
        for row in rows {
            let ids = try #require(row["ids"]?.ids)
            expectSame(
                tokenizer.decode(ids, skippingSpecial: false), try #require(row["text"]?.string),
                "\(ids)")
            expectSame(
                tokenizer.decode(ids, skippingSpecial: true), try #require(row["shown"]?.string),
                "\(ids)")
        }
    }

    // Guards against a character cut between two tokens, at whatever place.
    @Test(arguments: [true, false])
    func streamingGivesTheSameText(skippingSpecial: Bool) throws {
        let tokenizer = try Tokenizer.load(folder: Fixture.folder)
        let rows =
            try Fixture.rows(Fixture.folder + "/decode.jsonl")
            + Fixture.rows(Fixture.folder + "/encode.jsonl")
        for row in rows {
            let ids = try #require(row["ids"]?.ids)
            var stream = StreamingDetokenizer(
                tokenizer: tokenizer, skippingSpecial: skippingSpecial)
            var text = ""
            for id in ids { text += stream.append(id) }
            text += stream.finish()
            expectSame(text, tokenizer.decode(ids, skippingSpecial: skippingSpecial), "\(ids)")
            #expect(stream.finish().isEmpty)
        }
    }

    @Test func streamingHoldsBackOnlyWhatIsIncomplete() throws {
        let tokenizer = try Tokenizer.load(folder: Fixture.folder)
        let byte = try (UInt8.min...UInt8.max).map { byte in
            try #require((0..<256).first { tokenizer.bytes(of: $0) == [byte] })
        }
        var stream = StreamingDetokenizer(tokenizer: tokenizer)
        #expect(stream.append(byte[0xF0]).isEmpty)
        #expect(stream.append(byte[0x9F]).isEmpty)
        // A special token that is not shown does not end the character around it.
        #expect(stream.append(try #require(tokenizer.id(ofSpecial: "<|im_end|>"))).isEmpty)
        #expect(stream.append(byte[0x98]).isEmpty)
        #expect(stream.append(byte[0x80]) == "😀")
        #expect(stream.append(byte[0x41]) == "A")
        // No character starts with ED A0: both come at once.
        #expect(stream.append(byte[0xED]).isEmpty)
        #expect(stream.append(byte[0xA0]) == "\u{FFFD}\u{FFFD}")
        #expect(stream.append(byte[0xC3]).isEmpty)
        #expect(stream.finish() == "\u{FFFD}")
    }

    @Test func tokensAreKnownByNameAndID() throws {
        let tokenizer = try Tokenizer.load(folder: Fixture.folder)
        #expect(tokenizer.count == 711)
        #expect(tokenizer.id(ofSpecial: "<|im_end|>") == 702)
        #expect(tokenizer.id(ofSpecial: "<|im_END|>") == nil)
        #expect(tokenizer.isSpecial(702))
        // Added, but shown.
        #expect(tokenizer.id(ofSpecial: "<tool>") == 707)
        #expect(!tokenizer.isSpecial(707))
        #expect(tokenizer.bytes(of: 707) == Array("<tool>".utf8))
        #expect(!tokenizer.isSpecial(0))
        // The reference takes the é of this name for the stand-in of a byte; we give the name.
        expectSame(tokenizer.decode([710], skippingSpecial: true), "cafe\u{301}!!")
        for id in [-1, 711, Int.max, Int.min] { #expect(tokenizer.bytes(of: id) == nil) }
    }

    // Guards against merging in quadratic time: it would take hours here.
    @Test(
        .timeLimit(.minutes(1)), arguments: ["a", "ab", "é", "中", " ", "\n", ".", "1", "\u{301}"])
    func oneMegabyteWithoutABreak(unit: String) throws {
        let tokenizer = try Tokenizer.load(folder: Fixture.folder)
        let text = String(repeating: unit, count: (1 << 20) / unit.utf8.count)
        let ids = tokenizer.encode(text)
        expectSame(
            tokenizer.decode(ids, skippingSpecial: false).prefix(60).description,
            text.prefix(60).description)
        #expect(ids.reduce(0) { $0 + (tokenizer.bytes(of: $1)?.count ?? 0) } == text.utf8.count)
    }
}

import Foundation
import OrderedJSON
import Testing
import Text

/// The tokenizer of the published models, which lies beside the checkout where it is there at all.
@Suite(
    .enabled(
        if: Fixture.exists(Fixture.publishedTokenizer + "/tokenizer.json"),
        "the published tokenizer is not there; set REELSCRIBE_SHARED to its folder"))
struct PublishedTokenizerTests {
    private static let oneFile = Result { try Tokenizer.load(folder: Fixture.publishedTokenizer) }
    private static let threeFiles = Result { try loadUnpacked() }

    static let formats = ["tokenizer.json", "vocab.json and merges.txt"]

    private func tokenizer(_ format: String) throws -> Tokenizer {
        try (format == Self.formats[0] ? Self.oneFile : Self.threeFiles).get()
    }

    private static func loadUnpacked() throws -> Tokenizer {
        let source = Fixture.publishedTokenizer
        var files = ["tokenizer_config.json": try Fixture.bytes(source + "/tokenizer_config.json")]
        for name in ["vocab.json", "merges.txt"] {
            let unpack = Process()
            unpack.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            unpack.arguments = ["gzip", "-dc", source + "/" + name + ".gz"]
            let output = Pipe()
            unpack.standardOutput = output
            try unpack.run()
            files[name] = Array(output.fileHandleForReading.readDataToEndOfFile())
            unpack.waitUntilExit()
            #expect(unpack.terminationStatus == 0)
        }
        return try Fixture.withFolder(files) { try Tokenizer.load(folder: $0) }
    }

    @Test(arguments: formats)
    func encodesAsTheReference(format: String) throws {
        let tokenizer = try tokenizer(format)
        #expect(tokenizer.count == 151_657)
        let rows = try Fixture.rows(Fixture.publishedTokenizer + "/encode_golden.jsonl")
        #expect(rows.count == 135)
        for row in rows {
            let text = try #require(row["text"]?.string)
            let ids = tokenizer.encode(text, special: .recognised)
            #expect(ids == row["ids"]?.ids, "\(row["text"]!.compact)")
            expectSame(
                tokenizer.decode(ids, skippingSpecial: false),
                try #require(row["decoded"]?.string))
            expectSame(
                tokenizer.decode(ids, skippingSpecial: true),
                try #require(row["decoded_skip_special"]?.string))
        }
    }

    @Test(arguments: formats)
    func decodesAsTheReference(format: String) throws {
        let tokenizer = try tokenizer(format)
        let rows = try Fixture.rows(Fixture.publishedTokenizer + "/decode_golden.jsonl")
        #expect(rows.count == 52)
        for row in rows {
            let ids = try #require(row["ids"]?.ids)
            for (skipping, key) in [(false, "decoded"), (true, "decoded_skip_special")] {
                let expected = try #require(row[key]?.string)
                expectSame(tokenizer.decode(ids, skippingSpecial: skipping), expected, "\(ids)")
                var stream = StreamingDetokenizer(tokenizer: tokenizer, skippingSpecial: skipping)
                var text = ids.map { stream.append($0) }.joined()
                text += stream.finish()
                expectSame(text, expected, "streaming \(ids)")
            }
        }
    }

    @Test(arguments: formats)
    func encodesTheVectorsOfAnotherImplementation(format: String) throws {
        let tokenizer = try tokenizer(format)
        let folder = Fixture.publishedTokenizer
        let input = String(
            decoding: try Fixture.bytes(folder + "/qwen2_vectors.inp"), as: UTF8.self)
        let output = String(
            decoding: try Fixture.bytes(folder + "/qwen2_vectors.out"), as: UTF8.self)
        // As scalars: "\r\n" would be one Character that hides the line break.
        let texts = input.unicodeScalars.split(
            separator: Array("\n__ggml_vocab_test__\n".unicodeScalars),
            omittingEmptySubsequences: false)
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(texts.count == 47 && lines.count == 47)
        for (text, line) in zip(texts, lines) {
            let expected = line.split(separator: " ").compactMap { Int($0) }
            #expect(tokenizer.encode(String(text), special: .recognised) == expected)
        }
    }

    @Test func findsTheSpecialTokens() throws {
        let tokenizer = try tokenizer(Self.formats[0])
        #expect(tokenizer.id(ofSpecial: "<|endoftext|>") == 151_643)
        #expect(tokenizer.id(ofSpecial: "<|im_end|>") == 151_645)
        #expect(tokenizer.id(ofSpecial: "<|vision_start|>") == 151_652)
        #expect(tokenizer.id(ofSpecial: VisualKind.image.padToken) == 151_655)
        #expect(tokenizer.id(ofSpecial: VisualKind.video.padToken) == 151_656)
    }
}

/// The prompts of the reference cases, with the tokenizers of their small checkpoints.
@Suite(
    .enabled(
        if: Fixture.exists(Fixture.reference + "/cases"),
        "the reference cases are not there; set REELSCRIBE_SHARED to their folder"))
struct ReferencePromptTests {
    static let cases: [String] =
        (try? FileManager.default.contentsOfDirectory(atPath: Fixture.reference + "/cases"))?
        .sorted() ?? []

    @Test(arguments: cases)
    func promptHasTheTokensOfTheReference(name: String) throws {
        let folder = Fixture.reference + "/cases/" + name
        let facts = try Fixture.json(folder + "/case.json")
        let checkpoint = try #require(facts["checkpoint"]?.string)
        let tokenizer = try Tokenizer.load(folder: Fixture.reference + "/" + checkpoint)
        var content: [ChatContent] = (facts["inputs"]?.array ?? []).map {
            $0["kind"]?.string == "image" ? .image : .video
        }
        content.append(.text(try #require(facts["prompt"]?.string)))
        var messages = [ChatMessage(role: .user, content: content)]
        if let system = facts["system"]?.string {
            messages.insert(ChatMessage(role: .system, text: system), at: 0)
        }
        let pieces = try ChatTemplate().prompt(
            messages, addGenerationPrompt: true, special: .recognised, tokenizer: tokenizer)

        var found: [TokenID] = []
        for piece in pieces {
            switch piece {
            case .tokens(let tokens): found += tokens
            case .visual(let kind, _):
                found.append(try #require(tokenizer.id(ofSpecial: kind.padToken)))
            }
        }
        // One pad for each visual part, whatever its grid.
        let pads = [VisualKind.image, .video].map { tokenizer.id(ofSpecial: $0.padToken) }
        var expected: [TokenID] = []
        for id in try inputIDs(folder + "/golden.safetensors")
        where !(pads.contains(id) && expected.last == id) {
            expected.append(id)
        }
        #expect(found == expected)
    }

    /// The tensor `input_ids` of a safetensors file, 64-bit integers.
    private func inputIDs(_ path: String) throws -> [TokenID] {
        let bytes = try Fixture.bytes(path)
        func integer(at offset: Int) -> Int {
            (0..<8).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        let length = integer(at: 0)
        let header = try JSON.parse(bytes[8..<8 + length])
        let entry = try #require(header["input_ids"])
        #expect(entry["dtype"]?.string == "I64")
        let offsets = try #require(entry["data_offsets"]?.ids)
        return stride(from: offsets[0], to: offsets[1], by: 8).map { integer(at: 8 + length + $0) }
    }
}

import Export
import OrderedJSON
import Testing
import VideoUnderstanding

struct ReadingTests {
    // Whatever a file holds: one line that names the place, status 65.
    @Test(arguments: [
        ("", "there is no document"), ("  \n\n", "there is no document"),
        ("{", "f:1: not valid JSON"), ("[]", "f:1: a document must be an object"),
        ("{\"schema\":\"x\"}", "f:1: /schema"), ("null", "must be an object"),
        ("\u{0}\u{1}", "not valid JSON"), ("{\"schema\":\"reelscribe/summary@1\"}", "missing"),
        (String(repeating: "[", count: 100_000), "nested deeper"),
    ])
    func hostileFilesAreALine(text: String, words: String) throws {
        let error = #expect(throws: ExportError.self) {
            try ResultFile(Array(text.utf8), name: "f")
        }
        let failure = try #require(error).failure
        #expect(failure.status == .badInput)
        #expect(failure.message.contains(words), "\(failure.message)")
        #expect(!failure.line.contains("\n"))
    }

    @Test(arguments: [
        ("\"end\":10,", "\"end\":1e999,"), ("\"end\":10,", "\"end\":9,"),
        ("\"start\":0,", "\"start\":-1,"), ("\"keyframe\":0,", "\"keyframe\":99,"),
        ("\"duration\":20,", "\"duration\":1e300,"), ("\"duration\":20,", "\"duration\":1,"),
        ("\"index\":0,", "\"index\":7,"), ("\"summary\":\"a\",", "\"summary\":3,"),
    ])
    func brokenDocumentsAreRefused(part: String, broken: String) throws {
        let sound = Samples.summary([(10, "a"), (20, "b")]).json.compact
        #expect(try ResultFile(Array(sound.utf8), name: "f").documents.count == 1)
        let text = sound.replacing(part, with: broken)
        #expect(text != sound)
        let error = #expect(throws: ExportError.self) {
            try ResultFile(Array("\(sound)\n\(text)\n".utf8), name: "f")
        }
        #expect(error?.failure.message.hasPrefix("f:2: ") == true, "\(String(describing: error))")
    }

    @Test func otherKindsAreNamed() throws {
        let plan =
            #"{"schema":"reelscribe/validation@1","file":"x","documents":1,"valid":true,"faults":[],"tool":{"name":"reelscribe","version":"1"}}"#
        let error = #expect(throws: ExportError.self) {
            try ResultFile(Array(plan.utf8), name: "f")
        }
        #expect(
            error?.failure.message.contains("reelscribe/validation@1 cannot be exported") == true)
    }

    @Test func aPrettyDocumentIsOne() throws {
        let text = Samples.summary([(10, "a")]).json.pretty
        #expect(try ResultFile(Array(text.utf8), name: "f").documents.count == 1)
    }

    @Test(
        arguments: [
            ("a.srt", ExportFormat.srt), ("a.b.VTT", .vtt), ("x/y.md", .markdown), ("t.csv", .csv),
            ("p.htm", .html), ("p.txt", nil), ("srt", nil), ("a.srt/b", nil),
        ] as [(String, ExportFormat?)])
    func endingsNameForms(name: String, format: ExportFormat?) {
        #expect(ExportFormat(fileName: name) == format)
    }
}

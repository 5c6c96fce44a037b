import OrderedJSON
import Testing
import VideoUnderstanding

@Suite struct DocumentValidatorTests {
    private let validator = DocumentValidator()

    /// A sound document, the place that is broken, what stands there then, where the fault is told.
    static let breakages: [(JSON, [String], JSON?, String)] = [
        (SampleDocuments.summary.json, ["tool"], nil, ""),
        (SampleDocuments.summary.json, ["schema"], "reelscribe/summary@9", "/schema"),
        (SampleDocuments.summary.json, ["finish_reason"], "done", "/finish_reason"),
        (SampleDocuments.summary.json, ["video", "sha256"], "xyz", "/video/sha256"),
        (SampleDocuments.summary.json, ["segments"], [], "/segments"),
        (
            SampleDocuments.summary.json, ["segments", "0", "end"], .decimal(29),
            "/segments/0/end_timecode"
        ),
        (
            SampleDocuments.summary.json, ["segments", "1", "start"], .decimal(30.5),
            "/segments/1/start"
        ),
        (
            SampleDocuments.summary.json, ["segments", "1", "start"], .decimal(29.5),
            "/segments/1/start"
        ),
        (
            SampleDocuments.summary.json, ["segments", "1", "end"], .decimal(61.6),
            "/segments/1/end"
        ),
        (SampleDocuments.summary.json, ["segments", "0", "end"], .decimal(-1), "/segments/0/end"),
        (SampleDocuments.summary.json, ["segments", "1", "index"], 2, "/segments/1/index"),
        (SampleDocuments.summary.json, ["segments", "0", "keyframe"], 31, "/segments/0/keyframe"),
        (
            SampleDocuments.summary.json, ["segments", "0", "boundary"], "end",
            "/segments/0/boundary"
        ),
        (
            SampleDocuments.summary.json, ["segments", "0", "start_timecode"], "00:00:01.000",
            "/segments/0/start_timecode"
        ),
        (
            SampleDocuments.summary.json, ["video", "coverage", "seen", "1", "0"], 9,
            "/video/coverage/seen/1"
        ),
        (
            SampleDocuments.summary.json, ["video", "coverage", "unseen", "0", "1"], 9,
            "/video/coverage/unseen/0"
        ),
        (
            SampleDocuments.summary.json, ["sampling", "timestamps", "1"], 2,
            "/sampling/timestamps/2"
        ),
        (
            SampleDocuments.summary.json, ["sampling", "timestamps", "2"], 62,
            "/sampling/timestamps/2"
        ),
        (SampleDocuments.summary.json, ["sampling", "frames"], 4, "/sampling/frames"),
        (
            SampleDocuments.summary.json, ["sampling", "grid_thw", "0", "0"], 1,
            "/sampling/grid_thw"
        ),
        (
            SampleDocuments.summary.json, ["sampling", "grid_thw", "0", "0"], 3,
            "/sampling/grid_thw"
        ),
        (SampleDocuments.answer.json, ["evidence", "1", "score"], 1, "/evidence/1/score"),
        (SampleDocuments.answer.json, ["evidence", "0", "end"], 0, "/evidence/0/end"),
        (SampleDocuments.answer.json, ["choice"], "train", "/choice"),
        (
            SampleDocuments.answer.json, ["verification", "verdict"], "perhaps",
            "/verification/verdict"
        ),
        (SampleDocuments.answer.json, ["choice"], nil, ""),
        (SampleDocuments.answer.json, ["choices", "0", "probability"], 0, "/choices"),
        (SampleDocuments.frames.json, ["pairs", "1"], nil, "/pairs"),
        (SampleDocuments.frames.json, ["pairs", "1", "frames", "1"], 3, "/pairs/1/frames"),
        (SampleDocuments.frames.json, ["pairs", "0", "end"], -1, "/pairs/0/end"),
        (SampleDocuments.frames.json, ["pairs", "0", "index"], 1, "/pairs/0/index"),
        (SampleDocuments.plan.json, ["usage", "visual_tokens"], 5, "/usage/visual_tokens"),
        (SampleDocuments.validation.json, ["valid"], true, "/valid"),
        (SampleDocuments.error.json, ["error", "retryable"], "no", "/error/retryable"),
    ]

    // Each promise of contract section 3 must be noticed when it is broken.
    @Test(arguments: breakages)
    func brokenPromisesAreFound(document: JSON, path: [String], value: JSON?, place: String) {
        let faults = validator.faults(in: document.replacing(path, with: value))
        #expect(faults.contains { $0.path == place }, "\(faults)")
    }

    @Test func sevenDecimalsAreTooMany() throws {
        let number = try JSON.parse("0.1234567")
        let document = SampleDocuments.frames.json
            .replacing(["sampling", "timestamps", "0"], with: number)
        #expect(validator.faults(in: document).map(\.path) == ["/sampling/timestamps/0"])
    }

    @Test func moreMembersAreAllowed() {
        let document = SampleDocuments.summary.json.replacing(["later"], with: 1)
            .replacing(["video", "later"], with: 1)
        #expect(validator.faults(in: document) == [])
    }

    @Test func aPrettyDocumentTellsTheLineOfTheValue() throws {
        let text = SampleDocuments.summary.json
            .replacing(["segments", "1", "boundary"], with: "fade").pretty
        let report = validator.validate(Array(text.utf8))
        let line = text.split(separator: "\n").firstIndex { $0.contains("fade") }
        #expect(report.documents == 1)
        #expect(report.faults.map(\.line) == [try #require(line) + 1])
    }

    @Test func linesAreCheckedOneByOne() {
        let good = SampleDocuments.error.json.compact
        let text = "\(good)\n\n{\"schema\":1}\r\n{broken\n\(good)"
        let report = validator.validate(Array(text.utf8))
        #expect(report.documents == 4)
        #expect(report.faults.map(\.line) == [3, 4])
    }

    // What a producer that died leaves behind is no valid result.
    @Test(arguments: ["", "\n", " \r\n\t\n"])
    func nothingIsAFault(text: String) {
        let report = validator.validate(Array(text.utf8))
        #expect(report.documents == 0)
        #expect(report.faults.map(\.fault.message) == ["there is no document in it"])
    }

    @Test(arguments: ["{", "{\n\"a\": 1,\n}", "nonsense\n{}"])
    func whatIsNoJSONIsOneFault(text: String) {
        let report = validator.validate(Array(text.utf8))
        #expect(report.documents == 1)
        #expect(report.faults.count == 1)
    }

    @Test(arguments: ["[]", "1", "{}", #"{"schema":"x"}"#, #"{"schema":1,"schema":1}"#])
    func whatNamesNoSchemaIsAFault(text: String) throws {
        #expect(validator.faults(in: try JSON.parse(text)).count == 1)
    }

    @Test func aSchemaOfOnesOwn() throws {
        let schema = try JSONSchema(try JSON.parse(#"{"required":["colour"]}"#))
        let report = DocumentValidator(.custom(schema)).validate(Array("{\"colour\":1}\n{}".utf8))
        #expect(report.faults.map(\.line) == [2])
    }
}

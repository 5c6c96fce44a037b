import OrderedJSON
import Testing
import VideoUnderstanding

@Suite struct DocumentTests {
    // Guards the promise of contract section 3: keys in the order given, nothing renamed.
    @Test(
        arguments: [
            (
                SampleDocuments.summary.json, [],
                "schema id meta video summary segments sampling model settings usage finish_reason warnings timing tool"
            ),
            (
                SampleDocuments.answer.json, [],
                "schema question_index video question answer choice choices confidence evidence times verification sampling model settings usage finish_reason warnings timing tool"
            ),
            (SampleDocuments.error.json, [], "schema video error tool"),
            (SampleDocuments.error.json, ["error"], "code stage message hint retryable"),
            (
                SampleDocuments.summary.json, ["video"],
                "uri sha256 container codec duration start_time width height rotation frame_rate frames_decoded coverage"
            ),
            (
                SampleDocuments.summary.json, ["segments", "0"],
                "index start end start_timecode end_timecode boundary summary keyframe confidence"
            ),
            (
                SampleDocuments.summary.json, ["sampling"],
                "mode fps frames frame_size grid_thw timestamps"
            ),
            (SampleDocuments.summary.json, ["model"], "name fingerprint weights mrope"),
            (
                SampleDocuments.summary.json, ["usage"],
                "visual_tokens prompt_tokens generated_tokens"
            ),
            (
                SampleDocuments.summary.json, ["timing"],
                "open decode preprocess vision prefill generate total"
            ),
            (SampleDocuments.summary.json, ["video", "coverage"], "seen unseen"),
            (SampleDocuments.answer.json, ["evidence", "0"], "start end keyframe score"),
            (
                SampleDocuments.frames.json, [],
                "schema video sampling pairs visual_tokens settings warnings timing tool"
            ),
            (SampleDocuments.frames.json, ["pairs", "0"], "index start end frames"),
        ] as [(JSON, [String], String)])
    func keysStandInTheOrderOfTheContract(document: JSON, path: [String], keys: String) {
        var value: JSON? = document
        for step in path { value = Int(step).map { value?[$0] } ?? value?[step] }
        #expect(value?.object?.members.map(\.key).joined(separator: " ") == keys)
    }

    // A schema that forgets a member, or a document that breaks its own schema.
    @Test(arguments: SampleDocuments.all)
    func documentsFollowTheirOwnSchemas(document: any Document) {
        #expect(DocumentValidator().faults(in: document.json) == [])
        #expect(document.json["schema"]?.string == type(of: document).kind.identifier)
    }

    // The order of keys in the schema is what readers of it see.
    @Test(arguments: SampleDocuments.all)
    func schemasListMembersInTheOrderOfTheDocument(document: any Document) throws {
        let schema = try JSON.parse(type(of: document).kind.schemaText)
        let listed = schema["properties"]?.object?.members.map(\.key) ?? []
        let written = document.json.object?.members.map(\.key) ?? []
        #expect(listed.filter(written.contains) == written)
    }

    @Test func timingIsTheOnlyThingThatNoTimingRemoves() {
        var document = SampleDocuments.summary
        document.provenance.timing = nil
        #expect(
            document.json == SampleDocuments.summary.json.replacing(["timing"], with: nil))
        #expect(DocumentValidator().faults(in: document.json) == [])
    }

    @Test func evidenceDescendsAndTiesKeepTheOrderOfTime() {
        var document = SampleDocuments.answer
        document.evidence = [(7, 0.2), (3, 0.9), (1, 0.2), (5, 0.9)].map { start, score in
            EvidenceRecord(
                range: TimeRange(start: start, end: start + 1), keyframe: start, score: score)
        }
        let starts = document.json["evidence"]?.array?.compactMap { $0["start"]?.int }
        #expect(starts == [3, 5, 1, 7])
    }

    @Test func secondsHaveAtMostSixDecimalsAndNoNaN() {
        var document = SampleDocuments.frames
        document.video.duration = 1.0 / 3.0
        document.video.frameRate = .nan
        #expect(document.json["video"]?["duration"]?.compact == "0.333333")
        #expect(document.json["video"]?["frame_rate"] == .null)
    }

    @Test(arguments: [
        (0.0, "00:00:00.000"), (59.9996, "00:01:00.000"), (61.5, "00:01:01.500"),
        (3599.999, "00:59:59.999"), (360_000, "100:00:00.000"), (-1, "00:00:00.000"),
        (1.0005, "00:00:01.000"), (.infinity, "00:00:00.000"),
    ])
    func timecodes(seconds: Double, expected: String) {
        #expect(Timecode.text(of: seconds) == expected)
    }

    @Test(arguments: [
        ("summary", DocumentKind.summary), ("model-info@1", .modelInfo),
        ("reelscribe/answer@1", .answer), ("summary@2", nil), ("", nil), ("reelscribe/", nil),
    ])
    func kindsAreFoundByName(text: String, kind: DocumentKind?) {
        #expect(DocumentKind(naming: text) == kind)
    }

    @Test func memoryFitsUpToTheLimitAndNotBeyond() {
        var memory = SampleDocuments.plan.memory
        #expect(memory.peak == 105)
        #expect(!memory.fits)
        memory.limit = 105
        #expect(memory.fits)
    }

    @Test(arguments: [
        (DocumentLayout.automatic, true, true, true), (.automatic, false, true, false),
        (.automatic, true, false, false), (.pretty, false, false, true),
        (.compact, true, true, false),
    ])
    func layout(layout: DocumentLayout, isSingle: Bool, isTerminal: Bool, isPretty: Bool) {
        #expect(layout.isPretty(isSingle: isSingle, isTerminal: isTerminal) == isPretty)
    }
}

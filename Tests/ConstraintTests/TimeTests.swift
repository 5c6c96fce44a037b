import Constraint
import Testing

/// Times are those of sampled frames, and never go back.
@Suite struct TimeTests {
    private static let instants = SampledInstants(
        [
            ("0", "00:00:00.000"), ("0.5", "00:00:00.500"), ("12.345678", "00:00:12.346"),
            ("13", "00:00:13.000"),
        ]
        .map { SampledInstants.Instant(seconds: $0.0, timecode: $0.1) })
    private static let time = #"{"type":"number","format":"video-time"}"#
    private static let interval =
        #"{"type":"object","properties":{"start":\#(time),"end":\#(time)},"required":["start","end"]}"#

    static let cases: [KeywordCase] = [
        .init(
            time, ["0", "0.5", "12.345678", "13"], not: ["1", "0.50", "12.3", "14", "-0.5", "0."]),
        .init(
            #"{"type":"string","format":"video-time"}"#, [#""00:00:12.346""#, #""00:00:13.000""#],
            not: [#""00:00:12.345""#, #""13""#, #""00:00:14.000""#]),
        .init(
            interval, [#"{"start": 0.5, "end": 13}"#, #"{"start": 13, "end": 13}"#],
            not: [#"{"start": 13, "end": 0.5}"#, #"{"start": 0.5, "end": 0}"#]),
        // A member that may be left out or be nothing does not loosen the order of the others.
        .init(
            #"{"type":"object","properties":{"a":\#(time),"b":{"anyOf":[\#(time),{"type":"null"}]},"c":\#(time)},"required":["c"]}"#,
            [#"{"a": 0.5, "b": null, "c": 0.5}"#, #"{"b": 13, "c": 13}"#, #"{"c": 0}"#],
            not: [#"{"a": 0.5, "c": 0}"#, #"{"a": 0.5, "b": null, "c": 0}"#, #"{"b": 13, "c": 0}"#]),
        .init(
            #"{"type":"array","items":\#(time)}"#, ["[13, 0, 0]"], not: ["[1]"]),
        .init(
            #"{"type":"array","items":\#(time),"x-ordered":true}"#,
            ["[]", "[0, 13]", "[0, 0.5, 12.345678, 13]"],
            not: ["[13, 0]", "[0, 0]", "[13, 13]"]),
        .init(
            #"{"type":"array","items":\#(interval),"x-ordered":true}"#,
            [
                "[]", #"[{"start": 0, "end": 0.5}, {"start": 0.5, "end": 13}]"#,
                #"[{"start": 0, "end": 0}, {"start": 0.5, "end": 0.5}, {"start": 13, "end": 13}]"#,
            ],
            not: [
                #"[{"start": 0, "end": 13}, {"start": 0.5, "end": 13}]"#,
                #"[{"start": 13, "end": 13}, {"start": 13, "end": 13}]"#,
                #"[{"start": 0, "end": 0}, {"start": 0, "end": 0.5}]"#,
            ]),
    ]

    @Test(arguments: cases)
    func timesAreInstantsInOrder(_ keyword: KeywordCase) throws {
        let grammar = try Support.grammar(keyword.schema, instants: Self.instants)
        for text in keyword.allowed { #expect(grammar.accepts(text), "\(text)") }
        for text in keyword.refused { #expect(!grammar.accepts(text), "\(text)") }
    }

    // Guards the closing of a text that was cut between start and end: the end may not be before it.
    @Test(arguments: cases)
    func everyBeginningCanBeCompleted(_ keyword: KeywordCase) throws {
        let grammar = try Support.grammar(keyword.schema, instants: Self.instants)
        for text in keyword.allowed {
            for length in 0...text.utf8.count {
                let whole = try #require(grammar.completing(String(text.prefix(length))))
                #expect(grammar.accepts(whole), "\(text.prefix(length)) became \(whole)")
            }
        }
    }

    // Very many instants are not cut off like readings of one text are.
    @Test func lateInstantsOfALongVideoStay() throws {
        let many = SampledInstants(
            (0..<5000).map { .init(seconds: "\($0)", timecode: "00:00:00.000") })
        let grammar = try Support.grammar(Self.interval, instants: many)
        #expect(grammar.accepts(#"{"start": 4998, "end": 4999}"#))
        #expect(!grammar.accepts(#"{"start": 4998, "end": 4997}"#))
    }
}

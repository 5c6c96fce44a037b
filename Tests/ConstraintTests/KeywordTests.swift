import Constraint
import OrderedJSON
import Testing

/// What each keyword lets through. Texts that a schema refuses would be invalid documents, texts
/// that it must allow guard against grammars that are valid because they say nothing.
@Suite struct KeywordTests {
    static let scalars: [KeywordCase] = [
        .init(#"{"type":"boolean"}"#, ["true", "false"], not: ["null", "tru", "true ", "1", ""]),
        .init(#"{"type":["null","boolean"]}"#, ["null", "true"], not: ["0", "\"\""]),
        .init(
            #"{"type":"integer"}"#, ["0", "7", "-7", "999999999999999"],
            not: ["-0", "01", "1.0", "1e3", "+1", "-", "1000000000000000", ""]),
        .init(
            #"{"type":"number"}"#, ["0", "0.5", "-0.000001", "1.50", "999999999.999999"],
            not: ["-0", "-0.0", ".5", "1.", "0.1234567", "1e3", "1000000000", "00.5"]),
        .init(#"{"type":["integer","number"]}"#, ["1", "1.5"], not: ["true"]),
        // Bounds are exact on both sides, negative ones and those within one power of ten too.
        .init(
            #"{"type":"integer","minimum":-12,"maximum":105}"#,
            ["-12", "-9", "-1", "0", "9", "10", "105"],
            not: ["-13", "-20", "-100", "106", "110", "1050"]),
        .init(
            #"{"type":"integer","exclusiveMinimum":4.5,"exclusiveMaximum":7}"#, ["5", "6"],
            not: ["4", "7", "50", "60"]),
        .init(
            #"{"type":"number","minimum":0,"maximum":1}"#, ["0", "1", "0.0", "1.0", "0.999999"],
            not: ["1.1", "-0.1", "2", "1.000001", "10"]),
        .init(
            #"{"type":"number","exclusiveMinimum":0.1,"maximum":0.2}"#,
            ["0.100001", "0.2", "0.15"],
            not: ["0.1", "0.10", "0.200001", "0", "1"]),
        // The bound lies between two doubles, nearer to 0.3 than to any other.
        .init(
            #"{"type":"number","minimum":0.25,"exclusiveMaximum":0.30000000000000001}"#,
            ["0.299999", "0.25"], not: ["0.3"]),
        .init(
            #"{"type":"integer","minimum":9007199254740993,"maximum":9007199254740995}"#,
            ["9007199254740993", "9007199254740995"], not: ["9007199254740992", "9007199254740996"]),
        .init(
            #"{"type":"number","minimum":1e12,"maximum":2e12}"#,
            ["1000000000000", "1999999999999"],
            not: ["999999999999", "1000000000000.5", "2000000000001"]),
        .init(
            #"{"type":"integer","multipleOf":7,"minimum":-20,"maximum":30}"#,
            ["-14", "-7", "0", "7", "28"], not: ["-21", "1", "2", "29", "35", "4"]),
        .init(
            #"{"type":"number","multipleOf":0.25,"maximum":2,"minimum":1}"#,
            ["1", "1.0", "1.25", "1.750000", "2"], not: ["1.3", "0.75", "1.125"]),
    ]

    static let strings: [KeywordCase] = [
        .init(
            #"{"type":"string"}"#,
            [
                #""""#, #""a b""#, #""é日😀""#, #""\"\\\/\b\f\n\r\t""#, #""\u00e9\uD83D\uDE00""#,
                #""\uffff\uD7FF\uE000""#,
            ],
            not: [
                #"""#, "\"\n\"", "\"\u{7F}\"", #""\x""#, #""\u12""#, #""\uD83D""#, #""\uDE00""#,
                #""\uD83D\u0041""#, #""\u0000""#, "a", #""a"b"#,
            ]),
        // Characters, not bytes: an emoji is one however it is written.
        .init(
            #"{"type":"string","minLength":2,"maxLength":3}"#,
            [#""ab""#, #""😀😀""#, #""\uD83D\uDE00\u00e9x""#, #""é\né""#],
            not: [#""a""#, #""😀""#, #""abcd""#, #""\uD83D\uDE00""#]),
        .init(#"{"type":"string","maxLength":0}"#, [#""""#], not: [#""a""#]),
        .init(
            #"{"type":"string","pattern":"^[a-c]{2,3}(x|yz)?$"}"#,
            [#""ab""#, #""cccx""#, #""abyz""#], not: [#""a""#, #""abcd""#, #""abxy""#, #""abcxx""#]),
        // Without anchors a pattern may match anywhere.
        .init(
            #"{"type":"string","pattern":"b+"}"#, [#""b""#, #""abba""#, #""日b""#],
            not: [#""""#, #""ac""#]),
        .init(
            #"{"type":"string","pattern":"^a"}"#, [#""a""#, #""abc""#], not: [#""ba""#, #""""#]),
        .init(
            #"{"type":"string","pattern":"^[\"\\\\]$"}"#, [#""\"""#, #""\\""#],
            not: [#""""""#, #""\u0022""#]),
        .init(
            #"{"type":"string","pattern":"^[^,]+$","maxLength":2}"#, [#""a""#, #""日é""#],
            not: [#"",""#, #""abc""#, #""""#]),
        .init(
            #"{"type":"string","pattern":"^\\D$"}"#, [#""a""#],
            not: [#""1""#, #""٣""#]),
        .init(
            #"{"type":"string","format":"date"}"#, [#""2024-01-31""#, #""1999-02-28""#],
            not: [#""2024-02-30""#, #""2024-04-31""#, #""2024-13-01""#, #""24-01-01""#]),
        .init(
            #"{"type":"string","format":"time"}"#, [#""23:59:59Z""#, #""00:00:00.5+01:00""#],
            not: [#""24:00:00Z""#, #""12:00""#, #""12:00:60Z""#]),
        .init(
            #"{"type":"string","format":"ipv4"}"#, [#""255.0.10.9""#],
            not: [#""256.0.0.1""#, #""1.2.3""#, #""01.2.3.4""#]),
    ]

    static let choices: [KeywordCase] = [
        .init(
            #"{"enum":["ab","abc","b",1,null,{"x":[1,"ü"]}]}"#,
            [#""ab""#, #""abc""#, #""b""#, "1", "null", #"{"x": [1, "ü"]}"#],
            not: [#""a""#, "2", #"{"x":[1,"ü"]}"#, #""abcd""#]),
        .init(#"{"const":"a\"b\n"}"#, [#""a\"b\n""#], not: [#""ab""#]),
        .init(
            #"{"enum":["a","bb",3],"type":"string","maxLength":1}"#, [#""a""#],
            not: [#""bb""#, "3"]),
        .init(
            #"{"anyOf":[{"type":"integer"},{"type":"string","maxLength":1}]}"#, ["5", #""x""#],
            not: ["1.5", #""xy""#, "null"]),
        .init(
            #"{"oneOf":[{"type":"integer"},{"type":"string"},{"const":null}]}"#,
            ["1", #""""#, "null"], not: ["true"]),
        .init(
            #"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"},"n":{"type":"integer"}},"required":["k","n"]}]}"#,
            [#"{"k": "a"}"#, #"{"k": "b", "n": 1}"#], not: [#"{"k": "b"}"#, #"{"k": "a", "n": 1}"#]),
        .init(
            ##"{"allOf":[{"$ref":"#/$defs/a"},{"required":["y"]}],"$defs":{"a":{"type":"object","properties":{"x":{"type":"null"},"y":{"type":"null"}}}}}"##,
            [#"{"y": null}"#, #"{"x": null, "y": null}"#], not: ["{}", #"{"x": null}"#]),
        .init(
            #"{"type":"integer","anyOf":[{"maximum":2},{"minimum":8}],"minimum":1,"maximum":9}"#,
            ["1", "2", "8", "9"], not: ["0", "3", "10"]),
    ]

    static let objects: [KeywordCase] = [
        .init(
            #"{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},"required":["b"]}"#,
            [#"{"b": null}"#, #"{"a": null, "b": null, "c": null}"#, #"{"b": null, "c": null}"#],
            not: [
                "{}", #"{"a": null}"#, #"{"b": null, "a": null}"#, #"{"b":null}"#,
                #"{"b": null, "b": null}"#, #"{"b": null, }"#, #"{"b": null, "z": null}"#,
            ]),
        .init(#"{"type":"object","properties":{}}"#, ["{}"], not: [#"{"a": 1}"#, "{ }"]),
        .init(
            #"{"type":"object","properties":{"ab":{"type":"null"}},"additionalProperties":{"type":"integer"}}"#,
            ["{}", #"{"ab": null, "a": 1}"#, #"{"abc": 1, "é": 2}"#, #"{"b": 1}"#],
            not: [
                #"{"ab": 1}"#, #"{"a": null}"#, #"{"": 1}"#, #"{"\u0061b": 1}"#,
                #"{"a": 1, "ab": null}"#,
            ]),
        .init(
            #"{"type":"object","properties":{"a":{"type":"null"},"b":{"type":"null"},"c":{"type":"null"}},"minProperties":2,"maxProperties":2}"#,
            [#"{"a": null, "b": null}"#],
            not: ["{}", #"{"a": null}"#, #"{"a": null, "b": null, "c": null}"#]),
        .init(
            #"{"type":"object","required":["x"],"additionalProperties":{"type":"null"}}"#,
            [#"{"x": null}"#, #"{"x": null, "y": null}"#], not: ["{}", #"{"y": null}"#]),
        // Keys are bytes: these two are one to whoever compares texts by meaning.
        .init(
            "{\"type\":\"object\",\"properties\":{\"\u{E9}\":{\"const\":1},\"e\u{301}\":{\"const\":2}},\"required\":[\"\u{E9}\",\"e\u{301}\"]}",
            ["{\"\u{E9}\": 1, \"e\u{301}\": 2}"], not: ["{\"\u{E9}\": 1, \"\u{E9}\": 2}"]),
        .init(
            #"{"properties":{"a/b~\"":{"type":"null"}},"required":["a/b~\""]}"#,
            [#"{"a/b~\"": null}"#], not: ["{}"]),
        .init(
            ##"{"type":"object","properties":{"next":{"$ref":"#"},"v":{"type":"integer"}},"required":["v"]}"##,
            [#"{"v": 1}"#, #"{"next": {"next": {"v": 3}, "v": 2}, "v": 1}"#],
            not: [#"{"next": {}, "v": 1}"#]),
    ]

    static let arrays: [KeywordCase] = [
        .init(
            #"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}"#,
            ["[1]", "[1, 2, 3]"], not: ["[]", "[1, 2, 3, 4]", "[1,2]", "[1, ]", "[ 1]"]),
        .init(
            #"{"type":"array","prefixItems":[{"type":"null"},{"type":"boolean"}],"items":{"type":"integer"}}"#,
            ["[]", "[null]", "[null, true, 1, 2]"],
            not: ["[true]", "[null, null]", "[null, true, true]"]),
        .init(
            #"{"type":"array","prefixItems":[{"type":"null"}],"items":false}"#, ["[null]"],
            not: ["[null, null]"]),
        .init(#"{"type":"array","maxItems":0}"#, ["[]"], not: ["[1]"]),
        .init(
            #"{"type":"array","items":{"enum":["a","b",1,1.0]},"uniqueItems":true,"minItems":2}"#,
            [#"["a", 1]"#, #"["b", "a", 1]"#], not: [#"["a"]"#, #"["a", "a"]"#, "[1, 1.0]"]),
        .init(
            "true", ["[{}, [], \"x\", 1.5, null]", #"{"a": {"b": [1]}}"#], not: ["", "x", "[1,]"]),
        .init("{}", ["null"], not: ["nul"]),
    ]

    @Test(arguments: scalars + strings + choices + objects + arrays)
    func letsThroughWhatIsValid(_ keyword: KeywordCase) throws {
        let grammar = try Support.grammar(keyword.schema)
        for text in keyword.allowed { #expect(grammar.accepts(text), "\(text)") }
        for text in keyword.refused { #expect(!grammar.accepts(text), "\(text)") }
    }

    // A text that was cut anywhere is closed validly: what a limit of tokens does.
    @Test(arguments: scalars + strings + choices + objects + arrays)
    func everyBeginningCanBeCompleted(_ keyword: KeywordCase) throws {
        let grammar = try Support.grammar(keyword.schema)
        for text in keyword.allowed {
            for length in 0...text.unicodeScalars.count {
                let beginning = String(String.UnicodeScalarView(text.unicodeScalars.prefix(length)))
                let whole = try #require(grammar.completing(beginning), "\(beginning)")
                #expect(grammar.accepts(whole), "\(beginning) became \(whole)")
                #expect(whole.utf8.starts(with: beginning.utf8))
            }
        }
    }

    @Test(arguments: [
        (
            #"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer","minimum":25}},"required":["a","b"]}"#,
            #"{"a": "x"#, #"{"a": "x", "b": 25}"#
        ),
        (#"{"type":"array","items":{"enum":["long","s"]},"minItems":2}"#, "[", #"["s", "s"]"#),
        (#"{"anyOf":[{"const":"far too long"},{"const":[]}]}"#, "", "[]"),
        (#"{"type":"number","minimum":0.05,"maximum":0.06}"#, "", "0.05"),
        (#"{"type":"number","minimum":-0.5,"maximum":-0.25}"#, "", "-0.3"),
        (#"{"type":"integer","minimum":100}"#, "2", "200"),
        (#"{"type":"string","minLength":3}"#, "\"x\\", "\"x\\ba\""),
    ])
    func completionsAreShort(schema: String, beginning: String, whole: String) throws {
        let found = try #require(try Support.grammar(schema).completing(beginning))
        #expect(found.utf8.count == whole.utf8.count, "\(found)")
        #expect(try Support.grammar(schema).accepts(found))
    }
}

import OrderedJSON
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"b":1,"a":[1.50,-0,1e5,true,null],"c":{"d":"x"}}"#,
        #"[]"#, #"{}"#, #""""#, #"[9007199254740993,18446744073709551615]"#,
        #"{"a":1,"a":2}"#,
    ])
    func orderAndDigitsSurvive(text: String) throws {
        #expect(try JSON.parse(text).compact == text)
    }

    // Guards against reading a prefix of a broken document as if it were whole.
    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\"}", "01", "1.", "+1", "nul", "[1] x", "\"\u{1}\"", "\"a",
        "{\"a\":1,}", "\"\\x\"", "\"\\u12\"", "-", "1e", "'a'", "[1 2]",
    ])
    func brokenTextThrows(text: String) {
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(text) }
    }

    @Test func invalidUTF8Throws() {
        #expect(throws: JSONSyntaxError.self) { try JSON.parse([0x22, 0xFF, 0x22]) }
    }

    @Test func depthIsBounded() throws {
        let deep = String(repeating: "[", count: 200_000)
        #expect(throws: JSONSyntaxError.self) { try JSON.parse(deep) }
        let nested = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(try JSON.parse(nested).compact == nested)
    }

    @Test(arguments: [
        (#""\u00e9""#, "é"), (#""\ud83d\ude00""#, "😀"), (#""\ud83d""#, "\u{FFFD}"),
        (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\/\b\f\n\r\t\"\\""#, "/\u{8}\u{C}\n\r\t\"\\"),
    ])
    func escapes(text: String, expected: String) throws {
        #expect(try JSON.parse(text).string == expected)
    }

    @Test(arguments: [
        (1.0, "1"), (0.1 + 0.2, "0.3"), (-0.0000001, "0"), (1.0 / 3.0, "0.333333"),
        (1234567.891, "1234567.891"), (-2.5, "-2.5"), (0.0000005, "0"), (0.000002, "0.000002"),
        (Double.nan, "null"), (Double.infinity, "null"), (1e20, "1e+20"),
    ])
    func decimals(value: Double, expected: String) {
        #expect(JSON.decimal(value).compact == expected)
    }

    @Test func namesAreComparedByByte() throws {
        let object = try #require(try JSON.parse("{\"e\\u0301\":1,\"\\u00e9\":2}").object)
        #expect(object["\u{e9}"]?.int == 2)
        #expect(object["e\u{301}"]?.int == 1)
        #expect(object.firstRepeatedKey == nil)
    }

    @Test func errorsNameTheLine() {
        let error = #expect(throws: JSONSyntaxError.self) { try JSON.parse("{\n\n\"a\" 1}") }
        #expect(error?.line == 3)
        #expect(error?.offset == 7)
    }
}

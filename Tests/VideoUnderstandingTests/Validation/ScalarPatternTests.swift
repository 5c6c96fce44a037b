import Testing
import VideoUnderstanding

@Suite struct ScalarPatternTests {
    @Test(
        arguments: [
            ("", ["", "a"], []),
            ("b", ["abc"], ["ac"]),
            ("^ab$", ["ab"], ["xab", "abx", "ab\n"]),
            ("a|bc", ["xa", "bc"], ["b", "c"]),
            ("^(a|b)*$", ["", "abba"], ["abc"]),
            ("^a{2,3}$", ["aa", "aaa"], ["a", "aaaa"]),
            ("^a{2}$", ["aa"], ["a", "aaa"]), ("^a{2,}$", ["aa", "aaaaa"], ["a"]),
            ("^a+?b??$", ["a", "aab"], ["b"]),
            ("^[^0-9]$", ["x", "\u{1F600}"], ["5", "xx"]),
            ("^[a\\-z]$", ["a", "-", "z"], ["b"]), ("^[a-]$", ["-"], ["b"]),
            ("^[\\W]$", ["-", "é"], ["a", "_"]),
            ("^\\d\\s\\w$", ["1 a", "1\u{3000}_"], ["a a", "1-a"]),
            ("^.$", ["é", "\u{1F600}"], ["\n", "e\u{301}", ""]),
            ("\\bcat\\b", ["a cat.", "cat"], ["concat", "cats"]),
            ("^\\u0041\\x42\\u{1F600}$", ["AB\u{1F600}"], ["AB"]),
            ("^(?:ab){2}$", ["abab"], ["ab"]), ("^\\.\\/\\$$", ["./$"], ["a/$"]),
            ("^(a?){3}$", ["", "aaa"], ["aaaa"]), ("^(|a)$", ["", "a"], ["b"]),
            ("^(a*)*$", ["", "aaaa"], ["b"]),
        ] as [(String, [String], [String])])
    func matches(pattern: String, found: [String], missed: [String]) throws {
        let expression = try ScalarPattern(pattern)
        for text in found { #expect(expression.matches(in: text), "\(text)") }
        for text in missed { #expect(!expression.matches(in: text), "\(text)") }
    }

    @Test(arguments: [
        "(", ")", "a)", "*", "a**", "[a", "a{2", "a{3,2}", "a{,3}", "[z-a]", "\\", "\\1", "\\p{L}",
        "(?=a)", "(?<n>a)", "\\u12", "\\u{110000}", "a{9999}", "]", "((a{1000}){1000}){1000}",
        String(repeating: "(", count: 100_000),
    ])
    func wrongPatternsThrow(pattern: String) {
        #expect(throws: PatternFault.self) { try ScalarPattern(pattern) }
    }

    // A backtracking matcher takes longer than the age of the universe for this.
    @Test(.timeLimit(.minutes(1)))
    func hostilePatternsEnd() throws {
        let expression = try ScalarPattern("^(a|aa|a*)*(a+)+$")
        #expect(!expression.matches(in: String(repeating: "a", count: 5000) + "b"))
    }
}

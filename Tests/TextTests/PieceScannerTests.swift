import Testing
import Text

@Suite struct PieceScannerTests {
    static let cases: [(String, [String])] = [
        // The examples of spec section 6.2.
        ("Hello world! 123", ["Hello", " world", "!", " ", "1", "2", "3"]),
        ("it's I'M we'LL", ["it", "'s", " I", "'M", " we", "'LL"]),
        ("  two  spaces", [" ", " two", " ", " spaces"]),
        ("a\n\n  b\r\nc", ["a", "\n\n", " ", " b", "\r\n", "c"]),
        ("x=1+2;\n\n", ["x", "=", "1", "+", "2", ";\n\n"]),
        ("你好，世界", ["你好", "，世界"]),
        ("tab\tend  ", ["tab", "\tend", "  "]),
        ("...!!\n\nok", ["...!!\n\n", "ok"]),
        (" 'sx _a", [" '", "sx", " _", "a"]),
        // A long s is an s to the reference, other lookalikes are not.
        ("a'ſb", ["a", "'ſ", "b"]), ("'ﬅ", ["'ﬅ"]), ("'r", ["'r"]), ("'", ["'"]),
        ("'lL'Ve", ["'lL", "'Ve"]),
        // Only a plain space joins what follows it without letters.
        (" !", [" !"]), ("\t!", ["\t", "!"]), ("\u{3000}a", ["\u{3000}a"]), ("\na", ["\n", "a"]),
        (" 1", [" ", "1"]), ("  1", [" ", " ", "1"]), ("½３", ["½", "３"]),
        // White space: to the last line break, then all at the end, or all but the last.
        (" \n \n  x", [" \n \n", " ", " x"]), ("x \t ", ["x", " \t "]),
        ("\u{85}\u{85}", ["\u{85}\u{85}"]),
        ("", []),
    ]

    @Test(arguments: cases)
    func pieces(text: String, expected: [String]) {
        let bytes = Array(text.utf8)
        var scanner = PieceScanner(bytes)
        var pieces: [[UInt8]] = []
        while let piece = scanner.next() { pieces.append(Array(bytes[piece])) }
        #expect(pieces == expected.map { Array($0.utf8) })
    }
}

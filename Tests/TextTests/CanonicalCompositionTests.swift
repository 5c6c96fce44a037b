import Testing
import Text

@Suite struct CanonicalCompositionTests {
    static let cases: [(String, String)] = [
        ("", ""), ("plain", "plain"), ("e\u{301}", "\u{E9}"), ("xe\u{301}y", "x\u{E9}y"),
        // Marks are put in order, and a mark of the same class blocks.
        ("a\u{307}\u{323}", "\u{1EA1}\u{307}"), ("a\u{301}\u{308}", "\u{E1}\u{308}"),
        ("\u{301}\u{316}", "\u{316}\u{301}"), ("q\u{345}\u{301}\u{334}", "q\u{334}\u{301}\u{345}"),
        // Characters that never stay: singletons and exclusions.
        ("\u{212B}", "\u{C5}"), ("\u{2126}", "\u{3A9}"), ("\u{958}", "\u{915}\u{93C}"),
        ("\u{F900}", "\u{8C48}"), ("\u{2F800}", "\u{4E3D}"), ("\u{FB1D}", "\u{5D9}\u{5B4}"),
        // Hangul by arithmetic, with and without an end.
        ("\u{1100}\u{1161}", "\u{AC00}"), ("\u{1100}\u{1161}\u{11A8}", "\u{AC01}"),
        ("\u{AC00}\u{11A8}", "\u{AC01}"), ("\u{AC01}\u{11A8}", "\u{AC01}\u{11A8}"),
        ("\u{1161}\u{1100}", "\u{1161}\u{1100}"), ("\u{D7A3}", "\u{D7A3}"),
        // Starters that compose with starters.
        ("\u{9C7}\u{9BE}", "\u{9CB}"), ("\u{DD9}\u{DCF}\u{DCA}", "\u{DDD}"),
        // Younger than the tables of the reference: left as they stand.
        ("a\u{898}\u{316}", "a\u{898}\u{316}"),
    ]

    @Test(arguments: cases)
    func normalForm(text: String, expected: String) {
        #expect(CanonicalComposition.normalized(Array(text.utf8)) == Array(expected.utf8))
    }
}

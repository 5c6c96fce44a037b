import Foundation
import OrderedJSON
import Testing
import VideoIndex
import VideoUnderstanding

/// Finding the windows of a long video that matter.
@Suite struct WindowSearchTests {
    private static let notes = [
        "A red ball rolls to the left.", "A blue square grows.", "The café is empty.",
        "Two balls roll; a red ball and a green ball.", "Nothing happens.",
    ]

    @Test(
        arguments: [
            ("Does a square grow?", 1), ("cafe", 2), ("Who drinks?", nil), ("", nil),
            ("\" * ( ) - :", nil), ("growing squares", 1),
        ] as [(String, Int?)])
    func words(question: String, expected: Int?) throws {
        #expect(try SummarySearch.matches(question, in: Self.notes).first?.place == expected)
    }

    @Test func theBestComesFirst() throws {
        let found = try SummarySearch.matches("Where is the green ball?", in: Self.notes)
        #expect(found.first?.place == 3)
        #expect(found.contains { $0.place == 0 })
        #expect(found.allSatisfy { $0.score > 0 })
    }

    // Guards the joint order: both opinions count, a window that neither knows comes last, and
    // equals stand in the order of time.
    @Test(arguments: [
        ("2 201", 3, "201"), ("- 10", 3, "102"), ("10 01", 2, "01"), ("- -", 3, "012"),
        ("31 1230", 4, "1320"),
    ])
    func orders(orders: String, count: Int, expected: String) {
        let lists = orders.split(separator: " ").map { $0.compactMap(\.wholeNumberValue) }
        let joined = WindowRanking.joined(lists, count: count)
        #expect(joined.map(String.init).joined() == expected)
    }

    @Test func candidatesOfManyWindows() {
        #expect(WindowRanking.candidates(byWords: [3], of: 5, most: 8) == [0, 1, 2, 3, 4])
        let few = WindowRanking.candidates(byWords: [90, 91], of: 100, most: 12)
        #expect(few.count == 12)
        #expect(few.contains(90) && few.contains(91))
        #expect((few.first ?? 99) < 10 && (few.last ?? 0) > 85, "from everywhere")
        let many = WindowRanking.candidates(byWords: Array(0..<100).reversed(), of: 100, most: 12)
        #expect(many.count == 12)
        #expect(many.contains(99) && many.contains(0))
    }

    // A video that one model input holds is not searched; a longer one is, and says so.
    @Test func longVideosAreLookedAtByWindows() throws {
        let analyzer = try Places.analyzer()
        var settings = Settings()
        settings.threads = 1
        settings.generation.maxNewTokens = 4
        settings.window = Rational(4)
        let input = try Places.input("shapes-and-cuts.mp4")
        let short = try JSON.parse(try analyzer.answers(input, ["What?"], settings)[0])
        #expect(short["settings"]?["look"] == nil)
        // At this rate it is more than 768 frames.
        settings.sampling.fps = try #require(Rational(100, 1))
        let long = try JSON.parse(try analyzer.answers(input, ["What?"], settings)[0])
        #expect(long["settings"]?["look"]?.string == "windows")
        let warning = try #require(
            long["warnings"]?.array?.first { $0["code"]?.string == "sampling.windows" })
        #expect(warning["message"]?.string?.hasPrefix("of ") == true)
        for evidence in long["evidence"]?.array ?? [] {
            #expect(evidence["end"]?.double ?? 99 <= 12)
        }
        let folder = try TemporaryFolder()
        _ = try analyzer.index(input, output: folder.file("long.rsx"), settings: settings)
        let index = try IndexedVideo(path: folder.file("long.rsx"))
        #expect(
            try JSON.parse(try analyzer.answers(index, ["What?"], settings)[0]) == long)
        settings.look = .whole
        let whole = try JSON.parse(try analyzer.answers(input, ["What?"], settings)[0])
        #expect(whole["settings"]?["look"] == nil)
        #expect(throws: Failure.self) { try analyzer.answers(index, ["What?"], settings) }
    }
}

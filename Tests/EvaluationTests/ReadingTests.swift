import Evaluation
import Testing
import VideoUnderstanding

@Suite struct ReadingTests {
    // Guards exact match: two spellings of one answer must be equal, two answers must not.
    @Test(arguments: [
        ("The Red  car.", "red car"), ("A", "a"), ("the", "the"), ("", ""), ("?!", ""),
        ("twenty-one", "21"), ("Twenty one cats", "21 cats"), ("twenty", "20"),
        ("twenty ten", "20 10"), ("zero", "0"), ("nineteen", "19"), ("021", "21"), ("3.0", "3"),
        ("3.50", "3.5"), ("0.5", "0.5"), ("00", "0"), ("-5 degrees", "-5 degrees"),
        ("3-5", "3 5"), ("1,000", "1000"), ("1,2", "1 2"), ("1,0000", "1 0"),
        ("50%", "50 percent"), ("can't", "cannot"), ("can not", "cannot"), ("cannot", "cannot"),
        ("It doesn’t", "it does not"), ("won't", "will not"), ("the car's", "cars"),
        ("0:12", "0:12"), ("1.2.3", "1.2.3"), ("3 + 4", "3 + 4"), ("ÉTÉ", "été"),
        ("赤い車。", "赤い車"), ("yes, it is", "yes it is"), ("n't", "nt"),
    ])
    func normalization(text: String, words: String) {
        #expect(NormalizedText(text).words.joined(separator: " ") == words)
    }

    @Test(arguments: [
        ("a red circle moves", "red circle", true), ("a redcircle", "red circle", false),
        ("red", "red circle", false), ("circle red", "red circle", false),
        ("red red circle", "the red circle", true), ("x", "?", false),
    ])
    func wordsStandTogether(text: String, part: String, found: Bool) {
        #expect(NormalizedText(text).contains(NormalizedText(part)) == found)
    }

    // The duration is 60 s throughout.
    @Test(
        arguments: [
            ("at 12 seconds", 12.0), ("12.5s", 12.5), ("12 s.", 12), ("00:00:12.000", 12),
            ("0:12", 12), ("1:02:03.5", 3723.5), ("It appears at 9.36 s, after 3 others.", 9.36),
            ("1 min 5 s", 65), ("1m30s", 90), ("1 minute and 5 seconds", 65), ("two minutes", 120),
            ("at five seconds", 5), ("twenty-five seconds", 25), ("250 ms", 0.25), ("7", 7),
            ("There are 3 cars at 7 s", 7), ("at the start", 0), ("at the very beginning", 0),
            ("at the end", 60), ("the 12th second", 12), ("from 3 to 7 seconds", 3),
            ("between 1 and 2 minutes", 60), ("the 2nd car", nil), ("never", nil), ("", nil),
            ("a score of 2:99", 2), ("h264 at 4 s", 4), ("1e5", 1), ("12.", 12),
            ("at t=3.25", 3.25),
            (String(repeating: "9", count: 400) + " s", nil), ("99999999 s", nil),
        ] as [(String, Double?)])
    func moments(text: String, seconds: Double?) {
        let read = TimeReading(text, duration: 60).moment
        #expect(
            (read == nil && seconds == nil) || abs((read ?? .infinity) - (seconds ?? 0)) < 1e-9,
            "\(text): \(String(describing: read))")
    }

    @Test(
        arguments: [
            ("from 0:12 to 0:17", [12.0, 17]), ("12.5 - 15.5 seconds", [12.5, 15.5]),
            ("3-7 s", [3, 7]),
            ("3.2–5.6s", [3.2, 5.6]), ("[12.3, 15.6]", [12.3, 15.6]),
            ("between 3 and 7 seconds", [3, 7]), ("from 1 to 2 minutes", [60, 120]),
            ("It starts at 4 s and ends at 9 s.", [4, 9]), ("starts at 4 s, stops at 9 s", [4, 9]),
            ("from 4 s until the end", [4, 60]), ("from the start to 4 s", [0, 4]),
            ("2 cars and 3 people from 10 s to 12 s", [10, 12]),
            ("The event happens in the 5.0 - 8.0 seconds.", [5, 8]),
            ("It begins at 5 s. Later, something moves at 9 s.", [5, 9]),
            ("at 5 s", []), ("from 7 s to 3 s", []), ("3 to 3 s", []), ("no idea", []), ("", []),
        ] as [(String, [Double])])
    func intervals(text: String, bounds: [Double]) {
        let read = TimeReading(text, duration: 60).interval
        #expect((read.map { [$0.start, $0.end] } ?? []) == bounds, "\(text)")
    }

    static let colours = ["red", "light red", "blue", "not red"]

    @Test(
        arguments: [
            ("B", 1), ("b", 1), ("(B)", 1), ("B.", 1), ("B. light red", 1), ("B) x", 1),
            ("**B**", 1),
            ("The answer is C.", 2), ("Answer: C", 2), ("Option D", 3),
            ("the correct option is (A)", 0),
            ("blue", 2), ("It is blue.", 2), ("a light red one", 1), ("red or blue", nil),
            ("I think B, since it moves", 1), ("A car", nil), ("E", nil), ("", nil), ("?", nil),
            ("the answer is a small dog", nil), ("C: blue", 2), ("B or C", nil), ("maybe C", 2),
            ("A blue one", 2),
        ] as [(String, Int?)])
    func choices(answer: String, place: Int?) {
        #expect(ChoiceReader(Self.colours).read(answer) == place, "\(answer)")
    }

    @Test(arguments: [
        (["A. red", "B. blue"], ["red", "blue"]), (["(A) red", "(B) blue"], ["red", "blue"]),
        (["A) red", "B: blue"], ["red", "blue"]), (["A. red", "blue"], ["A. red", "blue"]),
        (["A.", "B. x"], ["A.", "B. x"]), (["B. x", "A. y"], ["B. x", "A. y"]),
    ])
    func lettersAreTakenOff(choices: [String], plain: [String]) {
        #expect(ChoiceReader.withoutLetters(choices) == plain)
    }
}

import Evaluation
import Testing
import VideoUnderstanding

@Suite struct JudgeTests {
    private func judge(
        _ answer: String, _ expectation: ExpectedAnswer, match: ScoringRules.Match = .exact
    ) -> Judgement {
        var rules = ScoringRules()
        rules.match = match
        return Judge(rules).judge(answer, expectation, duration: 60)
    }

    @Test(arguments: [
        ("Red.", ["red"], ScoringRules.Match.exact, true),
        ("The car is red", ["red"], .exact, false), ("The car is red", ["red"], .contains, true),
        ("crimson", ["red", "crimson"], .exact, true), ("2", ["two"], .exact, true),
        ("Yes, it does.", ["yes"], .exact, true), ("No.", ["yes"], .contains, false),
        ("There is no yes", ["yes"], .contains, false), ("", ["red"], .exact, false),
        ("no entry", ["no entry"], .exact, true), ("no exit", ["no entry"], .exact, false),
    ])
    func texts(answer: String, accepted: [String], match: ScoringRules.Match, isCorrect: Bool) {
        #expect(judge(answer, .text(accepted), match: match).isCorrect == isCorrect)
    }

    @Test(
        arguments: [
            ("at 10.4 s", 0.96, true, false), ("at 8.4 s", 1.04, false, false),
            ("8.44 s", 1.0, true, false), ("9.1 s", 0.34, true, true), ("never", nil, false, false),
        ] as [(String, Double?, Bool, Bool)])
    func times(answer: String, error: Double?, isCorrect: Bool, isExact: Bool) {
        let judgement = judge(answer, .time([9.44]))
        #expect(judgement.timeError.map { ($0 * 1e6).rounded() / 1e6 } == error)
        #expect(judgement.isCorrect == isCorrect)
        #expect(judgement.isExactSecond == isExact)
    }

    @Test func theNearestOfSeveralTimesCounts() {
        #expect(judge("at 30 s", .time([2, 29.5, 50])).timeError == 0.5)
    }

    @Test(
        arguments: [
            ("from 12 to 18 s", 1.0, true), ("from 15 to 21 s", 1.0 / 3, false),
            ("from 12 to 15 s", 0.5, true), ("from 30 to 40 s", 1.0, true), ("0 to 5 s", 0, false),
            ("at 13 s", 0, false),
        ] as [(String, Double, Bool)])
    func intervals(answer: String, iou: Double, isCorrect: Bool) throws {
        let right = [TimeRange(start: 12, end: 18), TimeRange(start: 30, end: 40)]
        let judgement = judge(answer, .interval(right))
        #expect(abs(try #require(judgement.iou) - iou) < 1e-9)
        #expect(judgement.isCorrect == isCorrect)
    }

    @Test(arguments: [
        ("It cannot be seen.", true), ("That can't be seen here", true), ("not visible", false),
        ("It is not visible.", true), ("red", false), ("nothing there", true), ("", false),
    ])
    func unanswerable(answer: String, isCorrect: Bool) {
        let judgement = judge(answer, .unanswerable(or: ["nothing there"]))
        #expect(judgement.isCorrect == isCorrect)
        #expect(judgement.saysUnanswerable == isCorrect)
    }

    // Precision needs the false alarms.
    @Test func sayingSoIsNoticedEverywhere() {
        #expect(judge("It cannot be seen.", .text(["red"])).saysUnanswerable)
        #expect(judge("It cannot be seen.", .time([3])).saysUnanswerable)
    }

    @Test func mentionsOfAnIntervalAreLookedForInItsSegments() {
        var document = Fakes.summary(
            of: "x.mp4", "A red circle, then a square.",
            segments: [(0, 4, "The red circle moves."), (4, 8, "A green square grows.")])
        let judgement = Judge(ScoringRules()).judge(
            document,
            mentions: [
                Mention(["red circle"]), Mention(["blue circle", "a square"]),
                Mention(["green square"]), Mention(["green square"], in: .init(start: 5, end: 6)),
                Mention(["green square"], in: .init(start: 0, end: 4)),
                Mention(["red circle"], in: .init(start: 3.9, end: 8)),
            ],
            forbidden: [Mention(["dog"]), Mention(["red"])])
        #expect(judgement.mentions == [true, true, false, true, false, true])
        #expect(judgement.forbidden == [false, true])
        #expect(!judgement.isCorrect)
        document.summary = "square"
        #expect(
            Judge(ScoringRules()).judge(document, mentions: [Mention(["square"])], forbidden: [])
                .isCorrect)
    }
}

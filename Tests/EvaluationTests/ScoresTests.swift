import Evaluation
import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

@Suite struct ScoresTests {
    // Values of Wilson's formula from published tables.
    @Test(arguments: [
        (8, 10, 0.4902, 0.9433), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (81, 263, 0.2553, 0.3662),
        (1, 1, 0.2065, 1),
    ])
    func wilson(part: Int, whole: Int, low: Double, high: Double) throws {
        let interval = try #require(Proportion(part, of: whole).interval)
        #expect(abs(interval.low - low) < 5e-5)
        #expect(abs(interval.high - high) < 5e-5)
    }

    @Test func nothingHasNoShare() {
        #expect(Proportion(0, of: 0).value == nil)
        #expect(Proportion(0, of: 0).interval == nil)
    }

    // By hand: bins 0.1, 0.8 and 0.9 miss by 0.15, 0.7 and 0.05 over 5 answers; 5.5 of 6 pairs of a
    // right and a wrong answer are in order.
    @Test func calibrationByHand() throws {
        let calibration = Calibration([
            (0.95, true), (0.85, true), (0.85, false), (0.15, false), (1, true),
        ])
        #expect(abs(try #require(calibration.ece) - 0.18) < 1e-12)
        #expect(abs(try #require(calibration.brier) - 0.154) < 1e-12)
        #expect(abs(try #require(calibration.auroc) - 5.5 / 6) < 1e-12)
        #expect(calibration.bins.map(\.lines) == [0, 1, 0, 0, 0, 0, 0, 0, 2, 2])
        #expect(calibration.bins[9].correct == 2)
    }

    @Test func calibrationAtTheEdges() {
        #expect(Calibration([]).ece == nil)
        #expect(Calibration([]).auroc == nil)
        #expect(Calibration([(1, true), (0.5, true)]).auroc == nil)
        #expect(Calibration([(0, false), (1, true)]).ece == 0)
        #expect(Calibration([(0.5, false), (0.5, true)]).auroc == 0.5)
        #expect(Calibration([(0.9, false), (0.1, true)]).auroc == 0)
        // 0.3 and 0.7 begin bins of their own.
        #expect(
            Calibration([(0.3, true), (0.7, true)]).bins.map(\.lines) == [
                0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
            ])
    }

    private func overlap(_ found: [(Double, Double, Double)], _ right: [TimeRange])
        -> EvidenceOverlap?
    {
        EvidenceOverlap(
            found.map {
                EvidenceRecord(
                    range: TimeRange(start: $0.0, end: $0.1), keyframe: $0.0, score: $0.2)
            }, with: right, duration: 20)
    }

    // By hand: the strongest counts, 2 of 6 seconds are in both; 4 of 20 seconds are right.
    @Test func evidenceByHand() throws {
        let right = [TimeRange(start: 2, end: 6)]
        let found = try #require(overlap([(2, 6, 0.3), (4, 8, 0.6)], right))
        #expect(abs(found.iou - 2.0 / 6) < 1e-12)
        #expect(abs(found.whole - 0.2) < 1e-12)
        // A stretch of 4 s that begins in 0 to 16 meets 2 to 6 if it begins before 6; the integral
        // of (4 - |s - 2|) / (4 + |s - 2|) over these, by 16.
        let exact = ((-2 + 8 * log(1.5)) + (-4 + 8 * log(2.0))) / 16
        #expect(abs(found.chance - exact) < 0.005, "\(found.chance) beside \(exact)")
        #expect(overlap([], right)?.iou == 0)
        #expect(overlap([(2, 6, 1)], []) == nil)
        let either = try #require(
            overlap([(10, 12, 1)], [TimeRange(start: 2, end: 6), TimeRange(start: 10, end: 12)]))
        #expect(either.iou == 1)
    }

    private func result(_ expectation: ExpectedAnswer, _ answer: String?) -> EvaluationResult {
        let item = EvaluationCase(line: 1, video: "v", question: "q", expectation: expectation)
        guard let answer else {
            return EvaluationResult(
                item, .failed(Failure(.decodeDamaged, stage: .decode, message: "torn")))
        }
        let judgement = Judge(ScoringRules()).judge(answer, expectation, duration: 60)
        return EvaluationResult(item, .answered(text: answer, confidence: 0.5, judgement))
    }

    // Errors 0, 0.4, 1.5 and 9 of six lines; one has no time in it, one failed.
    @Test func times() {
        let scores = Scores(
            ["10 s", "10.4 s", "11.5 s", "19 s", "no idea", nil].map { result(.time([10]), $0) })
        #expect(scores.times.lines == 6)
        #expect(scores.failed == 1)
        #expect(scores.times.unread == 1)
        #expect(scores.times.exact == 2)
        #expect([0.5, 1, 2].map(scores.times.within) == [2, 2, 3])
        #expect(abs((scores.times.mean ?? 0) - 2.725) < 1e-9)
        #expect(abs((scores.times.median ?? 0) - 0.95) < 1e-9)
        #expect(scores.correct == 2)
        #expect(scores.commonest == 6)
    }

    @Test func intervals() {
        let right = ExpectedAnswer.interval([TimeRange(start: 0, end: 10)])
        let scores = Scores(
            ["0 to 10 s", "0 to 5 s", "0 to 3 s", "never", nil].map { result(right, $0) })
        #expect(scores.intervals.ious == [1, 0.5, 0.3, 0, 0])
        #expect([0.3, 0.5, 0.7].map(scores.intervals.reaching) == [3, 2, 1])
        #expect(scores.intervals.unread == 1)
        #expect(scores.commonest == nil)
    }

    // Two of three recognised; three answers said so, one of them wrongly.
    @Test func unanswerable() {
        let no = "It cannot be seen."
        let scores = Scores([
            result(.unanswerable(or: []), no), result(.unanswerable(or: []), no),
            result(.unanswerable(or: []), "red"), result(.text(["red"]), no),
            result(.text(["red"]), "red"),
        ])
        #expect(scores.unanswerable.lines == 3)
        #expect(scores.unanswerable.recognised == 2)
        #expect(scores.unanswerable.said == 3)
        #expect(scores.correct == 3)
        #expect(scores.commonest == 3)
    }
}

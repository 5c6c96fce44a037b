import OrderedJSON
import VideoUnderstanding

/// What an answer was found to say, and whether that is right.
public struct Judgement: Sendable, Equatable {
    public var isCorrect: Bool
    /// What was read out of the answer: a choice's letter, seconds, an interval; nil where nothing
    /// was, or where the text itself counts.
    public var reading: Reading?
    /// Seconds between the time that was read and the nearest right one.
    public var timeError: Double?
    /// Both times are in the same second, once rounded.
    public var isExactSecond = false
    /// Intersection over union with the best of the right intervals.
    public var iou: Double?
    /// The answer says that the question cannot be answered.
    public var saysUnanswerable = false
    /// Nil where the dataset does not say what must be seen.
    public var evidence: EvidenceOverlap?
    /// How likely a second look at the evidence bears the answer out; nil where there was none.
    public var verification: Double?
    /// Of a summary: for each mention, whether it was found.
    public var mentions: [Bool] = []
    public var forbidden: [Bool] = []

    public enum Reading: Sendable, Equatable {
        case choice(Int)
        case time(Double)
        case interval(TimeRange)
    }

    public init(isCorrect: Bool) { self.isCorrect = isCorrect }
}

/// Holds answers against what is right.
public struct Judge: Sendable {
    private let rules: ScoringRules
    private let unanswerable: [NormalizedText]

    public init(_ rules: ScoringRules) {
        self.rules = rules
        unanswerable = rules.unanswerablePhrases.map(NormalizedText.init)
    }

    /// - Parameters:
    ///   - times: those that the tool found in the answer, as seconds of the file; the words
    ///     themselves are read where there are none.
    ///   - duration: of the video, in seconds.
    /// - Precondition: not for a summary.
    public func judge(
        _ answer: String, times: [TimeRange] = [], _ expectation: ExpectedAnswer, duration: Double
    ) -> Judgement {
        let text = NormalizedText(answer)
        var judgement = Judgement(isCorrect: false)
        judgement.saysUnanswerable = unanswerable.contains { text.contains($0) }
        switch expectation {
        case .text(let accepted):
            judgement.isCorrect = accepts(text, accepted)
        case .unanswerable(let accepted):
            judgement.isCorrect = judgement.saysUnanswerable || accepts(text, accepted)
            judgement.saysUnanswerable = judgement.isCorrect
        case .choice(let choices, let right):
            let read = ChoiceReader(choices).read(answer)
            judgement.reading = read.map { .choice($0) }
            judgement.isCorrect = read == right
        case .time(let right):
            let read = times.first?.start ?? TimeReading(answer, duration: duration).moment
            judge(read, right, &judgement)
        case .interval(let right):
            let read = Self.stretch(times) ?? TimeReading(answer, duration: duration).interval
            judge(read, right, &judgement)
        case .summary: preconditionFailure("a summary is no answer")
        }
        return judgement
    }

    /// The first stretch of time; two instants make one, too.
    private static func stretch(_ times: [TimeRange]) -> TimeRange? {
        if let stretch = times.first(where: { $0.end > $0.start }) { return stretch }
        guard times.count > 1, times[1].end > times[0].start else { return nil }
        return TimeRange(start: times[0].start, end: times[1].end)
    }

    /// An expected yes or no is held against the first word.
    private func accepts(_ answer: NormalizedText, _ accepted: [String]) -> Bool {
        accepted.map(NormalizedText.init).contains { wanted in
            if ["yes", "no"].contains(wanted.words.first), wanted.words.count == 1 {
                return answer.words.first == wanted.words.first
            }
            return rules.match == .exact ? answer == wanted : answer.contains(wanted)
        }
    }

    private func judge(_ time: Double?, _ right: [Double], _ judgement: inout Judgement) {
        guard let time else { return }
        let error = right.map { abs(time - $0) }.min() ?? .infinity
        judgement.reading = .time(time)
        judgement.timeError = error
        judgement.isExactSecond = right.contains { $0.rounded() == time.rounded() }
        // The last digit of what a model writes is no reason to fail.
        judgement.isCorrect = error <= rules.timeTolerance + 1e-9
    }

    private func judge(
        _ interval: TimeRange?, _ right: [TimeRange], _ judgement: inout Judgement
    ) {
        judgement.reading = interval.map { .interval($0) }
        let iou = interval.map { interval in right.map { interval.iou($0) }.max() ?? 0 } ?? 0
        judgement.iou = iou
        judgement.isCorrect = iou >= rules.minimumIoU - 1e-9
    }

    /// Holds a summary against what it must, and must not, speak of.
    public func judge(
        _ summary: SummaryDocument, mentions: [Mention], forbidden: [Mention]
    ) -> Judgement {
        func finds(_ mention: Mention) -> Bool {
            let texts =
                mention.range.map { range in
                    summary.segments.filter { $0.range.overlaps(range) }.map(\.summary)
                } ?? [summary.summary]
            return texts.map(NormalizedText.init).contains { text in
                mention.alternatives.contains { text.contains(NormalizedText($0)) }
            }
        }
        var judgement = Judgement(isCorrect: false)
        judgement.mentions = mentions.map(finds)
        judgement.forbidden = forbidden.map(finds)
        judgement.isCorrect =
            judgement.mentions.allSatisfy { $0 } && !judgement.forbidden.contains(true)
        return judgement
    }
}

extension TimeRange {
    func overlaps(_ other: TimeRange) -> Bool { start < other.end && other.start < end }

    /// The share of the time in either that is in both.
    func iou(_ other: TimeRange) -> Double {
        let both = max(0, min(end, other.end) - max(start, other.start))
        let either = (end - start) + (other.end - other.start) - both
        return either > 0 ? both / either : 0
    }
}

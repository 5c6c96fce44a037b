import OrderedJSON
import VideoUnderstanding

/// What came of one line of a dataset.
public struct EvaluationResult: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        /// - Parameter confidence: of the answer; nil of a summary, which has none of its own.
        case answered(text: String, confidence: Double?, Judgement)
        case failed(Failure)
    }

    public var item: EvaluationCase
    public var outcome: Outcome

    public init(_ item: EvaluationCase, _ outcome: Outcome) {
        self.item = item
        self.outcome = outcome
    }

    /// Nil where the line failed.
    public var judgement: Judgement? {
        if case .answered(_, _, let judgement) = outcome { judgement } else { nil }
    }

    /// `reelscribe/evaluation-result@1`: one line of `--results`.
    public var json: JSON {
        var members = ObjectBuilder(.evaluationResult)
        members.add("line", item.line)
        members.add("id", ifPresent: item.id.map(JSON.string))
        members.add("video", item.video)
        members.add("category", ifPresent: item.category.map(JSON.string))
        members.add("kind", item.expectation.kind.rawValue)
        members.add("question", item.question)
        members.add("expected", item.expectation.json)
        switch outcome {
        case .failed(let failure):
            members.add("correct", .bool(false))
            members.add("error", failure.json)
        case .answered(let text, let confidence, let judgement):
            members.add("answer", text)
            if item.expectation.isRead {
                members.add("read", orNull: judgement.reading?.json)
            }
            members.add("correct", .bool(judgement.isCorrect))
            members.add("time_error", ifPresent: judgement.timeError.map { .decimal($0) })
            members.add("iou", ifPresent: judgement.iou.map { .decimal($0) })
            members.add("evidence_iou", ifPresent: judgement.evidence.map { .decimal($0.iou) })
            if item.expectation.kind != .summary {
                members.add("says_unanswerable", .bool(judgement.saysUnanswerable))
            } else {
                members.add("mentions", .array(judgement.mentions.map(JSON.bool)))
                members.add("forbidden", .array(judgement.forbidden.map(JSON.bool)))
            }
            members.add("verification", ifPresent: judgement.verification.map { .decimal($0) })
            members.add("confidence", ifPresent: confidence.map { .decimal($0) })
        }
        return members.json
    }
}

extension ExpectedAnswer {
    /// Whether something is read out of the text of an answer.
    var isRead: Bool {
        switch self {
        case .choice, .time, .interval: true
        case .text, .unanswerable, .summary: false
        }
    }

    var json: JSON {
        switch self {
        case .text(let accepted): .array(accepted.map(JSON.string))
        case .choice(let choices, let right):
            ["choice": .string(Self.letter(right)), "text": .string(choices[right])]
        case .time(let times): .array(times.map { .decimal($0) })
        case .interval(let ranges): .array(ranges.map(\.json))
        case .unanswerable(let accepted):
            ["unanswerable": true, "or": .array(accepted.map(JSON.string))]
        case .summary(let mentions, let forbidden):
            [
                "mentions": .array(mentions.map(\.json)),
                "forbidden": .array(forbidden.map(\.json)),
            ]
        }
    }

    static func letter(_ index: Int) -> String {
        String(UnicodeScalar(UInt8(ascii: "A") + UInt8(index)))
    }
}

extension Mention {
    fileprivate var json: JSON {
        var members = ObjectBuilder()
        members.add("text", .array(alternatives.map(JSON.string)))
        members.add("interval", ifPresent: range?.json)
        return members.json
    }
}

extension Judgement.Reading {
    fileprivate var json: JSON {
        switch self {
        case .choice(let index): .string(ExpectedAnswer.letter(index))
        case .time(let seconds): .decimal(seconds)
        case .interval(let range): range.json
        }
    }
}

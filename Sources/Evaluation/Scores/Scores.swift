import OrderedJSON
import VideoUnderstanding

/// How a group of lines came off.
public struct Scores: Sendable, Equatable {
    /// Questions for a time.
    public struct Times: Sendable, Equatable {
        public var lines = 0
        /// Of the answers that held a time, in seconds, ascending.
        public var errors: [Double] = []
        public var exact = 0
        /// Answers in which no time was found.
        public var unread = 0

        public func within(_ seconds: Double) -> Int { errors.count { $0 <= seconds + 1e-9 } }

        public var mean: Double? {
            errors.isEmpty ? nil : errors.reduce(0, +) / Double(errors.count)
        }

        /// The mean of the two in the middle where their number is even.
        public var median: Double? {
            guard !errors.isEmpty else { return nil }
            return (errors[(errors.count - 1) / 2] + errors[errors.count / 2]) / 2
        }
    }

    /// Questions for a stretch of time.
    public struct Intervals: Sendable, Equatable {
        /// One a line, 0 where no interval was found or no answer came.
        public var ious: [Double] = []
        /// Answers in which no interval was found.
        public var unread = 0

        public func reaching(_ iou: Double) -> Int { ious.count { $0 >= iou - 1e-9 } }
    }

    /// Saying that a question cannot be answered.
    public struct Unanswerable: Sendable, Equatable {
        public var lines = 0
        public var recognised = 0
        /// Answers to any question that said so.
        public var said = 0
    }

    /// What summaries spoke of.
    public struct Mentions: Sendable, Equatable {
        public var lines = 0
        public var expected = 0
        public var found = 0
        public var forbidden = 0
        public var forbiddenFound = 0
    }

    /// Whether evidence lies where the answer is seen; one number a line that says where.
    public struct Evidence: Sendable, Equatable {
        public var ious: [Double] = []
        public var whole: [Double] = []
        public var chance: [Double] = []
    }

    public var lines = 0
    public var failed = 0
    public var correct = 0
    /// Lines that expect what is expected most often.
    public var commonest: Int?
    public var times = Times()
    public var intervals = Intervals()
    public var unanswerable = Unanswerable()
    public var mentions = Mentions()
    public var evidence = Evidence()

    public var accuracy: Proportion { Proportion(correct, of: lines) }

    public init(_ results: [EvaluationResult]) {
        var expected: [String: Int] = [:]
        for result in results {
            lines += 1
            if let key = result.item.expectation.blindKey { expected[key, default: 0] += 1 }
            let judgement = result.judgement
            if judgement == nil { failed += 1 }
            if judgement?.isCorrect == true { correct += 1 }
            if let overlap = judgement?.evidence {
                evidence.ious.append(overlap.iou)
                evidence.whole.append(overlap.whole)
                evidence.chance.append(overlap.chance)
            }
            add(result.item.expectation, judgement)
        }
        commonest = expected.values.max()
        times.errors.sort()
    }

    private mutating func add(_ expectation: ExpectedAnswer, _ judgement: Judgement?) {
        if judgement?.saysUnanswerable == true { unanswerable.said += 1 }
        switch expectation {
        case .time:
            times.lines += 1
            if let error = judgement?.timeError { times.errors.append(error) }
            if judgement?.isExactSecond == true { times.exact += 1 }
            if let judgement, judgement.reading == nil { times.unread += 1 }
        case .interval:
            intervals.ious.append(judgement?.iou ?? 0)
            if let judgement, judgement.reading == nil { intervals.unread += 1 }
        case .unanswerable:
            unanswerable.lines += 1
            if judgement?.saysUnanswerable == true { unanswerable.recognised += 1 }
        case .summary(let wanted, let forbidden):
            mentions.lines += 1
            mentions.expected += wanted.count
            mentions.found += judgement?.mentions.count { $0 } ?? 0
            mentions.forbidden += forbidden.count
            mentions.forbiddenFound += judgement?.forbidden.count { $0 } ?? 0
        case .text, .choice: break
        }
    }
}

extension ExpectedAnswer {
    /// Equal for lines that one and the same blind answer gets right; nil where none can.
    fileprivate var blindKey: String? {
        switch self {
        case .text(let accepted):
            accepted.first.map { "text " + NormalizedText($0).words.joined(separator: " ") }
        case .choice(_, let right): "choice \(right)"
        case .time(let times): times.first.map { "time \(Int($0.rounded()))" }
        case .unanswerable: "unanswerable"
        case .interval, .summary: nil
        }
    }
}

// MARK: - JSON

extension Scores {
    /// - Parameter name: of the group; nil for all lines.
    func json(name: String? = nil) -> JSON {
        var members = ObjectBuilder()
        members.add("name", ifPresent: name.map(JSON.string))
        members.add("lines", lines)
        members.add("failed", failed)
        members.add("correct", correct)
        members.add("accuracy", .orNull(accuracy.value))
        members.add(
            "accuracy_interval",
            orNull: accuracy.interval.map { [.decimal($0.low), .decimal($0.high)] })
        members.add(
            "majority", orNull: commonest.map { .share(Double($0), of: lines) })
        if times.lines > 0 { members.add("time", times.json) }
        if !intervals.ious.isEmpty { members.add("interval", intervals.json) }
        if unanswerable.lines > 0 { members.add("unanswerable", unanswerable.json) }
        if mentions.lines > 0 { members.add("mentions", mentions.json) }
        if !evidence.ious.isEmpty { members.add("evidence", evidence.json) }
        return members.json
    }
}

extension Scores.Times {
    fileprivate var json: JSON {
        [
            "lines": .int(lines), "unread": .int(unread), "mean_error": .orNull(mean),
            "median_error": .orNull(median), "exact": .share(Double(exact), of: lines),
            "within_0_5": .share(Double(within(0.5)), of: lines),
            "within_1": .share(Double(within(1)), of: lines),
            "within_2": .share(Double(within(2)), of: lines),
        ]
    }
}

extension Scores.Evidence {
    static func mean(_ numbers: [Double]) -> Double? {
        numbers.isEmpty ? nil : numbers.reduce(0, +) / Double(numbers.count)
    }

    fileprivate var json: JSON {
        [
            "lines": .int(ious.count), "mean_iou": .orNull(Self.mean(ious)),
            "recall_0_5": .share(Double(ious.count { $0 >= 0.5 - 1e-9 }), of: ious.count),
            "chance_iou": .orNull(Self.mean(chance)), "whole_iou": .orNull(Self.mean(whole)),
        ]
    }
}

extension Scores.Intervals {
    var mean: Double? { ious.isEmpty ? nil : ious.reduce(0, +) / Double(ious.count) }

    fileprivate var json: JSON {
        [
            "lines": .int(ious.count), "unread": .int(unread), "mean_iou": .orNull(mean),
            "recall_0_3": .share(Double(reaching(0.3)), of: ious.count),
            "recall_0_5": .share(Double(reaching(0.5)), of: ious.count),
            "recall_0_7": .share(Double(reaching(0.7)), of: ious.count),
        ]
    }
}

extension Scores.Unanswerable {
    fileprivate var json: JSON {
        [
            "lines": .int(lines), "said": .int(said),
            "recall": .share(Double(recognised), of: lines),
            "precision": .share(Double(recognised), of: said),
        ]
    }
}

extension Scores.Mentions {
    fileprivate var json: JSON {
        [
            "lines": .int(lines), "expected": .int(expected), "found": .int(found),
            "recall": .share(Double(found), of: expected), "forbidden": .int(forbidden),
            "forbidden_found": .int(forbiddenFound),
        ]
    }
}

import OrderedJSON

/// How well confidence tells right answers from wrong ones.
public struct Calibration: Sendable, Equatable {
    /// Answers whose confidence lies in one stretch.
    public struct Bin: Sendable, Equatable {
        public var lines = 0
        public var correct = 0
        public var confidence = 0.0
    }

    public static let binCount = 10

    public private(set) var lines = 0
    /// Equal stretches from 0 to 1, each without its upper end but for the last.
    public private(set) var bins = [Bin](repeating: Bin(), count: binCount)
    /// Mean square of confidence less 1 for right answers, less 0 for wrong ones; nil without any.
    public private(set) var brier: Double?
    /// Chance that a right answer has more confidence than a wrong one, ties counting half; nil
    /// where all are right, or all wrong.
    public private(set) var auroc: Double?

    /// - Parameter answers: confidence, 0 to 1, and whether the answer is right.
    public init(_ answers: [(confidence: Double, isCorrect: Bool)]) {
        lines = answers.count
        guard lines > 0 else { return }
        var squares = 0.0
        for (confidence, isCorrect) in answers {
            let index = min(Self.binCount - 1, max(0, Int(confidence * Double(Self.binCount))))
            bins[index].lines += 1
            bins[index].correct += isCorrect ? 1 : 0
            bins[index].confidence += confidence
            let error = confidence - (isCorrect ? 1 : 0)
            squares += error * error
        }
        brier = squares / Double(lines)
        auroc = Self.auroc(answers)
    }

    /// Mean distance of confidence and accuracy over the bins, weighted by their answers.
    public var ece: Double? {
        guard lines > 0 else { return nil }
        return bins.reduce(0) { $0 + abs($1.confidence - Double($1.correct)) } / Double(lines)
    }

    /// By the sum of the ranks of the right answers.
    private static func auroc(_ answers: [(confidence: Double, isCorrect: Bool)]) -> Double? {
        let right = answers.count { $0.isCorrect }
        let wrong = answers.count - right
        guard right > 0, wrong > 0 else { return nil }
        let sorted = answers.sorted { $0.confidence < $1.confidence }
        var ranks = 0.0
        var start = 0
        while start < sorted.count {
            var end = start
            while end < sorted.count, sorted[end].confidence == sorted[start].confidence {
                end += 1
            }
            // Equal ones share the mean of their ranks, counted from 1.
            let rank = Double(start + 1 + end) / 2
            ranks += rank * Double(sorted[start..<end].count { $0.isCorrect })
            start = end
        }
        return (ranks - Double(right * (right + 1)) / 2) / Double(right * wrong)
    }

    public var json: JSON {
        let width = 1 / Double(Self.binCount)
        let table = bins.enumerated().map { index, bin -> JSON in
            [
                "from": .decimal(Double(index) * width),
                "to": .decimal(Double(index + 1) * width),
                "lines": .int(bin.lines),
                "confidence": .share(bin.confidence, of: bin.lines),
                "accuracy": .share(Double(bin.correct), of: bin.lines),
            ]
        }
        return [
            "lines": .int(lines), "ece": .orNull(ece), "brier": .orNull(brier),
            "auroc": .orNull(auroc), "bins": .array(table),
        ]
    }
}

extension JSON {
    /// Null where there is no value.
    static func orNull(_ value: Double?) -> JSON { value.map { .decimal($0) } ?? .null }

    /// Null where there is nothing to have a share of.
    static func share(_ part: Double, of whole: Int) -> JSON {
        whole > 0 ? .decimal(part / Double(whole)) : .null
    }
}

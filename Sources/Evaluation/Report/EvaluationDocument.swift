import OrderedJSON
import Video
import VideoUnderstanding

/// `reelscribe/evaluation@1`: how well a checkpoint did on a dataset.
public struct EvaluationDocument: Document {
    public static let kind = DocumentKind.evaluation

    /// The dataset as the user named it.
    public var path: String
    /// Hexadecimal, of the dataset's bytes; nil of standard input.
    public var sha256: String?
    /// Lines in the dataset, of which `--limit` may have left some out.
    public var lines: Int
    public var record: EvaluationRecord
    public var rules: ScoringRules
    /// Seconds; nil leaves the timing out (`--no-timing`).
    public var seconds: Double?

    public let scores: Scores
    /// In a fixed order; those without lines are left out.
    public let kinds: [(name: String, scores: Scores)]
    /// By name.
    public let categories: [(name: String, scores: Scores)]
    public let calibration: Calibration

    public init(
        path: String, lines: Int, record: EvaluationRecord, rules: ScoringRules,
        seconds: Double? = nil
    ) {
        self.path = path
        // A dataset that has gone since it was read has no checksum any more.
        sha256 = path == "-" ? nil : (try? Video.sha256(of: .file(path: path))) ?? nil
        self.lines = lines
        self.record = record
        self.rules = rules
        self.seconds = seconds
        let results = record.results
        scores = Scores(results)
        kinds = ExpectedAnswer.Kind.allCases.compactMap { kind in
            let part = results.filter { $0.item.expectation.kind == kind }
            return part.isEmpty ? nil : (kind.rawValue, Scores(part))
        }
        let groups = Dictionary(grouping: results.filter { $0.item.category != nil }) {
            $0.item.category ?? ""
        }
        categories = groups.sorted { $0.key < $1.key }.map { ($0.key, Scores($0.value)) }
        calibration = Calibration(
            results.compactMap { result in
                guard case .answered(_, let confidence?, let judgement) = result.outcome else {
                    return nil
                }
                return (confidence, judgement.isCorrect)
            })
    }

    public var json: JSON {
        var members = ObjectBuilder(Self.kind)
        members.add(
            "dataset",
            [
                "path": .string(path), "sha256": sha256.map(JSON.string) ?? .null,
                "lines": .int(lines), "evaluated": .int(record.results.count),
                "videos": .int(record.videos),
            ])
        members.add("scores", scores.json())
        members.add("kinds", .array(kinds.map { $0.scores.json(name: $0.name) }))
        members.add("categories", .array(categories.map { $0.scores.json(name: $0.name) }))
        members.add("calibration", calibration.json)
        members.add("failures", .array(record.failures.map(\.json)))
        members.add("model", orNull: record.model?.json)
        var settings = ObjectBuilder()
        settings.add("answer", ifPresent: record.answerSettings)
        settings.add("summary", ifPresent: record.summarySettings)
        settings.add("scoring", rules.json)
        members.add("settings", settings.json)
        var usage: JSONObject = ["visual_tokens": .int(record.visualTokens)]
        if let dropped = record.droppedVisualTokens {
            usage["dropped_visual_tokens"] = .int(dropped)
        }
        usage["generated_tokens"] = .int(record.generatedTokens)
        members.add("usage", .object(usage))
        members.add("warnings", .array(record.warnings.map(\.json)))
        members.add("timing", ifPresent: seconds.map { ["total": .decimal($0)] })
        members.add("tool", ToolRecord.current.json)
        return members.json
    }
}

extension EvaluationFailure {
    fileprivate var json: JSON {
        [
            "video": .string(video), "lines": .array(lines.map(JSON.int)), "error": failure.json,
        ]
    }
}

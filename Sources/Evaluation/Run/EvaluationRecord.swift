import OrderedJSON
import VideoUnderstanding

/// All that came of an evaluation.
public struct EvaluationRecord: Sendable, Equatable {
    /// In the order of the dataset.
    public var results: [EvaluationResult] = []
    public var failures: [EvaluationFailure] = []
    public var videos = 0
    /// Nil where no video could be read.
    public var model: ModelRecord?
    /// What the answers, and the summaries, were made with.
    public var answerSettings: JSON?
    public var summarySettings: JSON?
    /// Of each video once.
    public var visualTokens = 0
    public var generatedTokens = 0
    /// By code: the first message, and the number of videos that had one.
    private var found: [(warning: WarningRecord, videos: Int)] = []

    public init() {}

    /// One a code; the message says how many videos it holds for.
    public var warnings: [WarningRecord] {
        found.map { warning, videos in
            let isOfModel = warning.code.hasPrefix("model.")
            return isOfModel || videos == 1
                ? warning
                : WarningRecord(
                    code: warning.code,
                    message: "\(warning.message) (and in \(videos - 1) more of the videos)")
        }
    }

    /// Takes over how an answer or a summary came about.
    mutating func add(
        _ provenance: Provenance, isFirstOfVideo: Bool,
        to settings: WritableKeyPath<EvaluationRecord, JSON?>
    ) {
        model = model ?? provenance.model
        self[keyPath: settings] = self[keyPath: settings] ?? provenance.settings
        generatedTokens += provenance.usage.generatedTokens
        // The warnings of a video stand in each of its answers.
        guard isFirstOfVideo else { return }
        for warning in provenance.warnings {
            if let index = found.firstIndex(where: { $0.warning.code == warning.code }) {
                found[index].videos += 1
            } else {
                found.append((warning, 1))
            }
        }
    }

    public static func == (left: EvaluationRecord, right: EvaluationRecord) -> Bool {
        left.results == right.results && left.failures == right.failures
            && left.videos == right.videos && left.model == right.model
            && left.answerSettings == right.answerSettings
            && left.summarySettings == right.summarySettings
            && left.visualTokens == right.visualTokens
            && left.generatedTokens == right.generatedTokens && left.warnings == right.warnings
    }
}

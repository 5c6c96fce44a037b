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
    /// Of each video once; nil where none were to be left out.
    public var droppedVisualTokens: Int?
    public var generatedTokens = 0
    /// By code: the first message, and the videos that had one.
    private var found: [(warning: WarningRecord, videos: Set<String>)] = []

    public init() {}

    /// One a code; the message says how many videos it holds for.
    public var warnings: [WarningRecord] {
        found.map { warning, videos in
            let isOfModel = warning.code.hasPrefix("model.")
            return isOfModel || videos.count == 1
                ? warning
                : WarningRecord(
                    code: warning.code,
                    message:
                        "\(warning.message) (and so for \(videos.count - 1) more of the videos)")
        }
    }

    /// Takes over how an answer or a summary of a video came about.
    mutating func add(
        _ provenance: Provenance, of video: String,
        to settings: WritableKeyPath<EvaluationRecord, JSON?>
    ) {
        model = model ?? provenance.model
        self[keyPath: settings] = self[keyPath: settings] ?? provenance.settings
        generatedTokens += provenance.usage.generatedTokens
        for warning in provenance.warnings {
            if let index = found.firstIndex(where: { $0.warning.code == warning.code }) {
                found[index].videos.insert(video)
            } else {
                found.append((warning, [video]))
            }
        }
    }

    /// Takes over the visual tokens of a video.
    mutating func addVisualTokens(of usage: UsageRecord) {
        visualTokens += usage.visualTokens
        if let dropped = usage.droppedVisualTokens {
            droppedVisualTokens = (droppedVisualTokens ?? 0) + dropped
        }
    }

    public static func == (left: EvaluationRecord, right: EvaluationRecord) -> Bool {
        left.results == right.results && left.failures == right.failures
            && left.videos == right.videos && left.model == right.model
            && left.answerSettings == right.answerSettings
            && left.summarySettings == right.summarySettings
            && left.visualTokens == right.visualTokens
            && left.droppedVisualTokens == right.droppedVisualTokens
            && left.generatedTokens == right.generatedTokens && left.warnings == right.warnings
    }
}

import OrderedJSON
import VideoUnderstanding

/// What counts as right.
public struct ScoringRules: Sendable, Equatable {
    /// How a text is held against the accepted ones.
    public enum Match: String, Sendable, CaseIterable {
        /// Both are equal, once normalised.
        case exact
        /// An accepted text stands somewhere in the answer.
        case contains
    }

    public var match = Match.exact
    /// Seconds by which a time may be off.
    public var timeTolerance = 1.0
    /// Intersection over union that an interval needs.
    public var minimumIoU = 0.5
    /// Answers that contain one of these say that the question cannot be answered.
    public var unanswerablePhrases = Self.standardUnanswerablePhrases
    /// A line that is put behind open questions.
    public var suffix: String?

    public static let standardUnanswerablePhrases = [
        "cannot be seen", "cannot be determined", "cannot be answered", "cannot see",
        "cannot tell", "is not visible", "not shown", "not seen", "not in the video",
        "does not appear", "never appears", "unanswerable",
    ]

    public init() {}

    public var json: JSON {
        var members = JSONObject()
        members["match"] = .string(match.rawValue)
        members["time_tolerance"] = .decimal(timeTolerance)
        members["minimum_iou"] = .decimal(minimumIoU)
        members["unanswerable_phrases"] = .array(unanswerablePhrases.map(JSON.string))
        members["suffix"] = suffix.map(JSON.string) ?? .null
        return .object(members)
    }
}

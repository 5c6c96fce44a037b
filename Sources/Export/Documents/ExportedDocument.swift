import OrderedJSON
import VideoUnderstanding

/// A result as exports need it, read from a document that was found valid.
public struct ExportedDocument: Sendable, Equatable {
    /// Which document of its file, from 0.
    public var place: Int
    /// The line where it begins, from 1.
    public var line: Int
    public var id: String?
    public var content: Content

    public enum Content: Sendable, Equatable {
        case summary(Summary)
        case answer(Answer)
        case frames(Frames)
        case error(FailedJob)
    }

    public struct Summary: Sendable, Equatable {
        public var video: Video
        public var text: String
        public var segments: [Segment]
        public var chapters: [Chapter]
        public var origin: Origin
    }

    public struct Segment: Sendable, Equatable {
        public var range: TimeRange
        public var text: String
        public var boundary: String
        public var keyframe: Double
        public var confidence: Double
    }

    public struct Chapter: Sendable, Equatable {
        public var range: TimeRange
        public var text: String
    }

    public struct Answer: Sendable, Equatable {
        public var video: Video
        public var question: String
        public var value: JSON
        public var choice: String?
        public var choices: [Choice]
        public var confidence: Double
        public var evidence: [Evidence]
        public var origin: Origin
    }

    public struct Choice: Sendable, Equatable {
        public var label: String
        public var probability: Double
    }

    public struct Evidence: Sendable, Equatable {
        public var range: TimeRange
        public var keyframe: Double
        public var score: Double
    }

    public struct Frames: Sendable, Equatable {
        public var video: Video
        public var pairs: [TimeRange]
        public var timestamps: [Double]
        public var origin: Origin
    }

    public struct FailedJob: Sendable, Equatable {
        public var uri: String?
        public var code: String
        public var message: String
    }

    /// The input that a result speaks of.
    public struct Video: Sendable, Equatable {
        public var uri: String
        public var sha256: String?
        public var codec: String
        /// Seconds.
        public var duration: Double
        public var width: Int
        public var height: Int
        public var frameRate: Double?
        public var seen: [TimeRange]
        public var unseen: [TimeRange]
    }

    /// What made a result.
    public struct Origin: Sendable, Equatable {
        public var model: String?
        public var fingerprint: String?
        public var tool: String
        public var settings: JSON
        public var warnings: [WarningRecord]
        /// The text was cut off by a bound on its tokens.
        public var isCutOff: Bool
    }

    /// The video of a result; nil for a job that failed.
    public var video: Video? {
        switch content {
        case .summary(let summary): summary.video
        case .answer(let answer): answer.video
        case .frames(let frames): frames.video
        case .error: nil
        }
    }

    /// What made a result; nil for a job that failed.
    public var origin: Origin? {
        switch content {
        case .summary(let summary): summary.origin
        case .answer(let answer): answer.origin
        case .frames(let frames): frames.origin
        case .error: nil
        }
    }

    /// The word for the kind of document.
    public var kind: String {
        switch content {
        case .summary: "summary"
        case .answer: "answer"
        case .frames: "frames"
        case .error: "error"
        }
    }
}

extension ExportedDocument.Answer {
    /// The answer as words: the label, the text, or the value as one line of JSON.
    var text: String { choice ?? value.string ?? value.compact }
}

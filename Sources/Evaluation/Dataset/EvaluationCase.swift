import VideoUnderstanding

/// One line of a dataset: what is asked about which video, and what is right.
public struct EvaluationCase: Sendable, Equatable {
    /// Line of the dataset from 1, or the number of the element where the file is one JSON value.
    public var line: Int
    public var id: String?
    /// Path or address, ready to be opened.
    public var video: String
    /// What stands in the dataset.
    public var question: String
    /// The question is a sentence that tells of an event, and is asked for its time.
    public var isEvent: Bool
    public var expectation: ExpectedAnswer
    /// Results are grouped by it.
    public var category: String?
    /// The stretch of time that must be seen to answer, or any of several; empty where nobody says.
    public var evidence: [TimeRange]

    public init(
        line: Int, id: String? = nil, video: String, question: String, isEvent: Bool = false,
        expectation: ExpectedAnswer, category: String? = nil, evidence: [TimeRange] = []
    ) {
        self.line = line
        self.id = id
        self.video = video
        self.question = question
        self.isEvent = isEvent
        self.expectation = expectation
        self.category = category
        self.evidence = evidence
    }

    /// What the model is asked; a summary has an instruction of its own.
    ///
    /// - Parameter suffix: a line that is put behind open questions.
    public func prompt(suffix: String?) -> String {
        if case .choice(let choices, _) = expectation {
            return Prompts.choosing(question, among: choices)
        }
        let prompt = isEvent ? Prompts.locating(question) : question
        return suffix.map { "\(prompt)\n\($0)" } ?? prompt
    }
}

/// What is right.
public enum ExpectedAnswer: Sendable, Equatable {
    /// Any of these texts.
    case text([String])
    /// One of the choices, by its place.
    case choice([String], right: Int)
    /// Any of these times, in seconds.
    case time([Double])
    /// The stretch of time, or any of several.
    case interval([TimeRange])
    /// That it cannot be told from the video, or one of these texts.
    case unanswerable(or: [String])
    /// A summary that speaks of all of the former and none of the latter.
    case summary(mentions: [Mention], forbidden: [Mention])

    /// As results are grouped.
    public var kind: Kind {
        switch self {
        case .text: .text
        case .choice: .choice
        case .time: .time
        case .interval: .interval
        case .unanswerable: .unanswerable
        case .summary: .summary
        }
    }

    public enum Kind: String, Sendable, CaseIterable {
        case text, choice, time, interval, unanswerable, summary
    }
}

/// Something a summary speaks of.
public struct Mention: Sendable, Equatable {
    /// Texts that mean the same.
    public var alternatives: [String]
    /// Where it must be spoken of: in the segments that overlap this; nil: anywhere.
    public var range: TimeRange?

    public init(_ alternatives: [String], in range: TimeRange? = nil) {
        self.alternatives = alternatives
        self.range = range
    }
}

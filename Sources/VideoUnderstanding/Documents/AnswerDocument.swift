import OrderedJSON

/// One of the answers that `--choices` allows, and how likely the model holds it.
public struct ChoiceRecord: Sendable, Equatable {
    public var label: String
    /// 0 to 1; the probabilities of all choices add up to 1.
    public var probability: Double

    public init(label: String, probability: Double) {
        self.label = label
        self.probability = probability
    }

    var json: JSON { ["label": .string(label), "probability": .decimal(probability)] }
}

/// A part of the video that the answer rests on.
public struct EvidenceRecord: Sendable, Equatable {
    public var range: TimeRange
    /// Seconds.
    public var keyframe: Double
    /// Greater is stronger.
    public var score: Double

    public init(range: TimeRange, keyframe: Double, score: Double) {
        self.range = range
        self.keyframe = keyframe
        self.score = score
    }

    var json: JSON {
        [
            "start": .decimal(range.start), "end": .decimal(range.end),
            "keyframe": .decimal(keyframe), "score": .decimal(score),
        ]
    }
}

/// The choice that was made among the allowed ones.
public struct ChoiceOutcome: Sendable, Equatable {
    public var choice: String
    public var choices: [ChoiceRecord]

    public init(choice: String, choices: [ChoiceRecord]) {
        self.choice = choice
        self.choices = choices
    }
}

/// What a second look at the evidence alone says of an answer.
public struct VerificationRecord: Sendable, Equatable {
    /// That the evidence bears out the answer, 0 to 1.
    public var probability: Double

    public init(probability: Double) { self.probability = probability }

    public var isBorneOut: Bool { probability >= 0.5 }

    var json: JSON {
        ["verdict": isBorneOut ? "yes" : "no", "probability": .decimal(probability)]
    }
}

/// `reelscribe/answer@1`.
public struct AnswerDocument: Document, Equatable {
    public static let kind = DocumentKind.answer

    public var job: JobReference
    public var video: VideoRecord
    public var question: String
    /// Text, or the object that a JSON Schema asked for.
    public var answer: JSON
    /// Nil where the question was not limited to choices.
    public var outcome: ChoiceOutcome?
    /// 0 to 1.
    public var confidence: Double
    /// The times that the words of a free answer name, in their order, as seconds of the file; an
    /// instant as a range without length.
    public var times: [TimeRange]
    /// Written in descending score.
    public var evidence: [EvidenceRecord]
    /// Nil where nobody asked for it, or where there is nothing to look at again.
    public var verification: VerificationRecord?
    public var provenance: Provenance

    public init(
        job: JobReference = .none, video: VideoRecord, question: String, answer: JSON,
        outcome: ChoiceOutcome? = nil, confidence: Double, times: [TimeRange] = [],
        evidence: [EvidenceRecord] = [], verification: VerificationRecord? = nil,
        provenance: Provenance
    ) {
        self.job = job
        self.video = video
        self.question = question
        self.answer = answer
        self.outcome = outcome
        self.confidence = confidence
        self.times = times
        self.evidence = evidence
        self.verification = verification
        self.provenance = provenance
    }

    public var json: JSON {
        var members = ObjectBuilder(Self.kind, job: job)
        members.add("video", video.json)
        members.add("question", question)
        members.add("answer", answer)
        members.add("choice", ifPresent: (outcome?.choice).map(JSON.string))
        members.add("choices", ifPresent: (outcome?.choices).map { .array($0.map(\.json)) })
        members.add("confidence", .decimal(confidence))
        // Ties keep the order of time, so that equal runs give equal documents.
        let ranked = evidence.enumerated().sorted {
            ($1.element.score, $0.element.range.start, $0.offset)
                < ($0.element.score, $1.element.range.start, $1.offset)
        }
        members.add("evidence", .array(ranked.map(\.element.json)))
        if !times.isEmpty {
            members.add(
                "times",
                .array(times.map { ["start": .decimal($0.start), "end": .decimal($0.end)] }))
        }
        members.add("verification", ifPresent: verification?.json)
        members.add(provenance)
        return members.json
    }
}

import OrderedJSON

/// One temporal patch: two frames that the model sees as one step of time.
public struct FramePairRecord: Sendable, Equatable {
    /// The time the pair stands for.
    public var range: TimeRange
    /// Which of the sampled frames, from 0; twice the same where the last one was repeated.
    public var first: Int
    public var second: Int

    public init(range: TimeRange, first: Int, second: Int) {
        self.range = range
        self.first = first
        self.second = second
    }

    func json(index: Int) -> JSON {
        [
            "index": .int(index), "start": .decimal(range.start), "end": .decimal(range.end),
            "frames": [.int(first), .int(second)],
        ]
    }
}

/// `reelscribe/frames@1`: what the model would be shown.
public struct FramesDocument: Document, Equatable {
    public static let kind = DocumentKind.frames

    public var job: JobReference
    public var video: VideoRecord
    public var sampling: SamplingRecord
    public var pairs: [FramePairRecord]
    public var visualTokens: Int
    public var settings: JSON
    public var warnings: [WarningRecord]
    public var timing: TimingRecord?

    public init(
        job: JobReference = .none, video: VideoRecord, sampling: SamplingRecord,
        pairs: [FramePairRecord], visualTokens: Int, settings: JSON,
        warnings: [WarningRecord] = [], timing: TimingRecord? = nil
    ) {
        self.job = job
        self.video = video
        self.sampling = sampling
        self.pairs = pairs
        self.visualTokens = visualTokens
        self.settings = settings
        self.warnings = warnings
        self.timing = timing
    }

    public var json: JSON {
        var members = ObjectBuilder(Self.kind, job: job)
        members.add("video", video.json)
        members.add("sampling", sampling.json)
        members.add("pairs", .array(pairs.enumerated().map { $1.json(index: $0) }))
        members.add("visual_tokens", visualTokens)
        members.add("settings", settings)
        members.add("warnings", .array(warnings.map(\.json)))
        members.add("timing", ifPresent: timing?.json)
        members.add("tool", ToolRecord.current.json)
        return members.json
    }
}

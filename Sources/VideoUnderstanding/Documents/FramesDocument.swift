import OrderedJSON

/// One temporal patch: two frames that the model sees as one step of time.
public struct FramePairRecord: Sendable, Equatable {
    /// The time the pair stands for.
    public var range: TimeRange
    /// Which of the sampled frames, from 0; twice the same where the last one was repeated.
    public var first: Int
    public var second: Int
    /// Visual tokens that are read, where some may be left out.
    public var visualTokens: Int?

    public init(range: TimeRange, first: Int, second: Int, visualTokens: Int? = nil) {
        self.range = range
        self.first = first
        self.second = second
        self.visualTokens = visualTokens
    }

    func json(index: Int) -> JSON {
        var members = ObjectBuilder()
        members.add("index", index)
        members.add("start", .decimal(range.start))
        members.add("end", .decimal(range.end))
        members.add("frames", [.int(first), .int(second)])
        members.add("visual_tokens", ifPresent: visualTokens.map(JSON.int))
        return members.json
    }
}

/// `reelscribe/frames@1`: what the model would be shown.
public struct FramesDocument: Document, Equatable {
    public static let kind = DocumentKind.frames

    public var job: JobReference
    public var video: VideoRecord
    public var sampling: SamplingRecord
    public var pairs: [FramePairRecord]
    /// Those that are read.
    public var visualTokens: Int
    /// Left out by `--prune`; nil without it.
    public var droppedVisualTokens: Int?
    public var settings: JSON
    public var warnings: [WarningRecord]
    public var timing: TimingRecord?

    public init(
        job: JobReference = .none, video: VideoRecord, sampling: SamplingRecord,
        pairs: [FramePairRecord], visualTokens: Int, droppedVisualTokens: Int? = nil,
        settings: JSON,
        warnings: [WarningRecord] = [], timing: TimingRecord? = nil
    ) {
        self.job = job
        self.video = video
        self.sampling = sampling
        self.pairs = pairs
        self.visualTokens = visualTokens
        self.droppedVisualTokens = droppedVisualTokens
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
        members.add("dropped_visual_tokens", ifPresent: droppedVisualTokens.map(JSON.int))
        members.add("settings", settings)
        members.add("warnings", .array(warnings.map(\.json)))
        members.add("timing", ifPresent: timing?.json)
        members.add("tool", ToolRecord.current.json)
        return members.json
    }
}

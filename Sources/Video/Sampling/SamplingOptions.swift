/// The rule that chooses frames.
public enum SamplingMode: String, Sendable, Hashable, CaseIterable {
    /// The frame shown at each instant first + k / fps, by real time stamps.
    case pts
    /// The reference's frame counts and indices.
    case qwen
}

/// Which frames are wanted.
public struct SamplingOptions: Sendable, Hashable {
    public var mode: SamplingMode
    /// Frames sampled a second of video; positive.
    public var fps: Rational
    /// Fewer instants than this are spread evenly over the range instead.
    public var minFrames: Int
    /// More instants than this are spread evenly over the range instead; nil: no bound.
    public var maxFrames: Int?
    /// Where the range begins, in seconds since the start of the presentation; nil: at the start.
    public var start: Rational?
    /// Where the range ends (not included); nil: at the end.
    public var end: Rational?
    /// Whether `SampledFrame.index` must count all pictures from the beginning of the file, so that
    /// none may be passed over and no range reached by seeking. Damage is then found wherever it
    /// is, and `DecodeReport.framesDecoded` counts all. `--sampling qwen` always counts like that.
    public var needsIndices: Bool
    /// False leaves the pictures empty (size 0 × 0) and saves their conversion: to plan or count
    /// frames. Pictures of a folder are not even opened then, so none is found damaged.
    public var needsPictures: Bool
    /// Whether `SampledFrame.shotStart` tells where shots begin. Every decoded picture is looked
    /// at; of a folder of pictures those that are sampled, which are opened in any case then.
    public var detectsCuts: Bool

    public init(
        mode: SamplingMode = .pts, fps: Rational = Rational(2), minFrames: Int = 4,
        maxFrames: Int? = nil, start: Rational? = nil, end: Rational? = nil,
        needsIndices: Bool = false, needsPictures: Bool = true, detectsCuts: Bool = false
    ) {
        self.mode = mode
        self.fps = fps
        self.minFrames = minFrames
        self.maxFrames = maxFrames
        self.start = start
        self.end = end
        self.needsIndices = needsIndices
        self.needsPictures = needsPictures
        self.detectsCuts = detectsCuts
    }
}

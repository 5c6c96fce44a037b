/// Bounds that keep a hostile input from using the machine up; real videos do not meet them.
public struct DecodeLimits: Sendable, Hashable {
    /// Pixels of one decoded picture.
    public var maximumPixels: Int
    /// Seconds between the start of the presentation and its last picture.
    public var maximumDuration: Double
    /// Bytes of a file or a download; nil for any number.
    public var maximumBytes: Int?
    /// Streams of one container.
    public var maximumStreams: Int
    /// Bytes read to find out what the container is.
    public var probeBytes: Int
    /// Bytes, and seconds of media, read to find out what its streams are.
    public var analyzeBytes: Int
    public var analyzeSeconds: Double
    /// Seconds after which a read that makes no progress is given up.
    public var stallSeconds: Double
    /// Packets of the video stream in a row that give no picture, after which decoding ends.
    public var undecodablePackets: Int
    /// Packets of other streams in a row, after which decoding ends.
    public var foreignPackets: Int
    /// Bytes of a pipe that are kept in an unlinked temporary file, so that it can be read again.
    public var pipeBytes: Int

    public init(
        maximumPixels: Int = 8192 * 8192, maximumDuration: Double = 48 * 3600,
        maximumBytes: Int? = nil, maximumStreams: Int = 256, probeBytes: Int = 1 << 20,
        analyzeBytes: Int = 16 << 20,
        analyzeSeconds: Double = 10, stallSeconds: Double = 30,
        undecodablePackets: Int = 10_000, foreignPackets: Int = 1_000_000,
        pipeBytes: Int = 8 << 30
    ) {
        self.maximumPixels = maximumPixels
        self.maximumDuration = maximumDuration
        self.maximumBytes = maximumBytes
        self.maximumStreams = maximumStreams
        self.probeBytes = probeBytes
        self.analyzeBytes = analyzeBytes
        self.analyzeSeconds = analyzeSeconds
        self.stallSeconds = stallSeconds
        self.undecodablePackets = undecodablePackets
        self.foreignPackets = foreignPackets
        self.pipeBytes = pipeBytes
    }

    public static let standard = DecodeLimits()
}

import Imaging

/// What a video is. Final once every frame has been read.
public struct VideoDescription: Sendable, Equatable {
    /// As the user named it.
    public var uri: String
    /// FFmpeg's name of the container format; `images` for a folder of pictures.
    public var container: String
    /// FFmpeg's name of the codec.
    public var codec: String
    /// Seconds from the start of the presentation to the end of the last frame: measured where the
    /// video was read to its end, else what the container says. 0 for a single image.
    public var duration: Double
    /// Seconds that were subtracted from the time stamps of the file.
    public var startTime: Double
    /// Size in pixels of the first frame, upright.
    public var width: Int
    public var height: Int
    /// Angle of the display matrix in degrees, counter-clockwise: 0, 90, -90 or -180.
    public var rotation: Int
    /// Average frames a second; nil where unknown.
    public var frameRate: Double?

    package init(
        uri: String, container: String, codec: String, duration: Double, startTime: Double,
        width: Int, height: Int, rotation: Int, frameRate: Double?
    ) {
        self.uri = uri
        self.container = container
        self.codec = codec
        self.duration = duration
        self.startTime = startTime
        self.width = width
        self.height = height
        self.rotation = rotation
        self.frameRate = frameRate
    }
}

/// Something worth knowing that did not stop the reading.
public struct VideoWarning: Sendable, Hashable {
    /// Stable and dotted, such as `video.damaged`.
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// What reading a video was like. Final once every frame has been read.
public struct DecodeReport: Sendable, Equatable {
    /// Frames that came out of the decoder, sampled or not. Those that neither a sampled frame nor
    /// any other picture needs may be passed over without being decoded; they are not counted.
    public var framesDecoded: Int
    public var coverage: Coverage
    public var warnings: [VideoWarning]

    package init(framesDecoded: Int, coverage: Coverage, warnings: [VideoWarning]) {
        self.framesDecoded = framesDecoded
        self.coverage = coverage
        self.warnings = warnings
    }
}

/// One frame that was taken.
public struct SampledFrame: Sendable, Equatable {
    /// Number in display order, counted from the beginning of the file; where
    /// `SamplingOptions.needsIndices` is false, among the pictures that were decoded, from the key
    /// frame that was sought if a range was asked for.
    public var index: Int
    /// Its presentation time in seconds since the start of the presentation.
    public var time: Double
    /// Upright.
    public var image: RGBImage
    /// The instant that it stands for, in seconds since the start of the presentation. `time` for
    /// `--sampling qwen`.
    public var instant: Double
    /// Presentation time in seconds of the first picture of this frame's shot, where the shot began
    /// after the frame that was handed out before; else nil, as for the first frame. At most `time`.
    /// Always nil without `SamplingOptions.detectsCuts`.
    public var shotStart: Double?
}

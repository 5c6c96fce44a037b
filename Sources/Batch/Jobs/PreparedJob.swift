import Video
import VideoUnderstanding

/// What a job's `video` turned out to be.
public struct JobInput: Sendable {
    public var video: VideoInput
    /// Keeps what was fetched, until nothing holds it any more.
    public var lease: ScratchFile?

    public init(_ video: VideoInput, lease: ScratchFile? = nil) {
        self.video = video
        self.lease = lease
    }
}

/// A job whose input is there, and perhaps being decoded already.
public struct PreparedJob: Sendable {
    public var input: JobInput
    /// Nil where the input is decoded in its turn.
    public var video: PreparedVideo?

    /// Ends what was begun, from any thread.
    public func abandon() { video?.abandon() }
}

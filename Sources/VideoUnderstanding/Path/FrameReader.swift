import Imaging
import Isolation
import Qwen2VL
import Text
import Video

/// Where inputs are decoded. The documents are the same to the byte.
public enum Decoding: Sendable, Equatable {
    /// In this process.
    case inProcess
    /// In a process for each input, which the input cannot get out of.
    case isolated(DecodeWorkers)
}

/// The sampled frames of one input, wherever it is decoded: what the path needs of a reader.
package struct FrameReader: ~Copyable {
    /// Exactly one of the two is there.
    private let local: LocalVideo?
    package let remote: RemoteVideo?
    package let kind: VisualKind

    /// Opens an input as the options say, and decodes to its first picture.
    package init(
        _ input: VideoInput, sampling: SamplingOptions, options: AnalysisOptions
    ) throws {
        switch options.decoding {
        case .inProcess:
            self.init(
                try LocalVideo(
                    input, sampling: sampling, limits: options.limits, threads: options.threads,
                    allowReferences: options.allowReferences), kind: input.visualKind)
        case .isolated(let workers):
            do {
                self.init(
                    try workers.open(
                        input, sampling: sampling, limits: options.limits,
                        threads: options.threads, allowReferences: options.allowReferences))
            } catch {
                // An interruption looks like a decoder that is gone.
                try Task.checkCancellation()
                throw error
            }
        }
    }

    package init(_ video: LocalVideo, kind: VisualKind) {
        local = video
        remote = nil
        self.kind = kind
    }

    package init(_ video: RemoteVideo) {
        local = nil
        remote = video
        kind = video.isStillImage ? .image : .video
    }

    deinit { local?.close() }

    /// Lets pictures be decoded ahead of `next`.
    ///
    /// - Parameters:
    ///   - target: pictures may be resized to this already; nil: they must not.
    ///   - ahead: whether to decode ahead in this process, too; another one always does.
    ///   - onDecoded: see `LocalVideo.begin`.
    package func begin(
        target: PixelSize?, ahead: Bool = true, onDecoded: (@Sendable () -> Void)? = nil
    ) throws {
        if ahead { local?.begin(target: target, onDecoded: onDecoded) }
        try remote?.begin(target: target)
    }

    package var description: VideoDescription { state.description }

    package var report: DecodeReport { state.report }

    /// See `VideoReader.promisedEnd`.
    package var promisedEnd: Double? { state.promisedEnd }

    package var expectedFrames: Int? { state.expectedFrames }

    package var expectedFramesIsExact: Bool { state.expectedFramesIsExact }

    /// Frames of the whole input, where that is exactly known before they are decoded.
    var exactFrames: Int? { expectedFramesIsExact ? expectedFrames : nil }

    /// See `VideoReader.next`.
    ///
    /// - Parameter timing: gets what decoding took: the work where it is done in this process, by
    ///   whichever thread, and what was waited for where another one does it.
    package mutating func next(timing: inout TimingRecord) throws -> SampledFrame? {
        guard let remote else { return try local?.next(timing: &timing) }
        do {
            return try timing.measure(\.decode) { () throws(VideoError) in try remote.next() }
        } catch {
            try Task.checkCancellation()
            throw error
        }
    }

    /// The most bytes of frames that have waited in this process at once.
    var mostWaitingBytes: Int { local?.mostWaitingBytes ?? 0 }

    private var state: ReaderState {
        guard let state = local?.state ?? remote?.known else {
            preconditionFailure("a reader without an input")
        }
        return state
    }
}

/// An input that was opened ahead of its turn, and is decoded up to a bound while the model is busy
/// with another.
public final class PreparedVideo: Sendable {
    let video: RemoteVideo
    let plan: VisualPlan
    let transcript: Transcript
    /// With what was changed to stay below the limit of memory.
    let settings: Settings

    init(_ video: RemoteVideo, plan: VisualPlan, transcript: Transcript, settings: Settings) {
        self.video = video
        self.plan = plan
        self.transcript = transcript
        self.settings = settings
    }

    /// Ends the decoding, from any thread, for an input that is not wanted any more.
    public func abandon() { video.abandon() }
}

/// What an input is opened for.
public enum VideoUse: Sendable, Equatable {
    case summary
    case answers([String])
}

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
    private var local: VideoReader?
    package let remote: RemoteVideo?
    package let kind: VisualKind

    /// Opens an input as the options say, and decodes to its first picture.
    package init(
        _ input: VideoInput, sampling: SamplingOptions, options: AnalysisOptions
    ) throws {
        switch options.decoding {
        case .inProcess:
            self.init(
                try VideoReader.open(
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

    private init(_ reader: consuming VideoReader, kind: VisualKind) {
        local = consume reader
        remote = nil
        self.kind = kind
    }

    package init(_ video: RemoteVideo) {
        local = nil
        remote = video
        kind = video.isStillImage ? .image : .video
    }

    /// Lets pictures be decoded ahead of `next`, where that is possible.
    ///
    /// - Parameter target: pictures may be resized to this already; nil: they must not.
    package func begin(target: PixelSize?) throws { try remote?.begin(target: target) }

    package var description: VideoDescription { read({ $0.description }, { $0.description }) }

    package var report: DecodeReport { read({ $0.report }, { $0.report }) }

    /// See `VideoReader.promisedEnd`.
    package var promisedEnd: Double? { read({ $0.promisedEnd }, { $0.promisedEnd }) }

    package var expectedFrames: Int? { read({ $0.expectedFrames }, { $0.expectedFrames }) }

    package var expectedFramesIsExact: Bool {
        read({ $0.expectedFramesIsExact }, { $0.expectedFramesIsExact })
    }

    /// See `VideoReader.next`.
    package mutating func next() throws -> SampledFrame? {
        guard let remote else { return try local?.next() }
        do {
            return try remote.next()
        } catch {
            try Task.checkCancellation()
            throw error
        }
    }

    private func read<Result>(
        _ ofLocal: (borrowing VideoReader) -> Result, _ ofRemote: (RemoteVideo) -> Result
    ) -> Result {
        if let remote { return ofRemote(remote) }
        switch local {
        case .some(let reader): return ofLocal(reader)
        case nil: preconditionFailure("a reader without an input")
        }
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

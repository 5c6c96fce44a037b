/// Why a video could not be opened, or not be read to its end.
public enum VideoError: Error, Sendable, Equatable {
    /// There is no such file, folder or address, or no file matches the pattern.
    case notFound(uri: String)
    /// It exists, but the system does not let us read it.
    case cannotOpen(uri: String, reason: String)
    /// An address of a kind that is not read.
    case unsupportedURL(uri: String)
    /// The server or the network refused; it may work later.
    case unreachable(uri: String, reason: String)
    /// A folder or pattern without a picture in it.
    case noPictures(uri: String)
    /// A folder or pattern of videos, where one input is wanted.
    case holdsVideos(uri: String, first: String)
    /// Not a video at all, as far as the content tells.
    case notAVideo(uri: String, reason: String)
    /// A playlist, script or session description: it only names other inputs.
    case namesOtherInputs(uri: String, format: String)
    /// A readable container without a video stream.
    case noVideoStream(uri: String, container: String)
    /// The linked FFmpeg has no decoder for the stream.
    case noDecoder(uri: String, codec: String)
    /// There is a video stream, but not one picture of it could be decoded.
    case nothingDecodable(uri: String, reason: String, encrypted: Bool)
    /// A read made no progress for this long.
    case stalled(uri: String, seconds: Double)
    /// A picture larger than `DecodeLimits.maximumPixels`.
    case tooManyPixels(uri: String, width: Int, height: Int, limit: Int)
    /// A presentation longer than `DecodeLimits.maximumDuration`.
    case tooLong(uri: String, limit: Double)
    /// More streams than `DecodeLimits.maximumStreams`.
    case tooManyStreams(uri: String, count: Int, limit: Int)
    /// A pipe had to be read twice, but was too large to be kept.
    case pipeTooLarge(uri: String, limit: Int)
    /// A file or download larger than `DecodeLimits.maximumBytes`.
    case tooManyBytes(uri: String, limit: Int)
    /// The address, or one that it redirects to, is on a host that is not allowed.
    case hostNotAllowed(uri: String, host: String)
    /// The process that decodes ended by itself, which only hostile or very broken data brings about.
    case decoderCrashed(uri: String, reason: String)
    /// The process that decodes took longer than it may.
    case decoderTooSlow(uri: String, seconds: Double)
    /// Decoding needed more memory than it may use.
    case decoderOutOfMemory(uri: String, limit: Int)
    /// The process that decodes was ended by something that has nothing to do with the input.
    case decoderLost(uri: String, reason: String)
    /// The range asked for, in seconds, holds no picture of this video.
    case emptyRange(uri: String, start: Double?, end: Double?, duration: Double)
    /// Sampling options that contradict themselves.
    case invalidSampling(reason: String)
    /// The picture could not be encoded.
    case cannotEncode(reason: String)
    /// FFmpeg ran out of memory or refused a call that must work.
    case systemFailure(operation: String, reason: String)
}

extension VideoError {
    /// The stable code of the error document (contract section 3).
    public var code: String {
        switch self {
        case .notFound: "input.not_found"
        case .cannotOpen: "input.cannot_open"
        case .unsupportedURL, .hostNotAllowed: "input.unsupported_url"
        case .unreachable: "input.unreachable"
        case .noPictures, .holdsVideos, .notAVideo, .namesOtherInputs, .noVideoStream, .noDecoder:
            "decode.no_video"
        case .nothingDecodable, .decoderCrashed: "decode.damaged"
        case .stalled, .decoderTooSlow: "decode.timeout"
        case .decoderOutOfMemory: "limit.memory"
        case .decoderLost: "decode.lost"
        case .tooManyPixels: "limit.pixels"
        case .tooLong: "limit.duration"
        case .tooManyStreams: "limit.streams"
        case .pipeTooLarge, .tooManyBytes: "limit.size"
        case .emptyRange: "job.empty_range"
        case .invalidSampling: "job.invalid"
        case .cannotEncode, .systemFailure: "internal"
        }
    }

    /// The exit status of a command that ends with this error (contract section 2).
    public var exitCode: Int32 {
        switch self {
        case .notFound, .cannotOpen, .unsupportedURL, .hostNotAllowed: 66
        case .unreachable, .stalled, .decoderLost: 75
        case .emptyRange, .invalidSampling: 64
        case .cannotEncode, .systemFailure: 70
        default: 65
        }
    }

    /// Whether the same call may succeed later.
    public var retryable: Bool {
        switch self {
        case .unreachable, .stalled, .decoderLost: true
        default: false
        }
    }

    /// What a person can do about it.
    public var hint: String? {
        switch self {
        case .notFound(let uri):
            uri.hasPrefix("~")
                ? "~ stands for a home folder in a shell only: write the whole path"
                : "check the path"
        case .cannotOpen: "check the permissions"
        case .unsupportedURL(let uri):
            uri.lowercased().hasPrefix("file:")
                ? "a file address of this machine is file:///PATH, with %20 for a space"
                : "only http://, https:// and file:/// addresses are read"
        case .unreachable: "check the address and the network, then try again"
        case .noPictures: "name a folder or a quoted pattern with PNG, JPEG, WebP or BMP files"
        case .holdsVideos:
            "name the videos one by one, or give their folder to reelscribe run with a job file"
        case .namesOtherInputs:
            "give the video itself, or --allow-references if you trust what the file names"
        case .noDecoder: "install a build of FFmpeg that decodes this codec, or convert the video"
        case .nothingDecodable(_, _, let encrypted):
            encrypted ? "decrypt the video first" : "try to obtain the file again"
        case .stalled: "check the source, or allow more time"
        case .tooManyPixels, .tooLong, .tooManyStreams:
            "convert the video to something smaller first; the library's DecodeLimits can be raised"
        case .pipeTooLarge: "save the input to a file first"
        case .tooManyBytes: "raise --max-input-size"
        case .hostNotAllowed: "name the host with --allow-host if you trust it"
        case .decoderCrashed: "try to obtain the file again, or convert it"
        case .decoderTooSlow: "raise --decode-timeout, or convert the video first"
        case .decoderOutOfMemory: "raise --decode-memory, or convert the video first"
        case .decoderLost: "try again, with more free memory if it happens again"
        case .emptyRange: "choose a start and an end inside the video"
        case .notAVideo(_, let reason):
            switch reason {
            case Wording.empty: "nothing was copied, downloaded or recorded: get the file again"
            case _ where reason.hasPrefix(Wording.missingIndex):
                "the index comes last: let the recording or download end, or get the file again"
            default: "check that it is a video, and that all of it was copied or downloaded"
            }
        case .noVideoStream:
            "sound alone gives nothing to see; where pictures lie in a file of their own, give that one"
        case .invalidSampling, .cannotEncode, .systemFailure: nil
        }
    }
}

extension VideoError: CustomStringConvertible {
    /// One sentence for a person who must act.
    public var description: String {
        switch self {
        case .notFound(let uri): "\(uri): no such file"
        case .cannotOpen(let uri, let reason): "\(uri): cannot be opened: \(reason)"
        case .unsupportedURL(let uri): "\(uri): this kind of address is not supported"
        case .unreachable(let uri, let reason): "\(uri): cannot be reached: \(reason)"
        case .noPictures(let uri): "\(uri): there is no picture here"
        case .holdsVideos(let uri, let first):
            "\(uri): there are videos here, such as \(first), and not images of one video only"
        case .notAVideo(let uri, let reason): "\(uri): this is not a readable video: \(reason)"
        case .namesOtherInputs(let uri, let format):
            "\(uri): this is no video but a list of other inputs (\(format)), which is not followed"
        case .noVideoStream(let uri, let container):
            "\(uri): there is no video in this \(Wording.container(container)) file"
        case .noDecoder(let uri, let codec):
            "\(uri): the linked FFmpeg has no decoder for the codec \(codec)"
        case .nothingDecodable(let uri, let reason, let encrypted):
            encrypted
                ? "\(uri): the video is encrypted, and not one picture could be decoded"
                : "\(uri): not one picture could be decoded: \(reason)"
        case .stalled(let uri, let seconds):
            "\(uri): the input gave no data for \(Wording.length(seconds))"
        case .tooManyPixels(let uri, let width, let height, let limit):
            "\(uri): pictures of \(width)×\(height) exceed the limit of \(Wording.pixels(limit))"
        case .tooLong(let uri, let limit):
            "\(uri): the video goes on beyond the limit of \(Wording.length(limit))"
        case .tooManyStreams(let uri, let count, let limit):
            "\(uri): \(count) streams exceed the limit of \(limit)"
        case .pipeTooLarge(let uri, let limit):
            "\(uri): the pipe must be read twice, but is larger than \(Wording.bytes(limit))"
        case .tooManyBytes(let uri, let limit):
            "\(uri): the input is larger than the limit of \(Wording.bytes(limit))"
        case .hostNotAllowed(let uri, let host):
            "\(uri): the host \(host) is not among those allowed"
        case .decoderCrashed(let uri, let reason): "\(uri): the decoder ended: \(reason)"
        case .decoderLost(let uri, let reason): "\(uri): the decoder was lost: \(reason)"
        case .decoderTooSlow(let uri, let seconds):
            "\(uri): decoding made no progress, or was not done, in \(Wording.length(seconds))"
        case .decoderOutOfMemory(let uri, let limit):
            "\(uri): decoding needs more than \(Wording.bytes(limit)) of memory"
        case .emptyRange(let uri, let start, let end, let duration):
            "\(uri): there is no picture \(Wording.range(start, end)); "
                + "the video lasts \(Wording.length(duration))"
        case .invalidSampling(let reason): "invalid sampling: \(reason)"
        case .cannotEncode(let reason): "the picture could not be encoded: \(reason)"
        case .systemFailure(let operation, let reason): "\(operation) failed: \(reason)"
        }
    }
}

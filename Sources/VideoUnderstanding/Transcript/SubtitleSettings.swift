import OrderedJSON
import Video

/// Which subtitles the model reads.
public enum SubtitleChoice: Sendable, Equatable {
    case none
    /// Those beside the video, or else inside it.
    case auto
    /// A file of SubRip or WebVTT.
    case file(String)

    /// `none`, `auto`, or a path; nil for an empty text.
    public init?(typed text: String) {
        switch text {
        case "": return nil
        case "none": self = .none
        case "auto": self = .auto
        default: self = .file(text)
        }
    }

    var text: String {
        switch self {
        case .none: "none"
        case .auto: "auto"
        case .file(let path): path
        }
    }
}

/// How what is said comes into the prompt.
public struct SubtitleSettings: Sendable, Equatable {
    public var choice = SubtitleChoice.none
    /// Tokens of subtitles in one prompt, at most.
    public var maxTokens = 1024
    /// What was found; the path puts it in.
    package var source: TranscriptSource?

    static let tokenBounds = 16...65_536

    public init() {}

    /// Nil without subtitles: nothing about them affects the result then.
    var json: JSON? {
        guard choice != .none else { return nil }
        return [
            "choice": .string(choice.text), "max_tokens": .int(maxTokens),
            "source": source?.json ?? .null,
        ]
    }

    /// What changes when other subtitles would be read for a video, its own bytes aside; nil
    /// without subtitles.
    public func stamp(of video: String) -> JSON? {
        let paths: [String]
        switch choice {
        case .none: return nil
        case .auto: paths = video.contains("://") ? [] : SubtitlesBeside.paths(of: video)
        case .file(let path): paths = [path]
        }
        return .array(
            paths.map { path in
                let bytes = try? SystemFiles.read(
                    path, stage: .open, limit: SubtitleLimits.bytes)
                let digest = bytes.flatMap { try? sha256(of: $0) }
                return [.string(path), digest.map(JSON.string) ?? .null]
            })
    }
}

/// Where a transcript comes from.
package struct TranscriptSource: Sendable, Equatable {
    /// Path of the file; nil for a stream of the video.
    package var file: String?
    /// Place of the stream in the container; nil for a file.
    package var stream: Int?
    /// `srt`, `webvtt`, or FFmpeg's name of the stream's codec.
    package var format: String
    package var language: String?
    package var cues: Int
    /// Of the file's bytes; nil for a stream, whose bytes are the video's.
    package var sha256: String?

    var json: JSON {
        var members = ObjectBuilder()
        members.add("file", orNull: file.map(JSON.string))
        members.add("stream", orNull: stream.map(JSON.int))
        members.add("format", format)
        members.add("language", orNull: language.map(JSON.string))
        members.add("cues", cues)
        members.add("sha256", orNull: sha256.map(JSON.string))
        return members.json
    }
}

extension Settings {
    /// These settings with what was found put in.
    func reading(_ transcript: Transcript) -> Settings {
        var settings = self
        settings.subtitles.source = transcript.source
        return settings
    }
}

/// What a container has in the way of subtitles.
package struct EmbeddedSubtitles: Sendable, Equatable {
    /// A stream of subtitles, as messages name it.
    package struct Stream: Sendable, Equatable {
        /// In the container, from 0.
        package var index: Int
        /// FFmpeg's name of the codec.
        package var codec: String
        /// As the container has it; nil where it has none.
        package var language: String?

        package init(index: Int, codec: String, language: String?) {
            self.index = index
            self.codec = codec
            self.language = language
        }
    }

    /// The stream that was read; nil where there is none with text.
    package var stream: Stream?
    /// Of that stream, in order of time.
    package var cues: [SubtitleCue] = []
    /// Streams with text that were not read.
    package var others: [Stream] = []
    /// Streams whose subtitles are pictures, which have no text.
    package var pictures: [Stream] = []
    /// Packets that could not be decoded.
    package var damaged = 0
    /// Seconds that were subtracted from time stamps.
    package var startTime = 0.0

    package init() {}

    /// Reads the text subtitles of an input: one pass over its packets.
    ///
    /// - Returns: nothing for inputs that are no containers or cannot be read a second time.
    package static func read(
        _ input: VideoInput, limits: DecodeLimits, allowReferences: Bool,
        activity: ReadingActivity? = nil
    ) throws(VideoError) -> EmbeddedSubtitles {
        let bytes: ByteSource
        switch input {
        case .file(let path):
            bytes = try ByteSource.file(path, limits: limits, activity: activity)
        case .fetched(let path, let uri, isImage: false):
            bytes = try ByteSource.file(path, named: uri, limits: limits, activity: activity)
        default: return EmbeddedSubtitles()
        }
        var demuxer = try Demuxer(bytes, limits: limits, allowReferences: allowReferences)
        return try demuxer.subtitles()
    }
}

extension EmbeddedSubtitles.Stream {
    package var name: String {
        "stream \(index) (\(codec)" + (language.map { ", \($0)" } ?? "") + ")"
    }
}

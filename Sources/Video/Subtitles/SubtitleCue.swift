/// What is said or written on the screen during a stretch of a video.
public struct SubtitleCue: Sendable, Equatable {
    /// Seconds; the stretch is never empty.
    public var start: Double
    public var end: Double
    /// One line without markup or control characters, not empty.
    public var text: String

    public init(start: Double, end: Double, text: String) {
        self.start = start
        self.end = end
        self.text = text
    }
}

/// Bounds on what subtitles may hold, whoever made them.
package enum SubtitleLimits {
    /// Of a file of subtitles.
    package static let bytes = 16 << 20
    package static let cues = 100_000
    /// UTF-8 bytes of the text of a cue.
    package static let textBytes = 4096
    /// Far beyond any input that is decoded.
    package static let seconds = 1e9
}

extension [SubtitleCue] {
    /// In order of time; a cue that repeats the words of one that it follows or overlaps, as rolling
    /// captions do, is joined to it.
    package func ordered() -> [SubtitleCue] {
        let sorted = enumerated().sorted {
            ($0.element.start, $0.element.end, $0.offset)
                < ($1.element.start, $1.element.end, $1.offset)
        }
        var result: [SubtitleCue] = []
        for (_, cue) in sorted {
            if let last = result.last, cue.start - last.end < 0.1,
                last.text.utf8.elementsEqual(cue.text.utf8)
            {
                result[result.count - 1].end = Swift.max(last.end, cue.end)
            } else {
                result.append(cue)
            }
        }
        return result
    }
}

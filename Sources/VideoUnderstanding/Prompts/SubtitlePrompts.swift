import OrderedJSON
import Video

extension Prompts {
    /// A prompt with what is said in the part of the video that the model sees.
    ///
    /// - Parameter lines: from `line(of:)`, in order of time.
    static func subtitled(_ prompt: String, lines: [String]) -> String {
        """
        Subtitles of this part of the video, with the seconds in which they are shown:
        \(lines.joined(separator: "\n"))

        \(prompt)
        """
    }

    /// A subtitle and its times, in seconds since the start of the video.
    static func line(of cue: SubtitleCue) -> String {
        let (start, end) = (
            JSON.decimal(cue.start, decimals: 1), JSON.decimal(cue.end, decimals: 1)
        )
        return "[\(start.compact) - \(end.compact)] \(cue.text)"
    }
}

import ArgumentParser
import VideoUnderstanding

/// What the model reads of what is said.
struct SubtitleOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Put subtitles into the prompt, cut to what the model watches: a file (SubRip or WebVTT); auto: name.srt, name.vtt or name.en.srt beside the video, or else a text stream inside it; none. They change the result. (default: none)",
            valueName: "file|auto|none"),
        completion: .file(extensions: ["srt", "vtt"]))
    var subtitles: SubtitleChoice?

    @Option(
        help: ArgumentHelp(
            "Most tokens of subtitles in one prompt; never more than a quarter of the context. (default: 1024)",
            valueName: "n"))
    var subtitleTokens: Int?

    func apply(to settings: inout Settings) {
        if let subtitles { settings.subtitles.choice = subtitles }
        if let subtitleTokens { settings.subtitles.maxTokens = subtitleTokens }
    }

    /// Refuses the subtitles of one video for several.
    func check(videos: Int) throws {
        if case .file(let path) = subtitles, videos > 1 {
            throw ValidationError(
                "\(path) cannot be the subtitles of \(videos) videos; --subtitles auto finds those of each."
            )
        }
    }
}

extension SubtitleChoice: ExpressibleByArgument {
    public init?(argument: String) { self.init(typed: argument) }
}

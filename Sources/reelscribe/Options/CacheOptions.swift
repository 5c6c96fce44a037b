import ArgumentParser
import VideoUnderstanding

/// What questions are answered from, and where the work on a video is kept.
struct LookOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "whole: the video as one model input, however thinly; windows: the windows that matter for the question; auto: whole where one model input holds the video at --fps, else windows. (default: auto)",
            valueName: "auto|whole|windows"))
    var look: LookChoice?

    @Option(
        help: ArgumentHelp(
            "Windows that are looked at together. (default: 1)", valueName: "n"))
    var lookWindows: Int?

    @Option(
        help: ArgumentHelp(
            "Windows of a long video that are asked, one by one, whether they show what a question is about, the likeliest first; 0 goes by the notes alone; auto takes 16, and more of a small model. (default: auto)",
            valueName: "n|auto|all"))
    var glances: GlanceChoice?

    @Flag(
        help:
            "Ask a second time, of the evidence alone, whether it bears out the answer; the document says yes or no and how likely."
    )
    var verify = false

    @Option(
        help: ArgumentHelp(
            "Keep what was made of the video in this folder, for the next question about it.",
            valueName: "folder"),
        completion: .directory)
    var cacheDir: String?

    @Option(
        help: ArgumentHelp(
            "What the files in --cache-dir may take together; those that were of use the longest ago go first. (default: 20G)",
            valueName: "size"))
    var cacheQuota: ByteSize?

    /// Puts in what the user said.
    func apply(to settings: inout Settings) {
        if let look { settings.look = look }
        if let lookWindows { settings.lookWindows = lookWindows }
        if let glances { settings.glances = glances }
        if verify { settings.verifiesAnswers = true }
    }

    func validate() throws {
        if cacheQuota != nil, cacheDir == nil {
            throw ValidationError("--cache-quota needs --cache-dir.")
        }
    }

    /// The cache that is asked for.
    func cache() throws(Failure) -> IndexCache? {
        guard let cacheDir else { return nil }
        return try .opening(cacheDir, quota: cacheQuota?.bytes ?? 20 << 30)
    }
}

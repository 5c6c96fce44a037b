import ArgumentParser
import VideoUnderstanding

/// Runs a piece of work on one video after another, and accounts for those that fail.
struct VideoJobs {
    let videos: [String]
    let output: OutputOptions
    /// Failures are documents too; without it they are only told on standard error.
    let writesErrorDocuments: Bool
    let progress: ProgressMeter

    /// - Parameters:
    ///   - isSingle: exactly one document will be written.
    ///   - work: writes the result of one video.
    /// - Throws: `ExitCode`, after every failure was told and written.
    func run(
        isSingle: Bool, _ work: (String, inout DocumentOutput) throws(Failure) -> Void
    ) throws {
        Signals.letWorkEndItself()
        try OutputGuard.check(output: output.output, against: videos)
        // A failure must not take the place of a result that is already there.
        let keepsOld = isSingle && output.hasContent
        var documents = try output.documents(isSingle: isSingle)
        var isWorthWriting = true
        var statuses: [RunStatus] = []
        var modelFailed = false
        for video in videos {
            do throws(Failure) {
                try Signals.interruption.check(stage: .open)
                try work(video, &documents)
                try Signals.interruption.check(stage: .output)
            } catch {
                // A cancelled stage does not know which signal it was.
                let error = Signals.interruption.naming(error)
                progress.finish()
                if error.code == .outputUnwritable, error.stage == .output { throw error }
                if keepsOld {
                    isWorthWriting = false
                } else if writesErrorDocuments {
                    try documents.write(ErrorDocument(uri: video, failure: error))
                }
                progress.message(error.line)
                statuses.append(error.status)
                if error.code == .interrupted { break }
                // What is wrong with the model is wrong for every video.
                if error.stage == .model {
                    modelFailed = true
                    break
                }
            }
        }
        progress.finish()
        if isWorthWriting { try documents.finish() }
        if let stop = statuses.last, stop == .interrupted || stop == .terminated {
            throw ExitCode(stop.rawValue)
        }
        if videos.count == 1 || modelFailed, let status = statuses.last {
            throw ExitCode(status.rawValue)
        }
        let status = RunStatus(failed: statuses.count, of: videos.count)
        if status != .success { throw ExitCode(status.rawValue) }
    }
}

extension Settings {
    /// Settings from options, checked as a whole; contradictions are wrong use.
    static func from(
        _ fill: (inout Settings) -> Void
    ) throws -> Settings {
        var settings = Settings()
        fill(&settings)
        do throws(Failure) {
            try settings.validate()
        } catch {
            throw ValidationError(error.description)
        }
        return settings
    }
}

extension IndexedVideo {
    /// Its settings, and over them what the user asks for.
    func settings(_ fill: (inout Settings) -> Void) throws(Failure) -> Settings {
        var settings = settings
        fill(&settings)
        try settings.validate()
        return settings
    }

    /// The index that an argument names; nil for a video.
    static func opening(_ argument: String) throws(Failure) -> IndexedVideo? {
        isNamed(argument) ? try IndexedVideo(path: argument) : nil
    }
}

/// What all commands say about their VIDEO argument.
let videoHelp = ArgumentHelp(
    "A video or image file, an http(s) URL, a folder of images, or a quoted glob of images.",
    discussion:
        "- reads a video from standard input. A name that begins with a dash goes behind --, as in: reelscribe frames -- -one-.mp4",
    valueName: "video")

/// What commands say that take an index in place of a video.
let videoOrIndexHelp = ArgumentHelp(
    "A video or image file, an http(s) URL, a folder of images, a quoted glob of images, or an index that reelscribe index wrote.",
    discussion: videoHelp.discussion, valueName: "video")

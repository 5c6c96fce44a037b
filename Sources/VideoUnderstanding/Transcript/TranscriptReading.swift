import Qwen2VL
import Text
import Video

/// A transcript while it goes into prompts, window by window.
package struct TranscriptReading {
    /// On the time axis of the documents, within the video.
    private let cues: [SubtitleCue]
    private let budget: Int
    private var found: [WarningRecord]
    /// Cues that belonged into a prompt, and those of them that had no room.
    private var wanted = 0
    private var cut = 0

    /// - Parameter description: of the open video.
    package init(
        _ transcript: Transcript, of description: VideoDescription, options: AnalysisOptions
    ) {
        budget = options.transcriptBudget
        found = transcript.warnings
        let shift = transcript.startTime.map { $0 - description.startTime } ?? 0
        let end = description.duration > 0 ? description.duration : .infinity
        let bounds =
            (options.sampling.start?.value ?? 0)..<(options.sampling.end?.value ?? .infinity)
        var beyond = 0
        var placed: [SubtitleCue] = []
        for var cue in transcript.cues {
            cue.start = max(0, cue.start + shift)
            cue.end = min(cue.end + shift, end)
            guard cue.start < end else {
                beyond += 1
                continue
            }
            if cue.end > cue.start, cue.end > bounds.lowerBound, cue.start < bounds.upperBound {
                placed.append(cue)
            }
        }
        cues = placed
        if beyond > 0 {
            found.append(
                WarningRecord(
                    code: "subtitles.beyond_end",
                    message: "\(beyond) of \(transcript.cues.count) subtitles begin after the end "
                        + "of the video and are left out"))
        }
    }

    /// Nothing is said.
    var isEmpty: Bool { cues.isEmpty }

    package var warnings: [WarningRecord] {
        guard cut > 0 else { return found }
        return found + [
            WarningRecord(
                code: "subtitles.cut",
                message: "\(cut) of \(wanted) subtitles had no room in the prompts, which take "
                    + "\(budget) tokens of them; --subtitle-tokens sets the bound")
        ]
    }

    /// A prompt with what is said from `start` to `end` before it; the prompt itself where nothing
    /// is.
    ///
    /// - Parameter end: nil: to the end of the video.
    package mutating func prompt(
        _ prompt: String, from start: Double, to end: Double?, tokenizer: Tokenizer
    ) -> String {
        prompts([prompt], from: start, to: end, tokenizer: tokenizer)[0]
    }

    /// Prompts that all have the same before them.
    mutating func prompts(
        _ prompts: [String], from start: Double, to end: Double? = nil, tokenizer: Tokenizer
    ) -> [String] {
        let lines = lines(from: start, to: end ?? .infinity, tokenizer)
        return lines.isEmpty ? prompts : prompts.map { Prompts.subtitled($0, lines: lines) }
    }

    /// Lines of the cues that are shown at some time of the stretch, until the budget is used up.
    private mutating func lines(
        from start: Double, to end: Double, _ tokenizer: Tokenizer
    ) -> [String] {
        var lines: [String] = []
        var tokens = 0
        var isFull = false
        for cue in cues where cue.end > start && cue.start < end {
            wanted += 1
            let line = Prompts.line(of: cue)
            if !isFull {
                tokens += tokenizer.encode(line + "\n", special: .asText).count
                isFull = tokens > budget
            }
            if isFull { cut += 1 } else { lines.append(line) }
        }
        return lines
    }
}

extension AnalysisOptions {
    /// Tokens of subtitles in one prompt.
    var transcriptBudget: Int { min(subtitles.maxTokens, contextTokens / 4) }
}

import Isolation
import OrderedJSON
import Video

/// What is said in a video, with its times.
package struct Transcript: Sendable, Equatable {
    /// In order of time.
    package var cues: [SubtitleCue] = []
    /// Nil where nothing was found.
    package var source: TranscriptSource?
    /// Seconds that were subtracted from the times of a stream; nil for a file, whose times are
    /// those of the presentation.
    package var startTime: Double?
    package var warnings: [WarningRecord] = []

    package static let none = Transcript()
}

extension Transcript {
    /// Finds and reads the subtitles that are asked for.
    ///
    /// - Throws: where a file that was named cannot be used; the decoder's errors where the
    ///   container cannot be read.
    package static func reading(
        _ choice: SubtitleChoice, of input: VideoInput, limits: DecodeLimits,
        allowReferences: Bool, decoding: Decoding
    ) throws -> Transcript {
        switch choice {
        case .none: return .none
        case .file(let path): return try Transcript(file: path)
        case .auto: break
        }
        var warnings: [WarningRecord] = []
        for path in besides(input) {
            do throws(Failure) {
                var transcript = try Transcript(file: path)
                transcript.warnings = warnings + transcript.warnings
                return transcript
            } catch {
                warnings.append(
                    WarningRecord(code: "subtitles.unreadable", message: error.message))
            }
        }
        guard isReadTwice(input) else {
            if case .imageFolder = input { return Transcript(warnings: warnings) }
            if input.isStillImage { return Transcript(warnings: warnings) }
            warnings.append(
                WarningRecord(
                    code: "subtitles.not_searched",
                    message: "\(input.uri) is read only once: no subtitles are looked for inside"))
            return Transcript(warnings: warnings)
        }
        let found: EmbeddedSubtitles
        switch decoding {
        case .inProcess:
            found = try EmbeddedSubtitles.read(
                input.probed(), limits: limits, allowReferences: allowReferences)
        case .isolated(let workers):
            do {
                found = try workers.subtitles(
                    of: input, limits: limits, allowReferences: allowReferences)
            } catch {
                try Task.checkCancellation()
                throw error
            }
        }
        var transcript = Transcript(found)
        transcript.warnings = warnings + transcript.warnings
        return transcript
    }

    /// Files beside the input that the user named.
    private static func besides(_ input: VideoInput) -> [String] {
        if case .file(let path) = input { SubtitlesBeside.paths(of: path) } else { [] }
    }

    /// Whether looking for subtitles leaves the input as it was.
    private static func isReadTwice(_ input: VideoInput) -> Bool {
        switch input {
        case .file(let path): SystemFiles.isFile(path)
        case .fetched(_, _, let isImage): !isImage
        default: false
        }
    }

    /// - Throws: `input.not_found`; `input.invalid` where it holds no subtitles.
    init(file path: String) throws(Failure) {
        let bytes = try SystemFiles.read(path, stage: .open, limit: SubtitleLimits.bytes)
        guard let file = SubtitleFile(bytes) else {
            throw Failure(
                .inputInvalid, stage: .open, message: "\(path) holds no subtitles",
                hint: "SubRip (.srt) and WebVTT (.vtt) are understood")
        }
        let digest: String
        do throws(VideoError) {
            digest = try sha256(of: bytes)
        } catch {
            throw Failure(error, stage: .open)
        }
        cues = file.cues
        source = TranscriptSource(
            file: path, format: file.isWebVTT ? "webvtt" : "srt", cues: cues.count,
            sha256: digest)
        if file.isLatin1 {
            warnings.append(
                WarningRecord(
                    code: "subtitles.encoding",
                    message: "\(path) is not UTF-8; it is read as Windows-1252"))
        }
        warnings += Self.damage(file.damaged, in: path)
    }

    private init(_ found: EmbeddedSubtitles) {
        cues = found.cues
        startTime = found.startTime
        source = found.stream.map {
            TranscriptSource(
                stream: $0.index, format: $0.codec, language: $0.language, cues: found.cues.count)
        }
        warnings = found.pictures.map {
            WarningRecord(
                code: "subtitles.pictures",
                message: "\($0.name) holds pictures of words, which are not read")
        }
        if let stream = found.stream { warnings += Self.damage(found.damaged, in: stream.name) }
    }

    private init(warnings: [WarningRecord]) { self.warnings = warnings }

    private static func damage(_ count: Int, in name: String) -> [WarningRecord] {
        guard count > 0 else { return [] }
        return [
            WarningRecord(
                code: "subtitles.damaged",
                message: "\(name): \(count) subtitles cannot be read and are left out")
        ]
    }
}

extension Analyzer {
    /// What is said in an input, as far as it is asked for.
    func transcript(of input: VideoInput, options: AnalysisOptions) throws -> Transcript {
        try Transcript.reading(
            options.subtitles.choice, of: input, limits: options.limits,
            allowReferences: options.allowReferences, decoding: options.decoding)
    }

    /// Tokens of the context that are kept free for what is said.
    func reservedTokens(for transcript: Transcript, options: AnalysisOptions) -> Int {
        guard !transcript.cues.isEmpty else { return 0 }
        let budget = options.transcriptBudget
        var tokens = 0
        for cue in transcript.cues where tokens < budget {
            tokens += tokenizer.encode(Prompts.line(of: cue) + "\n", special: .asText).count
        }
        let frame = tokenizer.encode(Prompts.subtitled("", lines: []), special: .asText).count
        return min(tokens, budget) + frame + 8
    }
}

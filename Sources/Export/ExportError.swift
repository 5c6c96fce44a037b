import VideoUnderstanding

/// Why documents cannot be written in another form.
public enum ExportError: Error, Sendable, Equatable {
    /// The file is no document, or one that breaks its schema.
    case invalidDocument(file: String, line: Int, reason: String)
    case noDocument(file: String)
    /// A kind of document that has nothing to export.
    case wrongKind(file: String, line: Int, kind: String)
    /// No document has what `--id` or `--index` asks for.
    case notFound(file: String, wanted: String, documents: Int)
    /// A form that holds one document (or one video) is asked for with several.
    case severalDocuments(format: ExportFormat, count: Int, choices: [String])
    /// The document says that its job failed.
    case failedJob(place: Int, code: String, message: String)
    case noTimes(format: ExportFormat, kind: String)
    case noDuration(format: ExportFormat)
    case unsupported(format: ExportFormat, kind: String)
    case tooFewChapters(found: Int, segments: Int, duration: Double)
    /// A time that no video has.
    case timeOutOfRange(file: String, line: Int, path: String)
}

extension ExportError {
    /// The error as every command tells it.
    public var failure: Failure {
        switch self {
        case .invalidDocument(let file, let line, let reason):
            Failure(
                .inputInvalid, stage: .validate, message: "\(file):\(line): \(reason)",
                hint: "reelscribe validate lists all faults of a file")
        case .noDocument(let file):
            Failure(
                .inputInvalid, stage: .validate, message: "\(file): there is no document in it",
                hint: "documents come from reelscribe summarize, ask, frames and run")
        case .wrongKind(let file, let line, let kind):
            Failure(
                .inputInvalid, stage: .validate,
                message: "\(file):\(line): a document \(kind) cannot be exported",
                hint: "summaries, answers and frames can")
        case .notFound(let file, let wanted, let documents):
            Failure(
                .optionsInvalid, stage: .options,
                message: "\(file) has no document with \(wanted), among \(documents)",
                hint: "--format csv lists all of them")
        case .severalDocuments(let format, let count, let choices):
            Failure(
                .optionsInvalid, stage: .options,
                message: "\(count) documents could be meant, and \(format.rawValue) holds "
                    + (format == .html ? "those of one video" : "one")
                    + ": " + choices.joined(separator: ", "),
                hint: "choose one with --index or --id, or take csv or markdown for all")
        case .failedJob(let place, let code, let message):
            Failure(
                .inputInvalid, stage: .validate,
                message: "document \(place) says that its job failed: \(code): \(message)",
                hint: "run the job again, or choose another document with --index or --id")
        case .noTimes(let format, let kind):
            Failure(
                .inputInvalid, stage: .output,
                message: "\(format.rawValue) needs times, and the \(kind) has none",
                hint: "ask with --shape intervals or events, or export a summary")
        case .noDuration(let format):
            Failure(
                .inputInvalid, stage: .output,
                message: "\(format.rawValue) needs a stretch of time, and all that the document "
                    + "speaks of lasts less than a millisecond")
        case .unsupported(let format, let kind):
            Failure(
                .optionsInvalid, stage: .options,
                message: "a document of kind \(kind) cannot be written as \(format.rawValue)",
                hint: kind == "frames" ? "frames are written as csv" : nil)
        case .tooFewChapters(let found, let segments, let duration):
            Failure(
                .inputInvalid, stage: .output,
                message: "only \(found) of the 3 chapters that YouTube asks for, each of 10 s or "
                    + "more, can be made of \(segments) segments in \(Int(duration)) s",
                hint: duration < 30
                    ? "the video is too short for chapters"
                    : "summarize with a smaller --window, so that there are more segments")
        case .timeOutOfRange(let file, let line, let path):
            Failure(
                .inputInvalid, stage: .validate,
                message: "\(file):\(line): \(path): no video is that long")
        }
    }
}

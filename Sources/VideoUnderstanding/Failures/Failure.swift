import OrderedJSON

/// The dotted, stable name of a kind of failure, for programs.
///
/// A module may bring codes of its own; the constants here are those with a known exit status.
public struct FailureCode: RawRepresentable, Sendable, Hashable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public static let inputNotFound = FailureCode(rawValue: "input.not_found")
    public static let inputUnsupportedURL = FailureCode(rawValue: "input.unsupported_url")
    public static let inputInvalid = FailureCode(rawValue: "input.invalid")
    public static let decodeNoVideo = FailureCode(rawValue: "decode.no_video")
    public static let decodeDamaged = FailureCode(rawValue: "decode.damaged")
    public static let decodeTimeout = FailureCode(rawValue: "decode.timeout")
    public static let limitPixels = FailureCode(rawValue: "limit.pixels")
    public static let limitDuration = FailureCode(rawValue: "limit.duration")
    public static let limitMemory = FailureCode(rawValue: "limit.memory")
    public static let modelNotFound = FailureCode(rawValue: "model.not_found")
    public static let modelDamaged = FailureCode(rawValue: "model.damaged")
    public static let modelUnsupported = FailureCode(rawValue: "model.unsupported")
    public static let jobInvalid = FailureCode(rawValue: "job.invalid")
    public static let outputUnwritable = FailureCode(rawValue: "output.unwritable")
    public static let optionsInvalid = FailureCode(rawValue: "options.invalid")
    public static let interrupted = FailureCode(rawValue: "interrupted")
    public static let internalError = FailureCode(rawValue: "internal")

    /// The exit status where the failure does not name one itself.
    var defaultStatus: RunStatus {
        switch self {
        case .inputNotFound: .inputMissing
        case .decodeTimeout: .temporary
        case .inputUnsupportedURL, .inputInvalid, .decodeNoVideo, .decodeDamaged, .limitPixels,
            .limitDuration, .jobInvalid:
            .badInput
        case .limitMemory, .modelNotFound, .modelDamaged, .modelUnsupported, .indexMismatch:
            .configuration
        case .outputUnwritable: .outputNotWritten
        case .optionsInvalid: .usage
        case .interrupted: .interrupted
        default: .internalError
        }
    }
}

/// The part of the path that failed.
public enum FailureStage: String, Sendable, CaseIterable {
    case options, open, decode, preprocess, tokenize, model, vision, prefill, generate, output
    case validate, tool
}

/// Why a job or a command could not be done, in the words of the person who must act.
///
/// Every error of a module becomes one of these at the border of the library, once.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    public var code: FailureCode
    public var stage: FailureStage
    /// What happened, with the name of the thing it happened to. One line, no full stop.
    public var message: String
    /// What to do about it.
    public var hint: String?
    /// The same call may succeed later.
    public var retryable: Bool
    public var status: RunStatus

    /// - Parameter status: the code's own where nil.
    public init(
        _ code: FailureCode, stage: FailureStage, message: String, hint: String? = nil,
        retryable: Bool? = nil, status: RunStatus? = nil
    ) {
        let status = status ?? code.defaultStatus
        self.code = code
        self.stage = stage
        self.message = Self.oneLine(message)
        self.hint = hint.map(Self.oneLine)
        self.retryable = retryable ?? (status == .temporary || code == .interrupted)
        self.status = status
    }

    /// What a person reads: message and hint.
    public var description: String { message + (hint.map { " (hint: \($0))" } ?? "") }

    /// The line for standard error.
    public var line: String { "reelscribe: error: \(description)" }

    /// `error` as a failure: itself where it is one, else a bug of ours, as every other kind is
    /// translated where it enters.
    public init(_ error: any Error, stage: FailureStage) {
        switch error {
        case let failure as Failure: self = failure
        case is CancellationError:
            self = Failure(.interrupted, stage: stage, message: "interrupted")
        case let known as any ModuleFailure: self = known.failure(stage)
        default:
            self = Failure(
                .internalError, stage: stage, message: "unexpected: \(error)",
                hint: "this is a bug in reelscribe; please report it with this message")
        }
    }

    /// A text from a file cannot break the line or steer the terminal.
    private static func oneLine(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .lineSeparator, .paragraphSeparator: line += " "
            case .control: line += scalar == "\n" || scalar == "\t" ? " " : "\u{FFFD}"
            default: line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}

import VideoUnderstanding

/// What is wrong with a dataset.
public enum DatasetError: Error, Sendable, Equatable {
    /// Nothing is in it.
    case empty(path: String)
    /// Lines that cannot be used, in order.
    case unusable(path: String, faults: [LineFault])
}

/// What is wrong with one line.
public struct LineFault: Error, Sendable, Equatable {
    public enum Reason: Sendable, Equatable {
        case notJSON(String)
        case notUTF8
        case notAnObject
        /// None of these fields is there.
        case missing([String])
        case invalid(field: String, expected: String)
        /// No field has this name, and one has nearly this.
        case misspelt(field: String, meant: String)
        /// The right answer is none of the choices.
        case answerIsNoChoice(String)
    }

    public var line: Int
    public var reason: Reason

    public init(line: Int, reason: Reason) {
        self.line = line
        self.reason = reason
    }
}

extension LineFault.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notJSON(let reason): "not valid JSON: \(reason)"
        case .notUTF8: "not UTF-8"
        case .notAnObject: "not a JSON object"
        case .missing(let fields):
            fields.count == 1
                ? "\"\(fields[0])\" is missing"
                : "one of \(fields.map { "\"\($0)\"" }.joined(separator: ", ")) is missing"
        case .invalid(let field, let expected): "\"\(field)\" must be \(expected)"
        case .misspelt(let field, let meant):
            "there is no field \"\(field)\": did you mean \"\(meant)\"?"
        case .answerIsNoChoice(let answer): "the answer \"\(answer)\" is none of the choices"
        }
    }
}

extension Failure {
    /// A dataset is refused before the model is loaded, with the first of its faults.
    init(_ error: DatasetError) {
        switch error {
        case .empty(let path):
            self.init(.jobInvalid, stage: .options, message: "\(path): the dataset is empty")
        case .unusable(let path, let faults):
            let shown = faults.prefix(5).map { "line \($0.line): \($0.reason)" }
            let rest = faults.count > 5 ? ["and \(faults.count - 5) more"] : []
            self.init(
                .jobInvalid, stage: .options,
                message: "\(path): " + (shown + rest).joined(separator: "; "),
                hint: "see the fields that are understood in `reelscribe eval --help`")
        }
    }
}

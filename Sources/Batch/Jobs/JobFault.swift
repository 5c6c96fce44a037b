import OrderedJSON
import VideoUnderstanding

/// Why a line of a manifest is no job.
public enum JobFault: Error, Sendable, Equatable, CustomStringConvertible {
    case tooLong(bytes: Int, limit: Int)
    case notJSON(JSONSyntaxError)
    case notAnObject
    case repeated(member: String)
    case unknown(member: String)
    case missing(member: String)
    case wrong(member: String, expected: String, found: String)
    case questionsWithoutAsk
    case unknownOption(String, meant: String?)
    /// The option is one of the whole run.
    case optionOfRun(String)
    case optionOfOtherTask(String, task: JobTaskName)
    case wrongOption(String, expected: String, found: String)
    /// Options that contradict each other.
    case settings(String)
    case usedTwice(id: String, first: String)

    public var description: String {
        switch self {
        case .tooLong(let bytes, let limit): "\(bytes) bytes, more than \(limit)"
        case .notJSON(let error): "not valid JSON: \(error.reason) at byte \(error.offset)"
        case .notAnObject: "not a JSON object"
        case .repeated(let member): "'\(member)' stands twice"
        case .unknown(let member): "there is no member '\(member)'"
        case .missing(let member): "'\(member)' is missing"
        case .wrong(let member, let expected, let found):
            "'\(member)' must be \(expected), not \(found)"
        case .questionsWithoutAsk: "'questions' belongs to the task ask"
        case .unknownOption(let name, let meant):
            "there is no option '\(name)'" + (meant.map { ": did you mean '\($0)'?" } ?? "")
        case .optionOfRun(let name): "the option '\(name)' is not a job's, but the whole run's"
        case .optionOfOtherTask(let name, let task):
            "the option '\(name)' means nothing to the task \(task.rawValue)"
        case .wrongOption(let name, let expected, let found):
            "the option '\(name)' must be \(expected), not \(found)"
        case .settings(let message): message
        case .usedTwice(let id, let first):
            "the id \(JSON.string(id).compact) was used before, by \(first)"
        }
    }

    private var hint: String {
        switch self {
        case .usedTwice:
            "give each job an id of its own, or none; the result under this id is that of the first"
        case .optionOfRun: "give it on the command line"
        case .unknownOption, .optionOfOtherTask:
            "options have the names of the command line without dashes, such as \"max-new-tokens\""
        case .wrongOption, .settings: "see reelscribe summarize --help for what options mean"
        case .tooLong, .notJSON, .notAnObject, .repeated, .unknown, .missing, .wrong,
            .questionsWithoutAsk:
            Self.shape
        }
    }

    /// What a job looks like.
    static let shape =
        #"a job is {"id"?, "video", "task": "summarize"|"ask", "questions"?, "options"?, "meta"?}"#

    /// What is wrong, without a place in the manifest: other lines can come and go.
    var lasting: String {
        if case .usedTwice(let id, _) = self { return "used twice: \(id)" }
        return description
    }

    /// - Parameter place: where the job stands: `line 3`, …
    public func failure(at place: String) -> Failure {
        Failure(.jobInvalid, stage: .options, message: "\(place): \(description)", hint: hint)
    }

    /// A value as a message shows it: not more of it than a person reads.
    static func excerpt(_ value: JSON) -> String {
        let text: String
        switch value {
        case .object(let object): text = object.members.isEmpty ? "an empty object" : "an object"
        case .array(let elements): text = elements.isEmpty ? "an empty list" : "a list"
        default: text = value.compact
        }
        return text.unicodeScalars.count <= 60 ? text : String(text.prefix(57)) + "..."
    }
}

import OrderedJSON

/// What the tool writes: one JSON object whose keys have a promised order.
///
/// Source: contract section 3.
public protocol Document: Sendable {
    static var kind: DocumentKind { get }
    var json: JSON { get }
}

/// The kinds of documents, each with a JSON Schema that ships inside the tool.
public enum DocumentKind: String, Sendable, CaseIterable {
    case summary, answer, error, frames, plan
    case modelInfo = "model-info"
    case bench, doctor, validation, evaluation
    case evaluationResult = "evaluation-result"
    case job, run, index

    /// The major version: grows only when a field changes its meaning.
    public var major: Int { 1 }

    /// The value of a document's `schema` member.
    public var identifier: String { "reelscribe/\(rawValue)@\(major)" }

    /// The kind that `text` names: `summary`, `summary@1` or `reelscribe/summary@1`.
    public init?(naming text: String) {
        let name = text.hasPrefix("reelscribe/") ? String(text.dropFirst(11)) : text
        for kind in Self.allCases
        where [kind.rawValue, "\(kind.rawValue)@\(kind.major)"].contains(name) {
            self = kind
            return
        }
        return nil
    }
}

/// What ties a document to the job it answers.
public struct JobReference: Sendable, Equatable {
    public var id: String?
    /// Carried from the job, untouched.
    public var meta: JSON?
    /// Which question of the job a document answers, from 0.
    public var questionIndex: Int?

    public init(id: String? = nil, meta: JSON? = nil, questionIndex: Int? = nil) {
        self.id = id
        self.meta = meta
        self.questionIndex = questionIndex
    }

    public static let none = JobReference()
}

extension ObjectBuilder {
    /// The head that all documents share.
    package init(_ kind: DocumentKind, job: JobReference = .none) {
        add("schema", kind.identifier)
        add("id", ifPresent: job.id.map(JSON.string))
        add("question_index", ifPresent: job.questionIndex.map(JSON.int))
        add("meta", ifPresent: job.meta)
    }
}

/// The program that wrote a document.
public struct ToolRecord: Sendable, Equatable {
    public var name: String
    public var version: String

    public init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    /// This program.
    public static let current = ToolRecord(name: "reelscribe", version: "0.1.0")

    package var json: JSON { ["name": .string(name), "version": .string(version)] }
}

/// Something a reader of the result should know that did not stop the work.
public struct WarningRecord: Sendable, Hashable {
    /// Dotted and stable, like the code of a failure.
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    package var json: JSON { ["code": .string(code), "message": .string(message)] }
}

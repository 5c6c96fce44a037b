import Constraint
import OrderedJSON

/// What answers look like where they are not free text.
public enum AnswerShape: Sendable, Equatable {
    /// A value that conforms to this JSON Schema.
    case schema(JSON)
    /// One of these labels.
    case choices([String])

    /// Labels of one list.
    public static let mostLabels = 1000
    /// Bytes of a label.
    public static let longestLabel = 1000

    public static func builtIn(_ shape: BuiltInShape) -> AnswerShape { .schema(shape.schema) }

    /// Reads a JSON Schema from a file.
    ///
    /// - Throws: `job.invalid` where it is none, or asks for what cannot be guaranteed.
    public init(schemaFile path: String) throws(Failure) {
        let bytes = try SystemFiles.read(path, stage: .options)
        guard bytes.count <= Grammar.largestSchema else {
            throw Failure(
                .jobInvalid, stage: .options,
                message: "\(path): a schema of more than \(Grammar.largestSchema) bytes")
        }
        do throws(JSONSyntaxError) {
            self = .schema(try JSON.parse(bytes, maximumDepth: 100))
        } catch {
            throw Failure(.jobInvalid, stage: .options, message: "\(path): \(error)")
        }
        try validate()
    }

    /// Reads labels as they are typed: one text, with commas between labels (`\,` is a comma inside
    /// one, `\\` a backslash), or several texts, each of them one label.
    public static func choices(typed: [String]) -> AnswerShape {
        guard typed.count == 1 else { return .choices(typed) }
        var labels = [""]
        var isEscaped = false
        for scalar in typed[0].unicodeScalars {
            if isEscaped {
                if scalar != ",", scalar != "\\" { labels[labels.count - 1] += "\\" }
                labels[labels.count - 1].unicodeScalars.append(scalar)
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else if scalar == "," {
                labels.append("")
            } else {
                labels[labels.count - 1].unicodeScalars.append(scalar)
            }
        }
        if isEscaped { labels[labels.count - 1] += "\\" }
        return .choices(labels.map(trimmed))
    }

    private static func trimmed(_ label: String) -> String {
        var scalars = Substring(label).unicodeScalars
        while scalars.first?.properties.isWhitespace ?? false { scalars.removeFirst() }
        while scalars.last?.properties.isWhitespace ?? false { scalars.removeLast() }
        return String(Substring(scalars))
    }

    /// - Throws: `job.invalid`, with what is wrong.
    public func validate() throws(Failure) {
        switch self {
        case .schema(let schema):
            do throws(ConstraintError) {
                _ = try Grammar(schema: schema)
            } catch {
                throw Failure(error, stage: .options)
            }
        case .choices(let labels):
            func invalid(_ message: String) -> Failure {
                Failure(
                    .jobInvalid, stage: .options, message: message,
                    hint: "choices are given as 'A,B,C', or one by one")
            }
            guard (2...Self.mostLabels).contains(labels.count) else {
                throw invalid("\(labels.count) choices; there must be 2 to \(Self.mostLabels)")
            }
            var seen: Set<[UInt8]> = []
            for label in labels {
                guard !label.isEmpty else { throw invalid("a choice is empty") }
                guard label.utf8.count <= Self.longestLabel else {
                    throw invalid("a choice has more than \(Self.longestLabel) bytes")
                }
                guard seen.insert(Array(label.utf8)).inserted else {
                    throw invalid("the choice \(JSON.string(label).compact) stands twice")
                }
            }
        }
    }
}

/// Shapes that have a name of their own.
public enum BuiltInShape: String, Sendable, CaseIterable {
    case intervals, events
    case yesNo = "yes-no"

    /// The schema that the name stands for.
    public var schema: JSON {
        switch self {
        case .intervals: Self.list(of: [:])
        case .events: Self.list(of: ["description": Self.description])
        case .yesNo:
            [
                "type": "object", "properties": ["answer": ["type": "boolean"]],
                "required": ["answer"], "additionalProperties": false,
            ]
        }
    }

    private static let description: JSON = ["type": "string", "minLength": 1, "maxLength": 300]

    /// Stretches of the video in order, with what else is said of each.
    private static func list(of members: JSONObject) -> JSON {
        let time: JSON = [
            "type": "number", "format": "video-time",
            "description": "seconds since the start of the video",
        ]
        let properties: JSONObject = ["start": time, "end": time]
        let all = JSONObject(properties.members + members.members)
        return [
            "type": "array", "x-ordered": true,
            "items": [
                "type": "object", "properties": .object(all),
                "required": .array(all.members.map { .string($0.key) }),
                "additionalProperties": false,
            ],
        ]
    }
}

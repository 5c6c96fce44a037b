import OrderedJSON

/// A library the tool stands on.
public struct LibraryRecord: Sendable, Equatable {
    public var name: String
    public var version: String

    public init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    var json: JSON { ["name": .string(name), "version": .string(version)] }
}

/// How a thing that the tool needs was found.
public struct CheckRecord: Sendable, Equatable {
    /// The gravest last.
    public enum Status: String, Sendable, Comparable, CaseIterable {
        case ok, warning, error

        public static func < (first: Status, second: Status) -> Bool {
            first.gravity < second.gravity
        }

        private var gravity: Int {
            switch self {
            case .ok: 0
            case .warning: 1
            case .error: 2
            }
        }
    }

    public var name: String
    public var status: Status
    public var found: String
    /// What to do; nil where all is well.
    public var hint: String?

    public init(name: String, status: Status, found: String, hint: String? = nil) {
        self.name = name
        self.status = status
        self.found = found
        self.hint = hint
    }

    var json: JSON {
        var members = ObjectBuilder()
        members.add("name", name)
        members.add("status", status.rawValue)
        members.add("found", found)
        members.add("hint", ifPresent: hint.map(JSON.string))
        return members.json
    }
}

/// `reelscribe/doctor@1`: whether this machine has what the tool needs.
public struct DoctorDocument: Document, Equatable {
    public static let kind = DocumentKind.doctor

    public var checks: [CheckRecord]
    public var libraries: [LibraryRecord]

    public init(checks: [CheckRecord], libraries: [LibraryRecord]) {
        self.checks = checks
        self.libraries = libraries
    }

    /// The gravest of the checks.
    public var status: CheckRecord.Status { checks.map(\.status).max() ?? .ok }

    public var json: JSON {
        var members = ObjectBuilder(Self.kind)
        members.add("status", status.rawValue)
        members.add("checks", .array(checks.map(\.json)))
        members.add("libraries", .array(libraries.map(\.json)))
        members.add("tool", ToolRecord.current.json)
        return members.json
    }

    /// The report for a person: a check a line, with what to do below it.
    public var text: String {
        let width = checks.map(\.name.count).max() ?? 0
        var lines: [String] = []
        for check in checks {
            let padding = String(repeating: " ", count: width - check.name.count)
            let mark =
                switch check.status {
                case .ok: "ok     "
                case .warning: "warning"
                case .error: "missing"
                }
            lines.append("\(mark)  \(check.name)\(padding)  \(check.found)")
            if let hint = check.hint {
                lines.append(String(repeating: " ", count: width + 11) + "→ \(hint)")
            }
        }
        return lines.joined(separator: "\n")
    }
}

import OrderedJSON
import Yams

/// Something wrong with a job file, and where.
public struct JobFileFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// From 1.
    public let line: Int
    public let message: String

    public init(line: Int, message: String) {
        self.line = line
        self.message = message
    }

    public var description: String { "\(line): \(message)" }
}

/// A YAML text as a JSON value that knows on which line each part stands.
///
/// Plain scalars mean what they mean in JSON (numbers, true, false, null), and are text otherwise:
/// the older rules of YAML, by which `no` is false and `1:30` is 90, surprise people.
struct LocatedYAML {
    private(set) var value: JSON = .null
    /// By JSON pointer.
    private var lines: [String: Int] = ["": 1]
    private var nodes = 0

    private static let mostNodes = 100_000
    private static let deepest = 32

    /// - Parameter substitute: gives the text of a scalar with its variables filled in. It sees the
    ///   path of the scalar and its text, after the file was taken apart: a value cannot change the
    ///   structure around it.
    init(
        _ text: String, substitute: (_ path: String, String) throws(VariableFault) -> String
    ) throws(JobFileFault) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw Self.fault(error)
        }
        guard let root else { throw JobFileFault(line: 1, message: "the file is empty") }
        value = try read(root, path: "", depth: 0, substitute)
    }

    /// The line of the nearest part around `path` that is known.
    func line(of path: String) -> Int {
        var path = path
        while true {
            if let line = lines[path] { return line }
            guard let slash = path.lastIndex(of: "/") else { return 1 }
            path = String(path[..<slash])
        }
    }

    static func appending(_ key: String, to path: String) -> String {
        path + "/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
    }

    private mutating func read(
        _ node: Node, path: String, depth: Int,
        _ substitute: (String, String) throws(VariableFault) -> String
    ) throws(JobFileFault) -> JSON {
        let line = node.mark?.line ?? line(of: path)
        if lines[path] == nil { lines[path] = line }
        nodes += 1
        // Aliases can unfold into far more than was written.
        guard nodes <= Self.mostNodes, depth <= Self.deepest else {
            throw JobFileFault(line: line, message: "the file is too large or too deep")
        }
        switch node {
        case .scalar(let scalar):
            do throws(VariableFault) {
                let text = try substitute(path, scalar.string)
                let isPlain = scalar.style == .plain || scalar.style == .any
                return isPlain ? Self.plain(text) : .string(text)
            } catch {
                throw JobFileFault(line: line, message: error.description)
            }
        case .sequence(let sequence):
            var elements: [JSON] = []
            for (index, element) in sequence.enumerated() {
                elements.append(
                    try read(element, path: "\(path)/\(index)", depth: depth + 1, substitute))
            }
            return .array(elements)
        case .mapping(let mapping):
            var members: [JSONObject.Member] = []
            for (key, value) in mapping {
                guard let name = key.scalar?.string else {
                    throw JobFileFault(
                        line: key.mark?.line ?? line, message: "a name must be plain text")
                }
                let place = Self.appending(name, to: path)
                lines[place] = key.mark?.line ?? line
                members.append(
                    JSONObject.Member(
                        key: name,
                        value: try read(value, path: place, depth: depth + 1, substitute)))
            }
            return .object(JSONObject(members))
        case .alias:
            throw JobFileFault(line: line, message: "an alias without its anchor")
        }
    }

    static func plain(_ text: String) -> JSON {
        if ["", "~", "null", "Null", "NULL"].contains(text) { return .null }
        if ["True", "TRUE"].contains(text) { return true }
        if ["False", "FALSE"].contains(text) { return false }
        if let value = try? JSON.parse(text) {
            switch value {
            case .number, .bool: return value
            default: break
            }
        }
        return .string(text)
    }

    private static func fault(_ error: any Error) -> JobFileFault {
        guard let error = error as? YamlError else {
            return JobFileFault(line: 1, message: "not valid YAML: \(error)")
        }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return JobFileFault(line: mark.line, message: "not valid YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "\($0)" }.sorted().joined(separator: ", ")
            return JobFileFault(line: context.mark.line, message: "\(names) stands twice")
        case .reader(let problem, _, _, _):
            return JobFileFault(line: 1, message: "not valid YAML: \(problem)")
        default:
            return JobFileFault(line: 1, message: "not valid YAML: \(error)")
        }
    }
}

import OrderedJSON

/// Why a `${NAME}` has no value.
enum VariableFault: Error, Equatable, CustomStringConvertible {
    case unknown(String, known: [String])
    case withoutValue(String)
    case unfinished

    var description: String {
        switch self {
        case .unknown(let name, let known):
            "there is no variable '\(name)'"
                + (known.isEmpty ? "" : "; there are: \(known.joined(separator: ", "))")
        case .withoutValue(let name):
            "the variable '\(name)' has no value: give --set \(name)=VALUE"
        case .unfinished: "'${' without its '}' (write $${ for a literal ${)"
        }
    }
}

/// Why a text gives no variable a value.
public enum VariableValueFault: Error, Sendable, Equatable, CustomStringConvertible {
    case noValue(of: String)
    case noName

    public var description: String {
        switch self {
        case .noValue(let name): "write NAME=VALUE, as in --set \(name)=VALUE"
        case .noName: "write NAME=VALUE, with a name before the ="
        }
    }
}

/// A variable's value from the command line: `NAME=VALUE`.
public struct VariableValue: Sendable, Equatable {
    public let name: String
    public let value: String

    public init(parsing text: String) throws(VariableValueFault) {
        guard let equals = text.firstIndex(of: "=") else {
            throw text.isEmpty ? .noName : .noValue(of: text)
        }
        guard equals > text.startIndex else { throw .noName }
        name = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }
}

/// The variables of a job file with the values that count.
struct Variables {
    /// Nil where a value must be given and was not.
    private var values: [(name: String, value: String?)] = []
    /// Stands for the values that were not given; nil: they are a fault.
    private let standIn: String?

    /// - Parameters:
    ///   - declared: the member `variables` of the file.
    ///   - given: values from the command line, which go over the defaults.
    ///   - standIn: the value of those that have none; nil: they must not be used.
    /// - Throws: where a value is given for what the file does not declare.
    init(
        declared: JSON?, given: [VariableValue], standIn: String? = nil
    ) throws(VariableFault) {
        self.standIn = standIn
        for member in declared?.object?.members ?? [] {
            let text =
                member.value.isNull ? nil : member.value.string ?? member.value.compact
            values.append((member.key, text))
        }
        for value in given {
            guard let index = values.firstIndex(where: { $0.name == value.name }) else {
                throw .unknown(value.name, known: values.map(\.name))
            }
            values[index].value = value.value
        }
    }

    /// `text` with each `${NAME}` replaced by its value, and `$${` by `${`.
    ///
    /// - Parameters:
    ///   - unknown: goes over what stands for values that were not given.
    ///   - writing: how a value is written where the text is not plain.
    func filled(
        _ text: String, unknown: String? = nil, writing: (String) -> String = { $0 }
    ) throws(VariableFault) -> String {
        var result = ""
        var rest = Substring(text)
        while let mark = rest.firstRange(of: "${") {
            let before = rest[..<mark.lowerBound]
            if before.hasSuffix("$") {
                result += before.dropLast() + "${"
                rest = rest[mark.upperBound...]
                continue
            }
            result += before
            guard let end = rest[mark.upperBound...].firstIndex(of: "}") else {
                throw .unfinished
            }
            let name = String(rest[mark.upperBound..<end])
            result += writing(try value(of: name, unknown: unknown))
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private func value(of name: String, unknown: String?) throws(VariableFault) -> String {
        guard let variable = values.first(where: { $0.name == name }) else {
            throw .unknown(name, known: values.map(\.name))
        }
        if let value = variable.value { return value }
        guard let standIn else { throw .withoutValue(name) }
        return unknown ?? standIn
    }
}

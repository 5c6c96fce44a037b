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

/// A variable's value from the command line: `NAME=VALUE`.
public struct VariableValue: Sendable, Equatable {
    public let name: String
    public let value: String

    /// Nil where there is no name before an equals sign.
    public init?(parsing text: String) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { return nil }
        name = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }
}

/// The variables of a job file with the values that count.
struct Variables {
    /// Nil where a value must be given and was not.
    private var values: [(name: String, value: String?)] = []

    /// - Parameters:
    ///   - declared: the member `variables` of the file.
    ///   - given: values from the command line, which go over the defaults.
    ///   - standIn: the value of those that have none; nil: they must not be used.
    /// - Throws: where a value is given for what the file does not declare.
    init(
        declared: JSON?, given: [VariableValue], standIn: String? = nil
    ) throws(VariableFault) {
        for member in declared?.object?.members ?? [] {
            let text =
                member.value.isNull ? standIn : member.value.string ?? member.value.compact
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
    /// - Parameter writing: how a value is written where the text is not plain.
    func filled(
        _ text: String, writing: (String) -> String = { $0 }
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
            result += writing(try value(of: String(rest[mark.upperBound..<end])))
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private func value(of name: String) throws(VariableFault) -> String {
        guard let variable = values.first(where: { $0.name == name }) else {
            throw .unknown(name, known: values.map(\.name))
        }
        guard let value = variable.value else { throw .withoutValue(name) }
        return value
    }
}

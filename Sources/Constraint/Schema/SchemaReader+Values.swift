import OrderedJSON

/// Values that stand in the schema themselves.
extension SchemaReader {
    mutating func enumeration(
        _ schema: JSONObject, _ path: String
    ) throws(ConstraintError) -> NodeID {
        let values = try values(of: schema, path)
        guard !values.isEmpty else {
            throw .unsatisfiable(at: path, why: "none of its values fits its other keywords")
        }
        return builder.oneOf(values.map { Array($0.spaced.utf8) })
    }

    /// The values of `enum` and `const` that satisfy all else that the schema asks for.
    func values(of schema: JSONObject, _ path: String) throws(ConstraintError) -> [JSON] {
        var values = schema["const"].map { [$0] }
        if let list = schema["enum"] {
            let path = JSONPointer.appending("enum", to: path)
            guard let list = list.array, !list.isEmpty else {
                throw .invalid(at: path, expected: "a list of values")
            }
            values = values?.filter { value in list.contains { $0.isSame(as: value) } } ?? list
        }
        var kept: [JSON] = []
        for value in values ?? [] where try accepts(value, schema, path) { kept.append(value) }
        return kept
    }

    private func accepts(
        _ value: JSON, _ schema: JSONObject, _ path: String
    ) throws(ConstraintError) -> Bool {
        for member in schema.members where member.key != "enum" && member.key != "const" {
            let names = member.value.string.map { [$0] } ?? member.value.array?.compactMap(\.string)
            switch (member.key, value) {
            case ("type", _):
                guard (names ?? []).contains(where: { Self.isType($0, of: value) }) else {
                    return false
                }
            case ("minLength", .string(let text)):
                if text.unicodeScalars.count < member.value.int ?? 0 { return false }
            case ("maxLength", .string(let text)):
                if text.unicodeScalars.count > member.value.int ?? 0 { return false }
            case ("minimum", .number(let number)):
                if number.double < member.value.double ?? 0 { return false }
            case ("maximum", .number(let number)):
                if number.double > member.value.double ?? 0 { return false }
            case ("exclusiveMinimum", .number(let number)):
                if number.double <= member.value.double ?? 0 { return false }
            case ("exclusiveMaximum", .number(let number)):
                if number.double >= member.value.double ?? 0 { return false }
            default:
                // A keyword of another type than the value's says nothing about it.
                let group = Keywords.ofTypes.first { $0.keywords.contains(member.key) }
                guard let group, !Self.isType(group.type, of: value) else {
                    throw .unsupported(
                        at: JSONPointer.appending(member.key, to: path),
                        what: "the keyword \(JSON.string(member.key).compact) beside a list of "
                            + "values is not supported: leave out the values that it forbids")
                }
            }
        }
        return true
    }

    private static func isType(_ type: String, of value: JSON) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string),
            ("array", .array), ("object", .object):
            true
        case ("integer", .number(let number)): number.isWhole
        default: false
        }
    }
}

extension JSON {
    /// The value in the style that is written: one line, a space behind `:` and `,`.
    var spaced: String {
        switch self {
        case .array(let elements): "[" + elements.map(\.spaced).joined(separator: ", ") + "]"
        case .object(let object):
            "{"
                + object.members.map { "\(JSON.string($0.key).compact): \($0.value.spaced)" }
                .joined(separator: ", ") + "}"
        default: compact
        }
    }
}

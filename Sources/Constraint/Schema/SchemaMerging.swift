import OrderedJSON

/// Two sets of assertions as one that asks for both.
struct SchemaMerging {
    let path: String

    /// - Parameters: assertions, without notes.
    /// - Throws: where the two cannot be put together.
    func merged(
        _ first: JSONObject, _ second: JSONObject
    ) throws(ConstraintError) -> JSONObject {
        try checkClosed(first, second)
        try checkClosed(second, first)
        if first["prefixItems"] != second["prefixItems"],
            first["items"] != nil || second["items"] != nil
        {
            throw .unsupported(
                at: path, what: "\"items\" beside \"prefixItems\" of another part")
        }
        var result = first
        for member in second.members {
            guard let other = result[member.key] else {
                result.members.append(member)
                continue
            }
            result[member.key] = try merged(member.key, other, member.value)
        }
        return result
    }

    /// An object that allows no more members than its own says something about the other's.
    private func checkClosed(
        _ closed: JSONObject, _ other: JSONObject
    ) throws(ConstraintError) {
        guard closed["additionalProperties"] != nil else { return }
        let own = closed["properties"]?.object ?? JSONObject()
        let others = (other["properties"]?.object?.members ?? []).map(\.key)
        guard others.allSatisfy({ own[$0] != nil }) else {
            throw .unsupported(
                at: path,
                what: "\"additionalProperties\" beside properties that another part declares")
        }
    }

    private func merged(
        _ keyword: String, _ first: JSON, _ second: JSON
    ) throws(ConstraintError) -> JSON {
        if first.isSame(as: second) { return first }
        switch keyword {
        case "type": return .array(types(first, second))
        case "required":
            let names = first.array ?? []
            let new = (second.array ?? []).filter { name in
                !names.contains { $0.isSame(as: name) }
            }
            return .array(names + new)
        case "properties":
            guard var properties = first.object, let others = second.object else { break }
            for member in others.members {
                if let known = properties[member.key] {
                    properties[member.key] = ["allOf": .array([known, member.value])]
                } else {
                    properties.members.append(member)
                }
            }
            return .object(properties)
        case "enum":
            guard let values = first.array, let others = second.array else { break }
            guard values.count * others.count <= 10_000_000 else {
                throw .tooLarge(at: path, what: "two long lists of values that must both hold")
            }
            return .array(values.filter { value in others.contains { $0.isSame(as: value) } })
        case "minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum":
            guard case .number(let low) = first, case .number(let high) = second else { break }
            return low.order(against: high) == .less ? second : first
        case "maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum":
            guard case .number(let low) = first, case .number(let high) = second else { break }
            return low.order(against: high) == .less ? first : second
        case "items", "additionalProperties":
            return ["allOf": .array([first, second])]
        case "uniqueItems", "x-ordered": return true
        case "const":
            throw .unsatisfiable(at: path, why: "\"const\" asks for two different values")
        default: break
        }
        throw .unsupported(
            at: path, what: "two different \(JSON.string(keyword).compact) for one value")
    }

    private func types(_ first: JSON, _ second: JSON) -> [JSON] {
        let (names, others) = (Self.types(first), Self.types(second))
        var both = names.filter { others.contains($0) }
        for (some, more) in [(names, others), (others, names)]
        where some.contains("integer") && more.contains("number") && !both.contains("integer") {
            both.append("integer")
        }
        return both.map(JSON.string)
    }

    private static func types(_ value: JSON) -> [String] {
        value.string.map { [$0] } ?? value.array?.compactMap(\.string) ?? []
    }
}

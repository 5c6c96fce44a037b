import OrderedJSON

/// Whether two schemas have no value in common, as far as can be told by simple means.
///
/// `oneOf` asks for values that exactly one schema accepts; what is written to fit one of them is
/// valid only if no other accepts it too.
struct SchemaDisjointness {
    let document: JSON
    /// References and properties followed.
    private static let maximumDepth = 16

    func isKnown(_ first: JSON, _ second: JSON, depth: Int = 0) -> Bool {
        guard depth < Self.maximumDepth, let first = resolved(first), let second = resolved(second)
        else { return false }
        if let types = types(of: first), let others = types.isEmpty ? nil : self.types(of: second),
            types.isDisjoint(with: others)
        {
            return true
        }
        if let values = values(of: first), let others = self.values(of: second) {
            // Too many to compare: not known.
            guard values.count * others.count <= 100_000 else { return false }
            return !values.contains { value in others.contains { $0.isSame(as: value) } }
        }
        for (some, more) in [(first, second), (second, first)] {
            if let values = values(of: some), let types = types(of: more),
                values.allSatisfy({ types.isDisjoint(with: Self.types(of: $0)) })
            {
                return true
            }
        }
        guard first["type"]?.string == "object", second["type"]?.string == "object" else {
            return false
        }
        let (required, others) = (names(first), names(second))
        let isMissing = { (closed: JSONObject, names: [String]) in
            closed["additionalProperties"]?.bool == false
                && names.contains { closed["properties"]?[$0] == nil }
        }
        if isMissing(first, others) || isMissing(second, required) { return true }
        return required.contains { name in
            guard others.contains(name), let one = first["properties"]?[name],
                let other = second["properties"]?[name]
            else { return false }
            return isKnown(one, other, depth: depth + 1)
        }
    }

    private func resolved(_ schema: JSON) -> JSONObject? {
        var schema = schema
        for _ in 0..<Self.maximumDepth {
            guard let object = schema.object else { return nil }
            guard let target = object["$ref"]?.string, target.hasPrefix("#"),
                let next = JSONPointer.value(at: String(target.dropFirst()), in: document)
            else { return object }
            schema = next
        }
        return nil
    }

    private func names(_ schema: JSONObject) -> [String] {
        schema["required"]?.array?.compactMap(\.string) ?? []
    }

    private func values(of schema: JSONObject) -> [JSON]? {
        schema["const"].map { [$0] } ?? schema["enum"]?.array
    }

    /// Integers are numbers too.
    private func types(of schema: JSONObject) -> Set<String>? {
        guard let type = schema["type"] else { return nil }
        var names = Set(type.string.map { [$0] } ?? type.array?.compactMap(\.string) ?? [])
        if names.contains("number") { names.insert("integer") }
        return names
    }

    private static func types(of value: JSON) -> Set<String> {
        switch value {
        case .null: ["null"]
        case .bool: ["boolean"]
        case .number(let number): number.isWhole ? ["integer", "number"] : ["number"]
        case .string: ["string"]
        case .array: ["array"]
        case .object: ["object"]
        }
    }
}

import OrderedJSON

/// Objects and arrays.
extension SchemaReader {
    /// Items or members that a value may have to have.
    private static let mostLeast = 10_000

    // MARK: - Objects

    mutating func object(
        _ schema: JSONObject, _ path: String, depth: Int
    ) throws(ConstraintError) -> NodeID {
        let required = try names(schema["required"], JSONPointer.appending("required", to: path))
        let others = schema["additionalProperties"]
        let othersPath = JSONPointer.appending("additionalProperties", to: path)
        var properties: [ObjectRule.Property] = []
        var declared: [String] = []
        let propertiesPath = JSONPointer.appending("properties", to: path)
        if let value = schema["properties"] {
            guard let object = value.object else {
                throw .invalid(at: propertiesPath, expected: "an object of schemas")
            }
            if let repeated = object.firstRepeatedKey {
                throw .invalid(
                    at: propertiesPath,
                    expected: "each name once, not \(JSON.string(repeated).compact) twice")
            }
            for member in object.members {
                let path = JSONPointer.appending(member.key, to: propertiesPath)
                properties.append(
                    property(
                        member.key, try node(member.value, path, depth: depth + 1),
                        isRequired: required.contains(Array(member.key.utf8))))
                declared.append(member.key)
            }
        }
        var free: NodeID?
        if let others, others.bool != false {
            free = try node(others, othersPath, depth: depth + 1)
        } else if others == nil, schema["properties"] == nil {
            free = anyValue()
        }
        // Names that are asked for and not described are members like others that are not.
        for name in required {
            let name = String(decoding: name, as: UTF8.self)
            guard !declared.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else { continue }
            guard others?.bool != false else {
                throw .unsatisfiable(
                    at: path,
                    why: "\(JSON.string(name).compact) is required, but not among the properties")
            }
            properties.append(property(name, free ?? anyValue(), isRequired: true))
            declared.append(name)
        }
        let rule = try rule(schema, path, properties: properties, free: free, names: declared)
        return builder.object(rule)
    }

    private mutating func rule(
        _ schema: JSONObject, _ path: String, properties: [ObjectRule.Property], free: NodeID?,
        names: [String]
    ) throws(ConstraintError) -> ObjectRule {
        var properties = properties
        let least = try schema["minProperties"].map { value throws(ConstraintError) in
            try count(
                value, JSONPointer.appending("minProperties", to: path), limit: Self.mostLeast)
        }
        let most = try schema["maxProperties"].map { value throws(ConstraintError) in
            try count(value, JSONPointer.appending("maxProperties", to: path), limit: 1 << 30)
        }
        var missing = (least ?? 0) - properties.filter(\.isRequired).count
        for index in properties.indices where missing > 0 && !properties[index].isRequired {
            properties[index].isRequired = true
            missing -= 1
        }
        guard missing <= (free == nil ? 0 : 1) else {
            throw .unsupported(
                at: JSONPointer.appending("minProperties", to: path),
                what: "more members are asked for than are described, and those of free names "
                    + "cannot be kept apart")
        }
        guard properties.filter(\.isRequired).count + max(0, missing) <= most ?? .max else {
            throw .unsatisfiable(at: path, why: "more members are required than are allowed")
        }
        return ObjectRule(
            properties: properties,
            free: free.map {
                ObjectRule.Free(key: builder.freeKey(except: names), value: $0)
            }, least: least ?? 0, most: most)
    }

    private mutating func property(
        _ name: String, _ value: NodeID, isRequired: Bool
    ) -> ObjectRule.Property {
        let key = JSON.string(name).compact + ": "
        return ObjectRule.Property(
            key: builder.literal(key), separatedKey: builder.literal(", " + key), value: value,
            isRequired: isRequired)
    }

    /// The bytes of names, each once.
    private func names(_ value: JSON?, _ path: String) throws(ConstraintError) -> [[UInt8]] {
        guard let value else { return [] }
        guard let list = value.array, list.allSatisfy({ $0.string != nil }) else {
            throw .invalid(at: path, expected: "a list of names")
        }
        var names: [[UInt8]] = []
        var seen: Set<[UInt8]> = []
        for name in list.compactMap(\.string) where seen.insert(Array(name.utf8)).inserted {
            names.append(Array(name.utf8))
        }
        return names
    }

    // MARK: - Arrays

    mutating func array(
        _ schema: JSONObject, _ path: String, depth: Int
    ) throws(ConstraintError) -> NodeID {
        let least = try schema["minItems"].map { value throws(ConstraintError) in
            try count(value, JSONPointer.appending("minItems", to: path), limit: Self.mostLeast)
        }
        let most = try schema["maxItems"].map { value throws(ConstraintError) in
            try count(value, JSONPointer.appending("maxItems", to: path), limit: 1 << 30)
        }
        guard most ?? .max >= least ?? 0 else {
            throw .unsatisfiable(at: path, why: "\"minItems\" is above \"maxItems\"")
        }
        let isOrdered = try flag("x-ordered", schema, path)
        if try flag("uniqueItems", schema, path), most ?? .max > 1 {
            return try distinct(schema, path, least: least ?? 0, most: most)
        }
        var prefix: [NodeID] = []
        let prefixPath = JSONPointer.appending("prefixItems", to: path)
        if let value = schema["prefixItems"] {
            guard let schemas = value.array, !schemas.isEmpty else {
                throw .invalid(at: prefixPath, expected: "a list of schemas")
            }
            for (index, schema) in schemas.enumerated() {
                prefix.append(
                    try node(
                        schema, JSONPointer.appending(index, to: prefixPath), depth: depth + 1))
            }
        }
        var rest: NodeID?
        if let items = schema["items"] {
            rest = try node(items, JSONPointer.appending("items", to: path), depth: depth + 1)
        } else if prefix.isEmpty || least ?? 0 > prefix.count {
            rest = anyValue()
        }
        if isOrdered, !prefix.isEmpty || least ?? 0 > 1 {
            throw .unsupported(
                at: path,
                what:
                    "\"x-ordered\" beside \"prefixItems\" or a \"minItems\" above 1: there may be "
                    + "too few instants")
        }
        return builder.array(
            ArrayRule(
                prefix: prefix, rest: rest, least: least ?? 0, most: most, isOrdered: isOrdered))
    }

    /// Items that differ: for lists of given values only, as nothing else can be kept apart.
    private mutating func distinct(
        _ schema: JSONObject, _ path: String, least: Int, most: Int?
    ) throws(ConstraintError) -> NodeID {
        let place = JSONPointer.appending("uniqueItems", to: path)
        guard schema["prefixItems"] == nil, let items = try resolved(schema["items"], path),
            items["enum"] != nil, items["$ref"] == nil, items["allOf"] == nil,
            items["anyOf"] == nil, items["oneOf"] == nil
        else {
            throw .unsupported(
                at: place, what: "\"uniqueItems\" is supported where \"items\" is an \"enum\" only")
        }
        var options: [JSON] = []
        for value in try values(of: items, JSONPointer.appending("items", to: path))
        where !options.contains(where: { $0.isSame(as: value) }) {
            options.append(value)
            guard options.count <= DistinctRule.largest else {
                throw .tooLarge(
                    at: place, what: "more than \(DistinctRule.largest) different items")
            }
        }
        guard least <= options.count else {
            throw .unsatisfiable(at: path, why: "\"minItems\" is above the number of values")
        }
        return builder.distinct(
            DistinctRule(
                options: options.map { builder.literal($0.spaced) }, least: least,
                most: min(most ?? .max, options.count)))
    }

    private func flag(
        _ keyword: String, _ schema: JSONObject, _ path: String
    ) throws(ConstraintError) -> Bool {
        guard let value = schema[keyword] else { return false }
        guard let flag = value.bool else {
            throw .invalid(at: JSONPointer.appending(keyword, to: path), expected: "true or false")
        }
        return flag
    }

    /// The assertions of a schema, or of what it refers to and nothing else.
    private func resolved(_ schema: JSON?, _ path: String) throws(ConstraintError) -> JSONObject? {
        guard var object = schema?.object else { return nil }
        for _ in 0..<16 {
            let assertions = try Keywords.assertions(of: object, at: path)
            guard let target = assertions["$ref"]?.string, assertions.members.count == 1,
                target.hasPrefix("#"),
                let next = JSONPointer.value(at: String(target.dropFirst()), in: document)?.object
            else { return assertions }
            object = next
        }
        return nil
    }
}

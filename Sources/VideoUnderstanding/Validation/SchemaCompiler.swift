import OrderedJSON

/// Reads a schema into rules, and finds every fault of the schema itself.
struct SchemaCompiler {
    private static let maximumNodes = 20_000
    private static let annotations: Set<String> = [
        "$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "title", "description",
        "default", "examples", "deprecated", "readOnly", "writeOnly", "format",
        "contentEncoding", "contentMediaType", "contentSchema",
    ]

    let document: JSON
    private(set) var nodes: [JSONSchema.Node?] = []
    private var places: [String: JSONSchema.Place] = [:]

    init(document: JSON) { self.document = document }

    /// The place of the schema at `path`, which is read on the first visit only.
    mutating func place(of path: String, _ schema: JSON) throws(SchemaError) -> JSONSchema.Place {
        if let known = places[path] { return known }
        guard nodes.count < Self.maximumNodes else {
            throw SchemaError(path: path, reason: "more than \(Self.maximumNodes) schemas in one")
        }
        let place = nodes.count
        nodes.append(nil)
        places[path] = place
        switch schema {
        case .bool(let verdict): nodes[place] = .verdict(verdict)
        case .object(let object): nodes[place] = .rules(try rules(of: object, path))
        default: throw SchemaError(path: path, reason: "a schema must be an object or a boolean")
        }
        return place
    }

    private mutating func rules(
        of schema: JSONObject, _ path: String
    ) throws(SchemaError) -> [Rule] {
        if let repeated = schema.firstRepeatedKey {
            throw SchemaError(path: path, reason: "\(JSON.string(repeated).compact) stands twice")
        }
        var rules: [Rule] = []
        for member in schema.members {
            let path = JSONPointer.appending(member.key, to: path)
            if let rule = try rule(member.key, member.value, of: schema, path) {
                rules.append(rule)
            }
        }
        return rules
    }

    /// The rule of one keyword; nil for annotations and for keywords that belong to another one.
    private mutating func rule(
        _ keyword: String, _ value: JSON, of schema: JSONObject, _ path: String
    ) throws(SchemaError) -> Rule? {
        switch keyword {
        case "type": return .type(try types(value, path))
        case "const": return .constant(value)
        case "enum": return .oneOfValues(try array(value, path))
        case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
            guard let bound = NumberBound(rawValue: keyword) else { return nil }
            return .bound(try number(value, path), bound)
        case "multipleOf":
            let divisor = try number(value, path)
            guard divisor.double > 0 else { throw wrong(path, "a number above 0") }
            return .multiple(divisor)
        case "minLength": return .length(least: try count(value, path), most: nil)
        case "maxLength": return .length(least: nil, most: try count(value, path))
        case "pattern": return .pattern(value.string ?? "", try pattern(value, path))
        case "minItems": return .count(of: .array, least: try count(value, path), most: nil)
        case "maxItems": return .count(of: .array, least: nil, most: try count(value, path))
        case "minProperties": return .count(of: .object, least: try count(value, path), most: nil)
        case "maxProperties": return .count(of: .object, least: nil, most: try count(value, path))
        case "uniqueItems":
            guard let flag = value.bool else { throw wrong(path, "true or false") }
            return flag ? .unique : nil
        case "required": return .required(try names(value, path))
        case "dependentRequired":
            var needs: [(key: String, needs: [String])] = []
            for member in try object(value, path).members {
                let place = JSONPointer.appending(member.key, to: path)
                needs.append((member.key, try names(member.value, place)))
            }
            return .dependent(needs)
        case "dependentSchemas":
            return .dependentSchemas(try schemas(named: value, path))
        case "allOf": return .all(try schemas(value, path))
        case "anyOf": return .any(try schemas(value, path))
        case "oneOf": return .one(try schemas(value, path))
        case "not": return .not(try place(of: path, value))
        case "propertyNames": return .propertyNames(try place(of: path, value))
        case "properties", "patternProperties", "additionalProperties":
            return try propertyRule(keyword, of: schema, path)
        case "prefixItems", "items": return try itemRule(keyword, of: schema, path)
        case "contains":
            let least = try schema["minContains"].map { value throws(SchemaError) in
                try count(value, path)
            }
            let most = try schema["maxContains"].map { value throws(SchemaError) in
                try count(value, path)
            }
            return .contains(try place(of: path, value), least: least ?? 1, most: most)
        case "if":
            let parent = JSONPointer.parent(of: path)
            var branches: [JSONSchema.Place?] = []
            for key in ["then", "else"] {
                guard let branch = schema[key] else {
                    branches.append(nil)
                    continue
                }
                branches.append(try place(of: JSONPointer.appending(key, to: parent), branch))
            }
            return .condition(
                try place(of: path, value), then: branches[0], otherwise: branches[1])
        case "$ref": return try reference(value, path)
        case "then", "else", "minContains", "maxContains": return nil
        default:
            // Members that begin with x- are the custom of tools for notes of their own.
            guard Self.annotations.contains(keyword) || keyword.hasPrefix("x-") else {
                throw SchemaError(
                    path: path,
                    reason: "the keyword \(JSON.string(keyword).compact) is not supported")
            }
            return nil
        }
    }

    /// One rule for the three keywords that depend on each other, made at the first of them.
    private mutating func propertyRule(
        _ keyword: String, of schema: JSONObject, _ path: String
    ) throws(SchemaError) -> Rule? {
        let family = ["properties", "patternProperties", "additionalProperties"]
        guard family.first(where: { schema[$0] != nil }) == keyword else { return nil }
        let parent = JSONPointer.parent(of: path)
        var named: [[UInt8]: JSONSchema.Place] = [:]
        var matching: [(ScalarPattern, JSONSchema.Place)] = []
        if let value = schema["properties"] {
            let path = JSONPointer.appending("properties", to: parent)
            for entry in try schemas(named: value, path) {
                named[Array(entry.key.utf8)] = entry.place
            }
        }
        if let value = schema["patternProperties"] {
            let path = JSONPointer.appending("patternProperties", to: parent)
            for entry in try schemas(named: value, path) {
                matching.append((try pattern(.string(entry.key), path), entry.place))
            }
        }
        let others = try schema["additionalProperties"].map { value throws(SchemaError) in
            try place(of: JSONPointer.appending("additionalProperties", to: parent), value)
        }
        return .properties(named: named, matching: matching, others: others)
    }

    private mutating func itemRule(
        _ keyword: String, of schema: JSONObject, _ path: String
    ) throws(SchemaError) -> Rule? {
        if keyword == "items", schema["prefixItems"] != nil { return nil }
        let parent = JSONPointer.parent(of: path)
        var prefix: [JSONSchema.Place] = []
        if let value = schema["prefixItems"] {
            prefix = try schemas(value, JSONPointer.appending("prefixItems", to: parent))
        }
        let rest = try schema["items"].map { value throws(SchemaError) in
            try place(of: JSONPointer.appending("items", to: parent), value)
        }
        return .items(prefix: prefix, rest: rest)
    }

    private mutating func reference(_ value: JSON, _ path: String) throws(SchemaError) -> Rule {
        guard let target = value.string, target == "#" || target.hasPrefix("#/") else {
            throw SchemaError(
                path: path, reason: "only references inside the schema (\"#/…\") are supported")
        }
        let pointer = String(target.dropFirst())
        guard let schema = JSONPointer.value(at: pointer, in: document) else {
            throw SchemaError(path: path, reason: "\(target) points at nothing")
        }
        return .reference(try place(of: pointer, schema), target)
    }
}

// MARK: - Arguments of keywords

extension SchemaCompiler {
    private func wrong(_ path: String, _ expected: String) -> SchemaError {
        SchemaError(path: path, reason: "expected \(expected)")
    }

    private func number(_ value: JSON, _ path: String) throws(SchemaError) -> JSONNumber {
        guard case .number(let number) = value, number.double.isFinite else {
            throw wrong(path, "a number")
        }
        return number
    }

    private func count(_ value: JSON, _ path: String) throws(SchemaError) -> Int {
        guard let count = value.int, count >= 0 else { throw wrong(path, "a count from 0") }
        return count
    }

    private func array(_ value: JSON, _ path: String) throws(SchemaError) -> [JSON] {
        guard let elements = value.array, !elements.isEmpty else {
            throw wrong(path, "an array that is not empty")
        }
        return elements
    }

    private func object(_ value: JSON, _ path: String) throws(SchemaError) -> JSONObject {
        guard let object = value.object else { throw wrong(path, "an object") }
        return object
    }

    private func names(_ value: JSON, _ path: String) throws(SchemaError) -> [String] {
        let names = value.array?.compactMap(\.string)
        guard let names, names.count == value.array?.count else {
            throw wrong(path, "an array of strings")
        }
        return names
    }

    private func types(_ value: JSON, _ path: String) throws(SchemaError) -> [SchemaType] {
        let texts: [String]
        if let name = value.string { texts = [name] } else { texts = try names(value, path) }
        var types: [SchemaType] = []
        for text in texts {
            guard let type = SchemaType(rawValue: text) else {
                throw SchemaError(
                    path: path, reason: "\(JSON.string(text).compact) is not the name of a type")
            }
            types.append(type)
        }
        guard !types.isEmpty else { throw wrong(path, "the name of a type") }
        return types
    }

    private func pattern(_ value: JSON, _ path: String) throws(SchemaError) -> ScalarPattern {
        guard let text = value.string else { throw wrong(path, "a string") }
        do {
            return try ScalarPattern(text)
        } catch {
            throw SchemaError(path: path, reason: "\(error)")
        }
    }

    private mutating func schemas(
        _ value: JSON, _ path: String
    ) throws(SchemaError) -> [JSONSchema.Place] {
        var places: [JSONSchema.Place] = []
        for (index, schema) in try array(value, path).enumerated() {
            places.append(try place(of: JSONPointer.appending("\(index)", to: path), schema))
        }
        return places
    }

    private mutating func schemas(
        named value: JSON, _ path: String
    ) throws(SchemaError) -> [(key: String, place: JSONSchema.Place)] {
        var places: [(key: String, place: JSONSchema.Place)] = []
        for member in try object(value, path).members {
            let path = JSONPointer.appending(member.key, to: path)
            places.append((member.key, try place(of: path, member.value)))
        }
        return places
    }
}

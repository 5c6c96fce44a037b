import OrderedJSON

/// Turns a JSON Schema into the rules of a grammar.
///
/// What the grammar writes is always valid; it need not be able to write everything that is. Where
/// a schema leaves open what it does not speak of, such as further members of an object, nothing is
/// written.
struct SchemaReader {
    /// Schemas read, those that come about by putting others together included.
    private static let maximumSchemas = 10_000
    /// Schemas within schemas.
    private static let maximumDepth = 96

    let document: JSON
    let instants: SampledInstants
    var builder = GrammarBuilder()
    private var schemas = 0
    private var references: [String: Int] = [:]
    private var waiting: [(target: Int, pointer: String, schema: JSON)] = []
    private var anything: Int?

    init(document: JSON, instants: SampledInstants) {
        self.document = document
        self.instants = instants
    }

    mutating func grammar() throws(ConstraintError) -> Grammar {
        let root = try node(document, "", depth: 0)
        while let (target, pointer, schema) = waiting.popLast() {
            builder.setTarget(target, to: try node(schema, pointer, depth: 0))
        }
        let grammar = builder.grammar(root: root, instants: instants)
        guard grammar.measures.isPossible(root) else {
            throw .unsatisfiable(at: "", why: "what it asks for contradicts itself or never ends")
        }
        guard grammar.measures.heights[Int(root)] <= Grammar.maximumDepth else {
            throw .tooLarge(
                at: "", what: "arrays and objects nest deeper than \(Grammar.maximumDepth)")
        }
        guard grammar.measures.longestCost <= Grammar.longestShortest else {
            throw .tooLarge(
                at: "", what: "some value has \(grammar.measures.longestCost) bytes at least")
        }
        return grammar
    }

    // MARK: - One schema

    mutating func node(
        _ schema: JSON, _ path: String, depth: Int
    ) throws(ConstraintError) -> NodeID {
        schemas += 1
        guard schemas <= Self.maximumSchemas, !builder.isTooLarge else {
            throw .tooLarge(at: path, what: "more than \(Self.maximumSchemas) schemas in all")
        }
        guard depth <= Self.maximumDepth else {
            throw .tooLarge(
                at: path,
                what: "schemas within schemas, or a $ref beside other keywords that leads back to "
                    + "itself")
        }
        switch schema {
        case .bool(true): return anyValue()
        case .bool(false): return builder.alternatives([])
        case .object(let object):
            let assertions = try Keywords.assertions(of: object, at: path)
            return try node(assertions: assertions, path, depth: depth)
        default: throw .invalid(at: path, expected: "a schema: an object or a boolean")
        }
    }

    private mutating func node(
        assertions: JSONObject, _ path: String, depth: Int
    ) throws(ConstraintError) -> NodeID {
        var rest = assertions
        if let reference = assertions["$ref"] {
            let (pointer, target) = try self.target(of: reference, path)
            rest["$ref"] = nil
            guard !rest.members.isEmpty else { return self.reference(to: pointer, target) }
            return try node(merging: [target], into: rest, path, depth: depth)
        }
        if let parts = assertions["allOf"] {
            rest["allOf"] = nil
            let parts = try schemas(parts, JSONPointer.appending("allOf", to: path))
            return try node(merging: parts, into: rest, path, depth: depth)
        }
        for keyword in ["anyOf", "oneOf"] {
            guard let value = assertions[keyword] else { continue }
            let path = JSONPointer.appending(keyword, to: path)
            rest[keyword] = nil
            let parts = try schemas(value, path)
            if keyword == "oneOf" { try requireDisjoint(parts, path) }
            var options: [NodeID] = []
            for (index, part) in parts.enumerated() {
                let path = JSONPointer.appending(index, to: path)
                options.append(
                    rest.members.isEmpty
                        ? try node(part, path, depth: depth + 1)
                        : try node(merging: [part], into: rest, path, depth: depth))
            }
            return builder.alternatives(options)
        }
        if assertions["enum"] != nil || assertions["const"] != nil {
            return try enumeration(assertions, path)
        }
        let types = try types(of: assertions, path)
        guard let types else { return anyValue() }
        var options: [NodeID] = []
        for type in types {
            options.append(try node(of: type, assertions, path, depth: depth))
        }
        return builder.alternatives(options)
    }

    /// A schema that asks for several things at once, put together before it is read.
    private mutating func node(
        merging parts: [JSON], into base: JSONObject, _ path: String, depth: Int
    ) throws(ConstraintError) -> NodeID {
        var merged = base
        for part in parts {
            switch part {
            case .bool(true): continue
            case .bool(false): return builder.alternatives([])
            case .object(let object):
                var assertions = try Keywords.assertions(of: object, at: path)
                // A reference cannot be merged; what it stands for can.
                var steps = 0
                while let reference = assertions["$ref"] {
                    steps += 1
                    guard steps <= 32 else {
                        throw .unsatisfiable(at: path, why: "its references go in a circle")
                    }
                    let (_, target) = try self.target(of: reference, path)
                    assertions["$ref"] = nil
                    guard case .object(let object) = target else {
                        if target.bool == true { break }
                        return builder.alternatives([])
                    }
                    assertions = try SchemaMerging(path: path).merged(
                        try Keywords.assertions(of: object, at: path), assertions)
                }
                merged = try SchemaMerging(path: path).merged(merged, assertions)
            default: throw .invalid(at: path, expected: "schemas: objects or booleans")
            }
        }
        return try node(.object(merged), path, depth: depth + 1)
    }

    private mutating func node(
        of type: String, _ schema: JSONObject, _ path: String, depth: Int
    ) throws(ConstraintError) -> NodeID {
        switch type {
        case "null": return builder.literal("null")
        case "boolean":
            return builder.alternatives([builder.literal("true"), builder.literal("false")])
        case "integer": return try number(schema, path, isWhole: true)
        case "number": return try number(schema, path, isWhole: false)
        case "string": return try string(schema, path)
        case "array": return try array(schema, path, depth: depth)
        default: return try object(schema, path, depth: depth)
        }
    }

    // MARK: - Types

    /// The types that are written; nil for any.
    ///
    /// Without `type`, keywords that mean something to some types only tell which are meant.
    private func types(of schema: JSONObject, _ path: String) throws(ConstraintError) -> [String]? {
        guard let value = schema["type"] else {
            let meant = Keywords.ofTypes.filter { group in
                schema.members.contains { group.keywords.contains($0.key) }
            }.map(\.type)
            guard schema["format"]?.string == Self.timeFormat else {
                return meant.isEmpty ? nil : meant
            }
            throw .invalid(
                at: path,
                expected: "\"type\": \"number\" or \"string\" beside the format \(Self.timeFormat)")
        }
        let path = JSONPointer.appending("type", to: path)
        let names = value.string.map { [$0] } ?? value.array?.compactMap(\.string) ?? []
        guard names.count == value.array?.count ?? 1, names.allSatisfy(Keywords.types.contains),
            Set(names).count == names.count
        else { throw .invalid(at: path, expected: "the name of a type, or a list of names") }
        return names.contains("number") ? names.filter { $0 != "integer" } : names
    }

    static let timeFormat = "video-time"

    /// Any JSON value, read from no place of the schema.
    mutating func anyValue() -> NodeID {
        if let anything { return builder.add(.reference(anything)) }
        let target = builder.newTarget()
        anything = target
        let itself = builder.add(.reference(target))
        let object = builder.object(
            ObjectRule(
                properties: [],
                free: ObjectRule.Free(key: builder.freeKey(except: []), value: itself), least: 0,
                most: nil))
        let array = builder.array(
            ArrayRule(prefix: [], rest: itself, least: 0, most: nil, isOrdered: false))
        let text = builder.sequence([
            builder.literal("\""),
            builder.add(.repetition(builder.anyCharacter(), least: 0, most: nil)),
            builder.literal("\""),
        ])
        let options = ["true", "false", "null"].map { builder.literal($0) }
        builder.setTarget(
            target,
            to: builder.alternatives(
                [text, builder.add(.number(.standard)), object, array] + options))
        return itself
    }

    // MARK: - References and lists

    private mutating func reference(to pointer: String, _ schema: JSON) -> NodeID {
        if let known = references[pointer] { return builder.add(.reference(known)) }
        let target = builder.newTarget()
        references[pointer] = target
        waiting.append((target, pointer, schema))
        return builder.add(.reference(target))
    }

    private func target(
        of reference: JSON, _ path: String
    ) throws(ConstraintError) -> (pointer: String, schema: JSON) {
        let path = JSONPointer.appending("$ref", to: path)
        guard let text = reference.string else { throw .invalid(at: path, expected: "text") }
        guard text == "#" || text.hasPrefix("#/") else {
            throw .unsupported(
                at: path, what: "only references inside the schema (\"#/…\") are supported")
        }
        let pointer = String(text.dropFirst())
        guard let schema = JSONPointer.value(at: pointer, in: document) else {
            throw .invalid(at: path, expected: "a place that exists, not \(text)")
        }
        return (pointer, schema)
    }

    private func schemas(_ value: JSON, _ path: String) throws(ConstraintError) -> [JSON] {
        guard let schemas = value.array, !schemas.isEmpty else {
            throw .invalid(at: path, expected: "a list of schemas")
        }
        return schemas
    }

    private func requireDisjoint(_ parts: [JSON], _ path: String) throws(ConstraintError) {
        let disjointness = SchemaDisjointness(document: document)
        for first in parts.indices {
            for second in parts[(first + 1)...].indices
            where !disjointness.isKnown(parts[first], parts[second]) {
                throw .unsupported(
                    at: path,
                    what: "schemas \(first) and \(second) may both accept one value; give a "
                        + "required property a different \"const\" in each, or use \"anyOf\"")
            }
        }
    }
}

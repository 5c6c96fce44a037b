import OrderedJSON

/// The keywords of JSON Schema that are understood, by what they speak of.
enum Keywords {
    /// Notes for readers, without a say in what is valid.
    static let annotations: Set<String> = [
        "$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default",
        "examples", "deprecated", "readOnly", "writeOnly",
    ]

    /// What decides between whole schemas, or names one.
    static let choices = ["$ref", "allOf", "anyOf", "oneOf", "enum", "const"]

    /// Keywords that mean something to values of one type only.
    static let ofTypes: [(type: String, keywords: Set<String>)] = [
        (
            "object",
            ["properties", "required", "additionalProperties", "minProperties", "maxProperties"]
        ),
        ("array", ["prefixItems", "items", "minItems", "maxItems", "uniqueItems", "x-ordered"]),
        ("string", ["minLength", "maxLength", "pattern", "format"]),
        ("number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ]

    static let types = ["object", "array", "string", "number", "integer", "boolean", "null"]

    /// Names and values are compared each with each, so that too many would take long.
    private static let longestLists = [
        "properties": 2000, "required": 2000, "enum": 20_000, "anyOf": 2000, "allOf": 200,
        "oneOf": 64, "prefixItems": 2000,
    ]

    private static let understood = Set(choices + ["type"]).union(ofTypes.flatMap(\.keywords))

    /// What the schema asserts: its members without notes.
    ///
    /// - Throws: for the first keyword that is not understood.
    static func assertions(
        of schema: JSONObject, at path: String
    ) throws(ConstraintError) -> JSONObject {
        if let repeated = schema.firstRepeatedKey {
            throw .invalid(
                at: path, expected: "each keyword once, not \(JSON.string(repeated).compact) twice")
        }
        for (keyword, limit) in longestLists {
            guard let value = schema[keyword] else { continue }
            guard value.array?.count ?? value.object?.members.count ?? 0 <= limit else {
                throw .tooLarge(
                    at: JSONPointer.appending(keyword, to: path), what: "more than \(limit)")
            }
        }
        var kept: [JSONObject.Member] = []
        for member in schema.members where !annotations.contains(member.key) {
            guard !understood.contains(member.key) else {
                kept.append(member)
                continue
            }
            // Members that begin with x- are the custom of tools for notes of their own.
            guard member.key.hasPrefix("x-") else {
                throw .unsupported(
                    at: JSONPointer.appending(member.key, to: path),
                    what: "the keyword \(JSON.string(member.key).compact) is not supported")
            }
        }
        return JSONObject(kept)
    }
}

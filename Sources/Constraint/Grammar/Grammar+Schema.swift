import OrderedJSON

extension Grammar {
    /// Bytes of a schema without white space.
    public static let largestSchema = 1 << 20

    /// What a JSON Schema (draft 2020-12) allows, as far as it can be guaranteed; which keywords are
    /// understood stands in `Documentation/ConstrainedOutput.md`.
    ///
    /// - Parameter instants: from which values of the format `video-time` are taken; at least one.
    /// - Throws: with the place in the schema.
    public init(schema: JSON, instants: SampledInstants = .placeholder) throws(ConstraintError) {
        precondition(!instants.instants.isEmpty, "no instant to take times from")
        guard schema.compact.utf8.count <= Self.largestSchema else {
            throw .tooLarge(at: "", what: "more than \(Self.largestSchema) bytes")
        }
        var reader = SchemaReader(document: schema, instants: instants)
        self = try reader.grammar()
    }
}

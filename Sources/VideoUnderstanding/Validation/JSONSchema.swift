import OrderedJSON

/// Why a schema cannot be used.
public struct SchemaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// JSON pointer into the schema; empty for its root.
    public let path: String
    public let reason: String

    public var description: String { "\(path.isEmpty ? "the schema" : path): \(reason)" }
}

/// One way in which a value is not what its schema asks for.
public struct SchemaFault: Sendable, Hashable, CustomStringConvertible {
    /// JSON pointer (RFC 6901) to the value; empty for the whole.
    public let path: String
    public let message: String

    public init(path: String, message: String) {
        self.path = path
        self.message = message
    }

    public var description: String { "\(path.isEmpty ? "/" : path): \(message)" }
}

/// A JSON Schema (draft 2020-12), checked once and then used on any number of values.
///
/// Understood: the assertions and applicators of the core and validation vocabularies, with
/// `$ref` to `#` and `#/…` of the same schema. `format` and other annotations are read and not
/// asserted. A keyword that would change the result and is not understood is an error, never
/// passed over.
public struct JSONSchema: Sendable {
    /// Places of other schemas are indices, so that a schema may refer to itself.
    typealias Place = Int

    /// One schema: its rules, or the plain `true` and `false`.
    enum Node: Sendable {
        case verdict(Bool)
        case rules([Rule])
    }

    let nodes: [Node]
    let root: Place

    /// - Throws: with the place in the schema, where it is not one, or needs more than is
    ///   understood.
    public init(_ schema: JSON) throws(SchemaError) {
        var compiler = SchemaCompiler(document: schema)
        root = try compiler.place(of: "", schema)
        nodes = compiler.nodes.map { $0 ?? .verdict(true) }
    }

    /// What is wrong with `value`, at most `limit` faults, in the order of the schema's keywords.
    public func faults(in value: JSON, limit: Int = 100) -> [SchemaFault] {
        var evaluation = SchemaEvaluation(nodes: nodes, limit: limit)
        evaluation.check(value, against: root, path: "", depth: 0)
        return evaluation.faults
    }

    public func accepts(_ value: JSON) -> Bool { faults(in: value, limit: 1).isEmpty }
}

/// The seven names of types.
enum SchemaType: String, Sendable {
    case null, boolean, integer, number, string, array, object

    func matches(_ value: JSON) -> Bool {
        switch (self, value) {
        case (.null, .null), (.boolean, .bool), (.string, .string), (.array, .array),
            (.object, .object), (.number, .number):
            true
        case (.integer, .number(let number)): number.isWhole
        default: false
        }
    }
}

/// One keyword with its arguments, ready to be checked.
enum Rule: Sendable {
    case type([SchemaType])
    case constant(JSON)
    case oneOfValues([JSON])
    case bound(JSONNumber, NumberBound)
    case multiple(JSONNumber)
    case length(least: Int?, most: Int?)
    case pattern(String, ScalarPattern)
    case count(of: SchemaType, least: Int?, most: Int?)
    case unique
    case required([String])
    case dependent([(key: String, needs: [String])])
    /// Names are bytes: Swift's strings take canonically equivalent texts for equal.
    case properties(
        named: [[UInt8]: JSONSchema.Place], matching: [(ScalarPattern, JSONSchema.Place)],
        others: JSONSchema.Place?)
    case propertyNames(JSONSchema.Place)
    case dependentSchemas([(key: String, place: JSONSchema.Place)])
    case items(prefix: [JSONSchema.Place], rest: JSONSchema.Place?)
    case contains(JSONSchema.Place, least: Int, most: Int?)
    case all([JSONSchema.Place])
    case any([JSONSchema.Place])
    case one([JSONSchema.Place])
    case not(JSONSchema.Place)
    case condition(JSONSchema.Place, then: JSONSchema.Place?, otherwise: JSONSchema.Place?)
    case reference(JSONSchema.Place, String)
}

/// The four keywords that bound a number.
enum NumberBound: String, Sendable {
    case minimum, maximum, exclusiveMinimum, exclusiveMaximum

    func allows(_ order: NumberOrder) -> Bool {
        switch self {
        case .minimum: order != .less
        case .maximum: order != .greater
        case .exclusiveMinimum: order == .greater
        case .exclusiveMaximum: order == .less
        }
    }

    var words: String {
        switch self {
        case .minimum: "at least"
        case .maximum: "at most"
        case .exclusiveMinimum: "greater than"
        case .exclusiveMaximum: "less than"
        }
    }
}

/// Why a schema cannot steer what a model writes.
///
/// Places are JSON pointers (RFC 6901) into the schema; empty for its root.
public enum ConstraintError: Error, Sendable, Equatable {
    /// Something that JSON Schema allows and that cannot be guaranteed here.
    case unsupported(at: String, what: String)
    /// No JSON Schema.
    case invalid(at: String, expected: String)
    /// No value satisfies it.
    case unsatisfiable(at: String, why: String)
    /// More than is worth a machine's time.
    case tooLarge(at: String, what: String)
}

extension ConstraintError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unsupported(let place, let what): "\(Self.name(place)): \(what)"
        case .invalid(let place, let expected): "\(Self.name(place)): expected \(expected)"
        case .unsatisfiable(let place, let why):
            "\(Self.name(place)): no value can satisfy it: \(why)"
        case .tooLarge(let place, let what): "\(Self.name(place)): too large: \(what)"
        }
    }

    private static func name(_ place: String) -> String {
        place.isEmpty ? "the schema" : "the schema at \(place)"
    }
}

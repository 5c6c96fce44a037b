/// How single numbers are stored.
public enum ScalarType: String, Sendable, CaseIterable {
    case f32
    case bf16
    case f16

    /// Bytes of one number.
    public var size: Int { self == .f32 ? 4 : 2 }
}

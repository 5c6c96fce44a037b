/// Why a regular expression cannot be used.
public struct PatternFault: Error, Sendable, Equatable, CustomStringConvertible {
    public let reason: String
    /// Unicode scalars before the fault.
    public let offset: Int

    package init(reason: String, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "\(reason) at character \(offset + 1) of the pattern" }
}

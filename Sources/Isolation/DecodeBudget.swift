/// What decoding one input may cost, whatever the input is. Enforced by the kernel and by the
/// process that asks, not by the one that decodes.
public struct DecodeBudget: Sendable, Hashable {
    /// Bytes of private memory of the process that decodes.
    public var memory: Int
    /// Seconds spent waiting for the decoder, in all; and, for each of its threads, seconds of
    /// processor time.
    public var seconds: Double
    /// Seconds without a byte read or a picture decoded.
    public var stallSeconds: Double
    /// Bytes of decoded pictures that may wait to be taken.
    public var queuedBytes: Int
    /// Names of hosts that addresses may lead to, redirections included; a leading `*.` stands for
    /// any subdomain. Nil: any host.
    public var allowedHosts: [String]?

    public init(
        memory: Int = 4 << 30, seconds: Double = 3600, stallSeconds: Double = 60,
        queuedBytes: Int = 64 << 20, allowedHosts: [String]? = nil
    ) {
        self.memory = memory
        self.seconds = seconds
        self.stallSeconds = stallSeconds
        self.queuedBytes = queuedBytes
        self.allowedHosts = allowedHosts
    }
}

/// A list of hosts as a person writes it.
package struct HostList: Sendable {
    private let patterns: [String]

    package init(_ patterns: [String]) { self.patterns = patterns.map(Self.normal) }

    /// Case and a final dot do not matter to the name system.
    package func allows(_ host: String) -> Bool {
        let host = Self.normal(host)
        return patterns.contains { pattern in
            pattern.hasPrefix("*.")
                ? host.hasSuffix(pattern.dropFirst(1)) && host.utf8.count >= pattern.utf8.count
                : host == pattern
        }
    }

    private static func normal(_ host: String) -> String {
        var host = host.lowercased()
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return host.hasSuffix(".") ? String(host.dropLast()) : host
    }
}

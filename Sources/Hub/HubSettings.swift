import VideoUnderstanding

/// Which hub, on whose behalf, and where files go.
public struct HubSettings: Sendable {
    /// Without a slash at its end.
    public var endpoint: String
    /// Sent to the endpoint and to nobody else.
    public var token: String?
    /// The cache that all tools of this kind share: `models--OWNER--NAME` folders.
    public var cache: String
    /// Seconds of silence after which a transfer is tried again.
    public var timeout = 30.0
    /// How often a transfer that breaks off is taken up again.
    public var retries = 5
    /// Seconds before the first of them; each later one waits twice as long.
    public var pause = 1.0
    /// Bytes that are asked for at a time.
    public var piece = 64 << 20
    /// Bytes that are free in a folder; nil where nobody knows.
    public var freeBytes: @Sendable (String) -> Int?

    public static let standardEndpoint = "https://huggingface.co"

    public init(
        endpoint: String = standardEndpoint, token: String? = nil, cache: String,
        freeBytes: (@Sendable (String) -> Int?)? = nil
    ) throws(HubError) {
        var endpoint = endpoint
        while endpoint.hasSuffix("/") { endpoint.removeLast() }
        let lower = endpoint.lowercased()
        guard lower.hasPrefix("https://") || lower.hasPrefix("http://") else {
            throw .badEndpoint(endpoint)
        }
        self.endpoint = endpoint
        self.token = token
        self.cache = cache
        self.freeBytes = freeBytes ?? { SystemFiles.freeBytes(at: $0) }
    }
}

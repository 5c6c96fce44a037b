import OrderedJSON

/// `reelscribe/error@1`: stands where a result would have stood.
public struct ErrorDocument: Document, Equatable {
    public static let kind = DocumentKind.error

    public var job: JobReference
    /// The input as the user wrote it; nil where the failure is not about one.
    public var uri: String?
    public var failure: Failure

    public init(job: JobReference = .none, uri: String?, failure: Failure) {
        self.job = job
        self.uri = uri
        self.failure = failure
    }

    public var json: JSON {
        var members = ObjectBuilder(Self.kind, job: job)
        members.add("video", ifPresent: uri.map { ["uri": .string($0)] })
        members.add("error", failure.json)
        members.add("tool", ToolRecord.current.json)
        return members.json
    }
}

extension Failure {
    package var json: JSON {
        var members = ObjectBuilder()
        members.add("code", code.rawValue)
        members.add("stage", stage.rawValue)
        members.add("message", message)
        members.add("hint", orNull: hint.map(JSON.string))
        members.add("retryable", .bool(retryable))
        return members.json
    }
}

/// Who speaks in a message.
public enum ChatRole: String, Sendable, Equatable {
    case system, user, assistant
}

/// One part of a message.
public enum ChatContent: Sendable, Equatable {
    case text(String)
    case image
    case video
}

/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable {
    public var role: ChatRole
    /// Parts in order; nothing is put between them.
    public var content: [ChatContent]

    public init(role: ChatRole, content: [ChatContent]) {
        self.role = role
        self.content = content
    }

    public init(role: ChatRole, text: String) {
        self.init(role: role, content: [.text(text)])
    }
}

/// What a visual part of a prompt shows.
public enum VisualKind: Sendable, Hashable {
    case image, video

    /// The name of the special token that stands for each visual token of such a part.
    public var padToken: String {
        switch self {
        case .image: "<|image_pad|>"
        case .video: "<|video_pad|>"
        }
    }
}

/// A stretch of a prompt, in the order in which the model reads.
public enum PromptPiece: Sendable, Equatable {
    case tokens([TokenID])
    /// The place of the visual tokens of one picture or video, between its start and end tokens,
    /// which are in the pieces around it.
    ///
    /// `ordinal` counts from 0 among the parts of the same kind.
    case visual(VisualKind, ordinal: Int)
}

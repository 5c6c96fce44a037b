/// How the instruction-tuned Qwen2-VL models expect a conversation to be written.
///
/// - Source: spec section 6.1.
public struct ChatTemplate: Sendable, Equatable {
    /// Stands in front of conversations that do not begin with a system message.
    public var defaultSystemPrompt = "You are a helpful assistant."
    /// Whether each picture and video is introduced by `Picture 1: ` or `Video 1: `.
    public var addsVisionIDs = false

    public init() {}

    /// The prompt for a conversation.
    ///
    /// - Parameters:
    ///   - addGenerationPrompt: whether the turn of the assistant is opened at the end.
    ///   - special: what becomes of names of special tokens inside the texts of the messages. With
    ///     `.recognised` the tokens are those that the reference gives for the rendered prompt.
    /// - Throws: `.missingSpecialToken`, or with `.recognised` `.visualTokenInText`.
    public func prompt(
        _ messages: [ChatMessage], addGenerationPrompt: Bool, special: SpecialTokenPolicy = .asText,
        tokenizer: Tokenizer
    ) throws(TextError) -> [PromptPiece] {
        var writer = PromptWriter(special: special, tokenizer: tokenizer)
        if let first = messages.first, first.role != .system {
            try append(ChatMessage(role: .system, text: defaultSystemPrompt), to: &writer)
        }
        for message in messages { try append(message, to: &writer) }
        if addGenerationPrompt {
            try writer.append(token: "<|im_start|>")
            writer.append(text: "assistant\n")
        }
        return try writer.finish()
    }

    private func append(_ message: ChatMessage, to writer: inout PromptWriter) throws(TextError) {
        try writer.append(token: "<|im_start|>")
        writer.append(text: message.role.rawValue + "\n")
        for content in message.content {
            switch content {
            case .text(let text): writer.append(text: text)
            case .image: try writer.append(.image, title: addsVisionIDs ? "Picture" : nil)
            case .video: try writer.append(.video, title: addsVisionIDs ? "Video" : nil)
            }
        }
        try writer.append(token: "<|im_end|>")
        writer.append(text: "\n")
    }
}

/// Collects the pieces of a prompt.
///
/// Texts that touch are encoded as one: where the words of a message meet those of the template,
/// the cuts between tokens must fall as in the rendered prompt.
private struct PromptWriter {
    private let special: SpecialTokenPolicy
    private let tokenizer: Tokenizer
    private var pieces: [PromptPiece] = []
    private var tokens: [TokenID] = []
    private var text = ""
    private var seen: [VisualKind: Int] = [:]

    init(special: SpecialTokenPolicy, tokenizer: Tokenizer) {
        self.special = special
        self.tokenizer = tokenizer
    }

    mutating func append(text: String) { self.text += text }

    mutating func append(token name: String) throws(TextError) {
        guard let id = tokenizer.id(ofSpecial: name) else {
            throw .missingSpecialToken(name: name)
        }
        try encodeText()
        tokens.append(id)
    }

    mutating func append(_ kind: VisualKind, title: String?) throws(TextError) {
        let ordinal = seen[kind, default: 0]
        seen[kind] = ordinal + 1
        if let title { append(text: "\(title) \(ordinal + 1): ") }
        try append(token: "<|vision_start|>")
        pieces.append(.tokens(tokens))
        pieces.append(.visual(kind, ordinal: ordinal))
        tokens = []
        try append(token: "<|vision_end|>")
    }

    mutating func finish() throws(TextError) -> [PromptPiece] {
        try encodeText()
        return tokens.isEmpty ? pieces : pieces + [.tokens(tokens)]
    }

    private mutating func encodeText() throws(TextError) {
        let encoded = tokenizer.encode(text, special: special)
        text = ""
        for kind in [VisualKind.image, .video] {
            // A pad without a picture behind it would shift the places of all that follow.
            if let pad = tokenizer.id(ofSpecial: kind.padToken), encoded.contains(pad) {
                throw .visualTokenInText(name: kind.padToken)
            }
        }
        tokens += encoded
    }
}

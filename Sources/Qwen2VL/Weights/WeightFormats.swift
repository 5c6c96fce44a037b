import Compute

/// What a matrix is to the model: some parts lose more than others when they keep fewer bits.
enum WeightPart: Sendable {
    case patchEmbedding
    /// A linear layer of a block of the vision tower.
    case vision
    case merger
    case embedding
    /// A linear layer of the language model.
    case language
    /// Keys or values of a layer of the language model: small, as several heads share them.
    case languageKeysValues
    case head

    /// The part that a tensor of the published layout belongs to.
    init(tensor name: String) {
        switch name {
        case "visual.patch_embed.proj.weight": self = .patchEmbedding
        case "model.embed_tokens.weight": self = .embedding
        case "lm_head.weight": self = .head
        case _ where name.hasPrefix("visual.merger."): self = .merger
        case _ where name.hasPrefix("visual."): self = .vision
        case _ where name.hasSuffix(".k_proj.weight") || name.hasSuffix(".v_proj.weight"):
            self = .languageKeysValues
        default: self = .language
        }
    }
}

/// How the matrices of a model are to be stored in memory; nil: as the checkpoint stores them.
public struct WeightFormats: Sendable, Equatable {
    /// Of the language model.
    public var language: WeightFormat?
    /// Of the vision tower and the merger.
    public var vision: WeightFormat?

    public init(language: WeightFormat? = nil, vision: WeightFormat? = nil) {
        self.language = language
        self.vision = vision
    }

    /// The same format for both parts.
    public init(_ format: WeightFormat?) {
        self.init(language: format, vision: format)
    }

    /// The format of a matrix that the checkpoint stores as `stored`.
    ///
    /// Formats in groups are not for every part: the patch embedding, a thousandth of the work,
    /// sees raw pixels; embeddings are looked up and not multiplied; merger, head, keys
    /// and values keep 8 bits where the layers have 4 (`Documentation/Engine.md` has the errors that
    /// say so). What a checkpoint holds in 4 bits already gains nothing by more.
    func format(of part: WeightPart, stored: WeightFormat) -> WeightFormat {
        let wanted: WeightFormat?
        switch part {
        case .patchEmbedding, .vision, .merger: wanted = vision
        case .embedding, .language, .languageKeysValues, .head: wanted = language
        }
        guard let wanted, wanted.scalar == nil else { return wanted ?? stored }
        switch part {
        case .patchEmbedding, .embedding: return stored
        case .merger, .head: return .int8
        case .languageKeysValues: return stored == .int4 ? wanted : .int8
        case .vision, .language: return wanted
        }
    }
}

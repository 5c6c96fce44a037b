/// The published sizes of Qwen2-VL (spec 1.1).
public enum ModelSize: String, Sendable, CaseIterable {
    case b2 = "2b"
    case b7 = "7b"
    case b72 = "72b"

    /// The published configuration, with fewer layers where that is asked for.
    ///
    /// - Parameters:
    ///   - layers: of the language model.
    ///   - visionDepth: blocks of the vision tower.
    public func configuration(layers: Int? = nil, visionDepth: Int? = nil) -> ModelConfiguration {
        let text: TextConfiguration
        switch self {
        case .b2:
            text = TextConfiguration(
                hidden: 1536, intermediate: 8960, layers: layers ?? 28, heads: 12, kvHeads: 2,
                headSize: 128, vocabulary: 151_936, mropeSections: [16, 24, 24],
                tieWordEmbeddings: true)
        case .b7:
            text = TextConfiguration(
                hidden: 3584, intermediate: 18944, layers: layers ?? 28, heads: 28, kvHeads: 4,
                headSize: 128, vocabulary: 152_064, mropeSections: [16, 24, 24],
                tieWordEmbeddings: false)
        case .b72:
            text = TextConfiguration(
                hidden: 8192, intermediate: 29568, layers: layers ?? 80, heads: 64, kvHeads: 8,
                headSize: 128, vocabulary: 152_064, mropeSections: [16, 24, 24],
                tieWordEmbeddings: false)
        }
        return ModelConfiguration(
            text: text, vision: VisionConfiguration(depth: visionDepth ?? 32, output: text.hidden),
            kind: .untrained)
    }
}

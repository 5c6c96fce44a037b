import Compute

extension Model {
    /// The same model with its first layers and its first block of vision alone: to find out on a few
    /// what each of the others takes as long as.
    package func shortened(layers: Int) -> Model {
        precondition(
            (1...configuration.text.layers).contains(layers),
            "\(layers) of \(configuration.text.layers) layers")
        var configuration = configuration
        configuration.text.layers = layers
        configuration.vision.depth = 1
        var (vision, language) = (vision, language)
        vision.blocks = Array(vision.blocks.prefix(1))
        language.layers = Array(language.layers.prefix(layers))
        return Model(
            configuration: configuration, vision: vision, language: language,
            fingerprint: fingerprint, name: name)
    }
}

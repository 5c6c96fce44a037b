import Compute

/// A checked model, ready to run: its configuration and its weights, shared by all sessions.
public final class Model: Sendable {
    public let configuration: ModelConfiguration
    public let vision: VisionWeights
    public let language: LanguageWeights
    /// Which weights these are: 32 hexadecimal digits that depend on the configuration, and on
    /// names, types, shapes and samples of the bytes of all tensors. Not a cryptographic digest.
    public let fingerprint: String
    /// The name of the folder, or `owner/name` for a folder of a hub's cache.
    public let name: String
    /// How the matrices of the language model's layers are stored in memory.
    public let format: WeightFormat
    /// The same for the vision tower.
    public let visionFormat: WeightFormat

    /// - Precondition: the shapes of the weights are those of the configuration.
    package init(
        configuration: ModelConfiguration, vision: VisionWeights, language: LanguageWeights,
        fingerprint: String, name: String
    ) {
        self.configuration = configuration
        self.vision = vision
        self.language = language
        self.fingerprint = fingerprint
        self.name = name
        format = language.layers[0].gate.weight.format
        visionFormat = vision.blocks[0].fc1.weight.format
    }
}

/// How the next token is chosen from the logits (spec 7).
public struct SamplingSettings: Sendable, Equatable {
    /// False: the most likely token, whatever temperature, top-k and top-p say.
    public var sample: Bool
    /// Above 1 makes tokens that were already there less likely; 1 changes nothing.
    public var repetitionPenalty: Float
    /// Below 1 sharpens; 0 means greedy.
    public var temperature: Float
    /// Keeps the k most likely tokens, and those as likely as the last of them; 0 keeps all.
    public var topK: Int
    /// Keeps the most likely tokens that together have this probability; 1 keeps all.
    public var topP: Float
    /// Start of the random numbers.
    public var seed: UInt64

    /// - Precondition: penalty above 0, temperature and top-k not negative, top-p in 0...1.
    public init(
        sample: Bool, repetitionPenalty: Float = 1, temperature: Float = 1, topK: Int = 0,
        topP: Float = 1, seed: UInt64 = 0
    ) {
        precondition(
            repetitionPenalty > 0 && temperature >= 0 && topK >= 0 && (0...1).contains(topP),
            "penalty \(repetitionPenalty), temperature \(temperature), top-k \(topK), top-p \(topP)"
        )
        self.sample = sample
        self.repetitionPenalty = repetitionPenalty
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.seed = seed
    }

    /// The publisher's settings.
    public init(_ defaults: GenerationDefaults, seed: UInt64 = 0) {
        self.init(
            sample: defaults.sample, repetitionPenalty: Float(defaults.repetitionPenalty),
            temperature: Float(defaults.temperature), topK: defaults.topK,
            topP: Float(defaults.topP), seed: seed)
    }

    /// The most likely token every time.
    public static func greedy(repetitionPenalty: Float = 1) -> SamplingSettings {
        SamplingSettings(sample: false, repetitionPenalty: repetitionPenalty)
    }
}

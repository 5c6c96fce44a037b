#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A chosen token.
public struct SampledToken: Sendable, Equatable {
    public let id: Int
    /// Under the softmax of the logits as the model gave them, before penalty, temperature and
    /// cuts: what the model itself thought of the token, among those that were allowed.
    public let probability: Float
    /// Whether no other token was allowed.
    public let isForced: Bool
}

/// Chooses tokens one after the other and remembers them for the repetition penalty.
///
/// The steps, their order and their treatment of ties are those of the reference library: penalty,
/// temperature, top-k, top-p, softmax, draw; 32-bit arithmetic where a boundary depends on it.
///
/// Source: spec 7.
public struct TokenSampler: Sendable {
    public let settings: SamplingSettings
    /// Distinct ids of the sequence so far.
    private var seen: Set<Int>
    private var random: RandomSource
    private var scores: [Float] = []

    /// - Parameter prompt: ids that the repetition penalty covers from the start: all of the
    ///   prompt, the pads of visual inputs and special tokens included.
    public init(_ settings: SamplingSettings, prompt: some Sequence<Int> = []) {
        self.settings = settings
        seen = settings.repetitionPenalty == 1 ? [] : Set(prompt)
        random = RandomSource(seed: settings.seed)
    }

    /// Counts a token that was not chosen here as part of the sequence.
    public mutating func observe(_ id: Int) {
        if settings.repetitionPenalty != 1 { seen.insert(id) }
    }

    /// Chooses a token, and remembers it.
    ///
    /// Everything but the allowed tokens is as if the model had given it no chance: penalty,
    /// temperature, cuts and probability know only what is allowed.
    /// - Parameters:
    ///   - logits: one per token of the vocabulary; −∞ for those that cannot be.
    ///   - allowed: what may follow: bit `id % 64` of word `id / 64`. Nil: everything.
    /// - Returns: nil where nothing can be chosen: every allowed logit is −∞ or NaN, or one is +∞.
    public mutating func next(_ logits: [Float], among allowed: [UInt64]? = nil) -> SampledToken? {
        scores = logits
        let count = allowed.map { keep($0) } ?? logits.count
        var highest = -Float.infinity
        for index in scores.indices {
            if scores[index].isNaN { scores[index] = -.infinity }
            if scores[index] > highest { highest = scores[index] }
        }
        guard highest.isFinite else { return nil }
        var total = 0.0
        for score in scores where score > -.infinity { total += Double(expf(score - highest)) }
        penalise()
        let id = settings.sample && settings.temperature > 0 ? draw() : mostLikely()
        guard let id else { return nil }
        observe(id)
        return SampledToken(
            id: id, probability: Float(exp(Double(logits[id] - highest)) / total),
            isForced: count == 1)
    }

    /// Takes the chances of all tokens that are not allowed.
    ///
    /// - Returns: how many are.
    private mutating func keep(_ allowed: [UInt64]) -> Int {
        var count = 0
        for (word, first) in stride(from: 0, to: scores.count, by: 64).enumerated() {
            let bits = word < allowed.count ? allowed[word] : 0
            guard bits != .max else {
                count += min(64, scores.count - first)
                continue
            }
            for index in first..<min(first + 64, scores.count) {
                if bits >> UInt64(index - first) & 1 == 1 {
                    count += 1
                } else {
                    scores[index] = -.infinity
                }
            }
        }
        return count
    }

    private mutating func penalise() {
        let penalty = settings.repetitionPenalty
        // Once per distinct id, however often it occurred.
        for id in seen where scores.indices.contains(id) {
            scores[id] = scores[id] < 0 ? scores[id] * penalty : scores[id] / penalty
        }
    }

    /// The first of the highest scores, or nil where none is allowed.
    private func mostLikely() -> Int? {
        var best: Int?
        var highest = -Float.infinity
        for (id, score) in scores.enumerated() where score > highest {
            highest = score
            best = id
        }
        return best
    }

    /// What is drawn from, with its probabilities: ids left by all cuts, in their order.
    ///
    /// - Returns: nil where nothing is allowed.
    private mutating func distribution() -> [(id: Int, probability: Double)]? {
        guard let first = mostLikely() else { return nil }
        // A temperature next to 0 can scale scores beyond the range; its limit is greedy.
        guard (scores[first] / settings.temperature).isFinite else { return [(first, 1)] }
        if settings.temperature != 1 {
            for index in scores.indices { scores[index] /= settings.temperature }
        }
        let kept = CandidateCut.candidates(scores, topK: settings.topK, topP: settings.topP)
        guard let highest = kept.map(\.score).max() else { return nil }
        let weights = kept.map { exp(Double($0.score - highest)) }
        let total = weights.reduce(0, +)
        return zip(kept, weights).map { ($0.id, $1 / total) }
    }

    /// The distribution that ``next(_:)`` would draw from.
    package func distribution(_ logits: [Float]) -> [(id: Int, probability: Double)]? {
        var copy = self
        copy.scores = logits
        copy.penalise()
        return copy.distribution()
    }

    private mutating func draw() -> Int? {
        guard let distribution = distribution() else { return nil }
        var rest = random.unit()
        for (id, probability) in distribution {
            rest -= probability
            if rest < 0 { return id }
        }
        // Rounding can leave a remainder of nothing: the last one with weight has it.
        return distribution.last { $0.probability > 0 }?.id
    }
}

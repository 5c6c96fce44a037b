import Constraint
import Foundation
import Qwen2VL
import Text

/// A text that the model wrote.
package struct GeneratedText: Sendable, Equatable {
    /// Without special tokens, trimmed of white space at both ends.
    package var text: String
    /// All tokens, the ending one included.
    package var tokens: [TokenID]
    package var finish: FinishReason
    /// Geometric mean of the probabilities of the tokens, 0 to 1; for a free text calibrated, where
    /// the checkpoint brings the means. Where a grammar held the text, the mean is of those tokens
    /// that it left a choice for, and among what it allowed.
    package var confidence: Double
}

/// How texts are written.
package struct Generation: Sendable {
    package let tokenizer: Tokenizer
    package let endOfSequence: [TokenID]
    package let sampling: SamplingSettings
    package let maxNewTokens: Int
    package let calibration: ConfidenceCalibration?
    /// Whether tokens are drafted from what was read and written, and checked together.
    package let drafts: Bool

    package init(
        tokenizer: Tokenizer, endOfSequence: [TokenID], sampling: SamplingSettings,
        maxNewTokens: Int, calibration: ConfidenceCalibration? = nil, drafts: Bool = false
    ) {
        self.tokenizer = tokenizer
        self.endOfSequence = endOfSequence
        self.sampling = sampling
        self.maxNewTokens = maxNewTokens
        self.calibration = calibration
        self.drafts = drafts
    }
}

/// One text while it is written: logits to token, token to text.
package struct TextWriter {
    private let generation: Generation
    /// What the text is held to, from its beginning on.
    private let constraint: ConstrainedText?
    /// M-RoPE position of the first new token.
    private let position: Int
    private var sampler: TokenSampler
    private var detokenizer: StreamingDetokenizer
    private var lookup: PromptLookup?
    private var text = ""
    private var logProbability = 0.0
    private var decisions = 0
    private var finish = FinishReason.length
    private(set) var tokens: [TokenID] = []
    /// The token that the model must read before it gives the next logits; nil where the text has
    /// ended.
    private(set) var pending: TokenID?

    /// - Parameter prompt: ids that the repetition penalty covers.
    package init(
        _ generation: Generation, prompt: [TokenID], position: Int, constraint: ConstrainedText?
    ) {
        self.generation = generation
        self.constraint = constraint
        self.position = position
        sampler = TokenSampler(generation.sampling, prompt: prompt)
        detokenizer = StreamingDetokenizer(
            tokenizer: generation.tokenizer, skippingSpecial: true)
        lookup = generation.drafts ? PromptLookup(prompt) : nil
    }

    /// Position of the pending token.
    var pendingPosition: Int { position + tokens.count - 1 }

    /// Tokens that may follow the pending one, to be checked together with it.
    ///
    /// - Parameter most: tokens at most.
    func draft(_ most: Int) -> [TokenID] {
        lookup?.draft(min(most, generation.maxNewTokens - tokens.count - 1)) ?? []
    }

    /// Notes how much of a draft was right, so that the next is as long as it is worth.
    mutating func judge(drafted: Int, right: Int) { lookup?.judge(drafted: drafted, right: right) }

    /// Chooses the next token.
    ///
    /// - Parameter logits: of the last token of the prompt, or of the pending one.
    /// - Returns: a piece of the text, in whole characters, perhaps empty.
    mutating func take(_ logits: [Float]) throws -> String {
        pending = nil
        guard let token = sampler.next(logits, among: constraint?.allowedTokens()) else {
            throw GenerationError.noFiniteLogits
        }
        tokens.append(token.id)
        lookup?.append(token.id)
        if !token.isForced {
            decisions += 1
            logProbability += log(max(Double(token.probability), .leastNormalMagnitude))
        }
        if generation.endOfSequence.contains(token.id) {
            finish = .stop
            return ""
        }
        constraint?.append(token.id)
        let piece = detokenizer.append(token.id)
        text += piece
        if constraint?.isFinished ?? false {
            finish = .stop
        } else if tokens.count < generation.maxNewTokens {
            pending = token.id
        }
        return piece
    }

    /// Ends the text where there is no room for more.
    mutating func stop() { pending = nil }

    /// The whole of a text that has ended. Where the limit of tokens was reached, a text that is held
    /// to a grammar is closed by the shortest end that makes it a whole.
    ///
    /// - Returns: also the last piece of the text.
    mutating func end() -> (whole: GeneratedText, rest: String) {
        // A text that is held to a grammar ends as the grammar asks, even within a character.
        let rest =
            constraint.map {
                String(
                    decoding: $0.bytes.dropFirst(text.utf8.count) + $0.completion(), as: UTF8.self)
            } ?? detokenizer.finish()
        text += rest
        let probability =
            tokens.isEmpty ? 0 : decisions == 0 ? 1 : exp(logProbability / Double(decisions))
        let whole = GeneratedText(
            text: text.trimmingCharacters(in: .whitespacesAndNewlines), tokens: tokens,
            finish: finish,
            confidence: constraint == nil
                ? generation.calibration?.confidence(probability) ?? probability : probability)
        return (whole, rest)
    }
}

/// Why no token could be chosen.
package enum GenerationError: Error, Sendable, Equatable {
    /// The model gave only NaN or infinities: its weights are broken.
    case noFiniteLogits
}

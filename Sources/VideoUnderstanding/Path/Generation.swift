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

/// The decode loop: logits to token, token to text and back into the model.
package struct Generation {
    package let tokenizer: Tokenizer
    package let endOfSequence: [TokenID]
    package let sampling: SamplingSettings
    package let maxNewTokens: Int
    package var calibration: ConfidenceCalibration?

    /// Writes one text behind what `session` has read.
    ///
    /// - Parameters:
    ///   - logits: of the last token of the prompt.
    ///   - prompt: ids that the repetition penalty covers.
    ///   - position: M-RoPE position of the first new token.
    ///   - constraint: what the text is held to, from its beginning on. Where the limit of tokens is
    ///     reached, the text is closed by the shortest end that makes it a whole.
    ///   - onText: gets the text as it grows, in whole characters, untrimmed.
    package func run(
        _ session: inout Session, logits: [Float], prompt: [TokenID], position: Int,
        constraint: ConstrainedText? = nil, onText: (String) throws -> Void = { _ in }
    ) throws -> GeneratedText {
        var sampler = TokenSampler(sampling, prompt: prompt)
        var detokenizer = StreamingDetokenizer(tokenizer: tokenizer, skippingSpecial: true)
        var logits = logits
        var tokens: [TokenID] = []
        var text = ""
        var logProbability = 0.0
        var decisions = 0
        var finish = FinishReason.length
        while tokens.count < maxNewTokens {
            try Task.checkCancellation()
            let allowed = constraint?.allowedTokens()
            guard let token = sampler.next(logits, among: allowed) else {
                throw GenerationError.noFiniteLogits
            }
            tokens.append(token.id)
            if !token.isForced {
                decisions += 1
                logProbability += log(max(Double(token.probability), .leastNormalMagnitude))
            }
            if endOfSequence.contains(token.id) {
                finish = .stop
                break
            }
            constraint?.append(token.id)
            let piece = detokenizer.append(token.id)
            text += piece
            if !piece.isEmpty { try onText(piece) }
            if constraint?.isFinished ?? false {
                finish = .stop
                break
            }
            guard tokens.count < maxNewTokens, session.length < session.capacity else { break }
            logits = try session.step(token.id, position: position + tokens.count - 1)
        }
        // A text that is held to a grammar ends as the grammar asks, even within a character.
        let rest =
            constraint.map {
                String(
                    decoding: $0.bytes.dropFirst(text.utf8.count) + $0.completion(), as: UTF8.self)
            } ?? detokenizer.finish()
        text += rest
        if !rest.isEmpty { try onText(rest) }
        let probability =
            tokens.isEmpty ? 0 : decisions == 0 ? 1 : exp(logProbability / Double(decisions))
        return GeneratedText(
            text: text.trimmingCharacters(in: .whitespacesAndNewlines), tokens: tokens,
            finish: finish,
            confidence: constraint == nil
                ? calibration?.confidence(probability) ?? probability : probability)
    }
}

/// Why no token could be chosen.
package enum GenerationError: Error, Sendable, Equatable {
    /// The model gave only NaN or infinities: its weights are broken.
    case noFiniteLogits
}

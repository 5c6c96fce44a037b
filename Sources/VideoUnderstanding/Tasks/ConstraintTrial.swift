import Constraint
import Foundation
import OrderedJSON
import Qwen2VL
import Text

/// Holds a model to schemas that knows nothing: one with random logits, over a real vocabulary.
///
/// What comes out shows whether texts are valid whatever a model does.
public struct ConstraintTrial {
    private let tokenizer: Tokenizer
    private let trie: TokenTrie
    private let endToken: TokenID
    /// 1 for each token that only opens, parts or closes: models without a liking for them would
    /// write strings to the limit and nothing else.
    private let closers: [Float]

    /// What became of one schema.
    public struct Outcome: Sendable {
        public var text: String
        /// `stop` where the text ended by itself.
        public var finish: FinishReason
        public var tokens: Int
        /// Processor seconds for working out which tokens may follow: of each token.
        public var seconds: [Double]
    }

    /// - Parameter folder: holds tokenizer.json, or vocab.json and merges.txt.
    public init(tokenizer folder: String) throws(Failure) {
        do {
            tokenizer = try Tokenizer.load(checkpoint: folder)
        } catch {
            throw Failure(error, stage: .tokenize)
        }
        trie = TokenTrie(tokenizer)
        endToken = tokenizer.id(ofSpecial: "<|im_end|>") ?? tokenizer.count
        let tokenizer = tokenizer
        closers = (0..<tokenizer.count).map { id in
            let bytes = tokenizer.bytes(of: id) ?? []
            return bytes.allSatisfy { "\"]},: ".utf8.contains($0) } ? 1 : 0
        }
    }

    /// Of this thread: whatever else a machine is busy with does not count.
    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// One text of a random model.
    ///
    /// - Parameters:
    ///   - instants: what times are drawn from, ascending, in seconds.
    ///   - eagerness: by how much the model prefers to close strings, arrays and objects.
    /// - Throws: `job.invalid` for a schema that is refused.
    public func run(
        schema: JSON, instants: [Double], maxTokens: Int, seed: UInt64, eagerness: Float
    ) throws(Failure) -> Outcome {
        let moments = instants.enumerated().map {
            SampledMoment(index: $0.offset, time: $0.element, instant: $0.element)
        }
        let grammar: Grammar
        do throws(ConstraintError) {
            grammar = try Grammar(
                schema: schema,
                instants: moments.isEmpty ? .placeholder : SampledInstants(moments))
        } catch {
            throw Failure(error, stage: .options)
        }
        let text = ConstrainedText(
            grammar, trie: trie, tokenizer: tokenizer, endTokens: [endToken])
        var random = RandomSource(seed: seed)
        var sampler = TokenSampler(
            SamplingSettings(sample: true, temperature: 1, topP: 0.9, seed: seed))
        var outcome = Outcome(text: "", finish: .length, tokens: 0, seconds: [])
        var logits = [Float](repeating: 0, count: max(tokenizer.count, endToken + 1))
        while outcome.tokens < maxTokens {
            for id in logits.indices {
                logits[id] =
                    Float(random.unit() * 8)
                    + (id < closers.count ? closers[id] : 1) * eagerness
            }
            let start = Self.processorSeconds
            let allowed = text.allowedTokens()
            outcome.seconds.append(Self.processorSeconds - start)
            guard let token = sampler.next(logits, among: allowed) else {
                throw Failure(
                    .internalError, stage: .generate, message: "a grammar left no token")
            }
            outcome.tokens += 1
            if token.id == endToken {
                outcome.finish = .stop
                break
            }
            text.append(token.id)
            if text.isFinished {
                outcome.finish = .stop
                break
            }
        }
        outcome.text = String(decoding: text.bytes + text.completion(), as: UTF8.self)
        return outcome
    }
}

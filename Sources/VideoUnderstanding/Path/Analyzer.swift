import Compute
import Imaging
import Qwen2VL
import Text
import Video

/// A model that is ready to watch videos.
///
/// It is loaded once and serves any number of inputs, one at a time; every call is synchronous and
/// checks for cancellation of its task between frames, passes and tokens.
public final class Analyzer: Sendable {
    package let model: Model
    package let tokenizer: Tokenizer
    package let pool: ThreadPool
    package let encoder: VisionEncoder

    /// - Parameters:
    ///   - folder: a checkpoint in the published layout.
    ///   - weights: convert the matrices on load; nil: use them as they are.
    /// - Throws: `Failure` with a code `model.…`.
    public convenience init(folder: String, weights: ScalarType?, threads: Int) throws(Failure) {
        do {
            // The tokenizer is the smaller file: a folder that lacks it fails at once.
            let tokenizer = try Tokenizer.load(folder: folder)
            let model = try Model.load(folder: folder, weights: weights)
            try self.init(model: model, tokenizer: tokenizer, threads: threads)
        } catch {
            throw Failure(error, stage: .model)
        }
    }

    package init(model: Model, tokenizer: Tokenizer, threads: Int) throws(Failure) {
        self.model = model
        self.tokenizer = tokenizer
        pool = ThreadPool(threads: threads)
        encoder = VisionEncoder(model: model, pool: pool)
    }

    // MARK: - The path

    /// file → frames → patches → visual tokens: opens an input.
    ///
    /// - Parameters:
    ///   - windowed: whether a long input becomes several model inputs. Otherwise it is sampled
    ///     more thinly, evenly over its length, until one model input holds it.
    ///   - tap: sees the patch rows.
    package func open(
        _ input: VideoInput, windowed: Bool, options: AnalysisOptions, timing: inout TimingRecord,
        tap: (([Float]) -> Void)? = nil
    ) throws -> VisualStream {
        let start = ContinuousClock.now
        defer { timing.open += (ContinuousClock.now - start).seconds }
        var sampling = options.sampling
        if !windowed { sampling.maxFrames = options.maxFramesPerInput }
        while true {
            let reader = try VideoReader.open(
                input, sampling: sampling, limits: options.limits, threads: options.threads,
                allowReferences: options.allowReferences)
            let plan = try VisualPlan(
                kind: input.visualKind, source: reader.description.uprightSize,
                frames: reader.expectedFrames, fps: sampling.fps.value,
                windowSeconds: windowed ? options.windowSeconds : nil,
                maxFrames: sampling.maxFrames ?? options.maxFramesPerInput,
                budget: options.budget, model: model.configuration,
                reserve: options.maxNewTokens + Self.textReserve)
            if !windowed, plan.framesBeforeContext != nil {
                sampling.maxFrames = plan.limit.frames
                sampling.minFrames = min(sampling.minFrames, plan.limit.frames)
                continue
            }
            return VisualStream(
                reader, plan: plan, encoder: encoder, model: model.configuration, tap: tap)
        }
    }

    /// Text and visual tokens → ids and positions.
    package func layOut(
        _ visuals: [(kind: VisualKind, grid: PatchGrid)], prompt: String, system: String,
        special: SpecialTokenPolicy = .asText, rule: MRoPERule
    ) throws -> PromptLayout {
        let content: [ChatContent] = visuals.map { $0.kind == .image ? .image : .video }
        let pieces = try ChatTemplate().prompt(
            [
                ChatMessage(role: .system, text: system),
                ChatMessage(role: .user, content: content + [.text(prompt)]),
            ], addGenerationPrompt: true, special: special, tokenizer: tokenizer)
        return PromptLayout(
            pieces: pieces, grids: visuals.map(\.grid), configuration: model.configuration,
            rule: rule)
    }

    /// ids, positions and visual tokens → logits of the last token, or of all.
    ///
    /// - Parameter range: the part of the prompt that the session has not read yet.
    package func read(
        _ layout: PromptLayout, _ range: Range<Int>, visuals: [VisualInput],
        into session: inout Session, allLogits: Bool = false, timing: inout TimingRecord
    ) throws -> [Float] {
        let spans = zip(layout.visuals, visuals).compactMap { place, visual in
            range.contains(place.lowerBound)
                ? VisualSpan(
                    range: place.lowerBound - range.lowerBound..<place.upperBound
                        - range.lowerBound, embeddings: visual.embeddings) : nil
        }
        let start = ContinuousClock.now
        defer { timing.prefill += (ContinuousClock.now - start).seconds }
        return try session.prefill(
            ids: Array(layout.ids[range]), visual: spans, positions: layout.positions[range],
            wantAllLogits: allLogits)
    }

    /// logits → text.
    package func write(
        _ session: inout Session, logits: [Float], layout: PromptLayout, options: AnalysisOptions,
        timing: inout TimingRecord, onEvent: (AnalysisEvent) throws -> Void
    ) throws -> GeneratedText {
        let generation = Generation(
            tokenizer: tokenizer, endOfSequence: model.configuration.tokens.endOfSequence,
            sampling: options.tokenSampling,
            maxNewTokens: options.maxNewTokens)
        let start = ContinuousClock.now
        defer { timing.generate += (ContinuousClock.now - start).seconds }
        return try generation.run(
            &session, logits: logits, prompt: layout.ids, position: layout.positions.next
        ) { try onEvent(.text($0)) }
    }

    // MARK: - Sizes

    /// Tokens of the context that are kept for the template and the words of a prompt.
    package static let textReserve = 1024

    /// A session with room for so many tokens, or a failure where the context or the memory limit
    /// is shorter.
    package func session(
        tokens: Int, options: AnalysisOptions
    ) throws -> Session {
        let limit = model.configuration.text.maxPositions
        guard tokens <= limit else {
            throw Failure(
                .jobInvalid, stage: .prefill,
                message: "the prompt and its answer need \(tokens) tokens, but the model's context "
                    + "is \(limit)",
                hint: "use a shorter prompt, a lower --detail or fewer --max-new-tokens")
        }
        let need = MemoryModel(model.configuration, weightBytes: model.weightBytes)
        let maximum = options.maxMemory
        if need.peak(tokens: tokens) > maximum {
            throw Failure(
                .limitMemory, stage: .prefill,
                message: "about \(ByteSize(bytes: need.peak(tokens: tokens)).text) are needed, "
                    + "more than the limit of \(ByteSize(bytes: maximum).text)",
                hint: "raise --max-memory, or use a lower --detail, a shorter --window or a "
                    + "smaller model")
        }
        return try Session(model: model, pool: pool, capacity: tokens)
    }
}

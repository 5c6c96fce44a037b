import Compute
import Constraint
import Imaging
import Qwen2VL
import Synchronization
import Text
import Video

/// A model that is ready to watch videos.
///
/// It is loaded once and serves any number of inputs, one at a time; every call is synchronous and
/// checks for cancellation of its task between frames, layers and tokens.
public final class Analyzer: Sendable {
    package let model: Model
    /// What documents call the model.
    package let name: String
    package let tokenizer: Tokenizer
    package let pool: ThreadPool
    package let encoder: VisionEncoder
    /// Where the job is done that this is for; nil where one job at a time uses the model.
    let seat: DecodingSeat?
    private let trie: SharedTrie

    /// - Parameters:
    ///   - folder: a checkpoint in the published layout, or a GGUF file.
    ///   - projector: the GGUF file of the vision tower; nil: looked for beside the other.
    ///   - name: what documents call it; nil: by its folder.
    ///   - weights: how the matrices are to be stored in memory.
    ///   - activations: how they are rounded before products with weights.
    ///   - maxMemory: bytes that the weights alone must not exceed; nil: any number.
    /// - Throws: `Failure` with a code `model.…`, or `limit.memory`.
    public convenience init(
        folder: String, projector: String? = nil, name: String? = nil, weights: WeightFormats,
        threads: Int, activations: Activations = .full, maxMemory: Int? = nil
    ) throws(Failure) {
        do {
            if let maxMemory {
                let bytes = try ModelInfo.read(folder: folder, projector: projector)
                    .loadedBytes(weights: weights)
                try Self.requireMemory(bytes, limit: maxMemory, stage: .model)
            }
            // The tokenizer is the smaller file: a folder that lacks it fails at once.
            let tokenizer = try Tokenizer.load(checkpoint: folder)
            let model = try Model.load(
                folder: folder, projector: projector, weights: weights, threads: threads)
            try self.init(
                model: model, name: name, tokenizer: tokenizer, threads: threads,
                activations: activations)
        } catch {
            throw Failure(error, stage: .model)
        }
    }

    package init(
        model: Model, name: String? = nil, tokenizer: Tokenizer, threads: Int,
        activations: Activations = .full
    ) throws(Failure) {
        self.name = name ?? model.name
        self.model = model
        self.tokenizer = tokenizer
        pool = ThreadPool(threads: threads, activations: activations)
        encoder = VisionEncoder(model: model, pool: pool)
        seat = nil
        trie = SharedTrie()
    }

    private init(
        _ other: Analyzer, pool: ThreadPool, encoder: VisionEncoder, at seat: DecodingSeat?
    ) {
        name = other.name
        model = other.model
        tokenizer = other.tokenizer
        trie = other.trie
        self.pool = pool
        self.encoder = encoder
        self.seat = seat
    }

    /// The same model for a job that is open beside others, each used by a thread of its own.
    public func at(_ seat: DecodingSeat) -> Analyzer {
        Analyzer(self, pool: pool, encoder: encoder, at: seat)
    }

    /// The same model in the same memory, with activations rounded this way: for an index that was
    /// made so. Has threads of its own where they are rounded otherwise now, and then no seat.
    public func rounding(_ activations: Activations) -> Analyzer {
        guard activations != pool.activations else { return self }
        let pool = ThreadPool(threads: pool.threads, activations: activations)
        return Analyzer(
            self, pool: pool, encoder: VisionEncoder(model: model, pool: pool), at: nil)
    }

    /// Does what the model computes, when it does so for no other job.
    func computing<Result>(_ body: () throws -> Result) rethrows -> Result {
        seat?.beginComputing()
        defer { seat?.endComputing() }
        return try body()
    }

    // MARK: - The path

    /// file → frames → patches → visual tokens: opens an input.
    ///
    /// - Parameters:
    ///   - windowed: whether a long input becomes several model inputs. Otherwise it is sampled
    ///     more thinly, evenly over its length, until one model input holds it.
    ///   - prompts: the longest of them leaves the rest of the context to visual tokens.
    ///   - checksMemory: whether an input that is too large for the limit is refused.
    ///   - decodesAhead: whether frames are decoded while the model is busy with those before.
    ///   - onDecoded: called by the thread that decodes ahead, for each frame.
    ///   - transcript: of the input; its share of the context is kept free.
    ///   - prepared: the same input, where it was opened ahead with the same options.
    ///   - memory: spares the vision tower pairs that it knows, and gets to know the others.
    ///   - tap: sees the patch rows.
    package func open(
        _ input: VideoInput, windowed: Bool, prompts: [String], checksMemory: Bool = true,
        decodesAhead: Bool = true, onDecoded: (@Sendable () -> Void)? = nil,
        transcript: Transcript = .none, options: AnalysisOptions,
        prepared: PreparedVideo? = nil, memory: VideoMemory? = nil, timing: inout TimingRecord,
        tap: (([Float]) -> Void)? = nil
    ) throws -> VisualStream {
        let start = ContinuousClock.now
        defer { timing.open += (ContinuousClock.now - start).seconds }
        if let prepared {
            let reader = FrameReader(prepared.video)
            try reserve(
                prepared.plan, windowed: windowed, frames: reader.exactFrames, prompts: prompts,
                transcript: transcript, options: options)
            return VisualStream(
                reader, plan: prepared.plan, minShot: options.minSegmentSeconds, encoder: encoder,
                model: model.configuration, prune: options.prune, ablation: options.ablation,
                seat: seat)
        }
        let opened = try open(
            input, windowed: windowed, prompts: prompts, checksMemory: checksMemory,
            transcript: transcript, options: options)
        try reserve(
            opened.plan, windowed: windowed, frames: opened.reader.exactFrames, prompts: prompts,
            transcript: transcript, options: options)
        // Whoever taps wants pictures as they are.
        try opened.reader.begin(
            target: tap == nil ? opened.plan.transferSize : nil, ahead: decodesAhead,
            onDecoded: onDecoded)
        return VisualStream(
            opened.reader, plan: opened.plan, minShot: options.minSegmentSeconds,
            encoder: encoder, model: model.configuration, prune: options.prune,
            ablation: options.ablation, memory: memory, seat: seat, tap: tap)
    }

    /// Opens an input ahead of its turn; nil where it is decoded in this process, in its turn.
    ///
    /// - Throws: `Failure`.
    public func prepare(
        _ input: VideoInput, for use: VideoUse, settings: Settings
    ) throws(Failure) -> PreparedVideo? {
        guard settings.decoding != .inProcess else { return nil }
        do {
            let settings = try fitted(input, for: use, settings: settings)
            let options = AnalysisOptions(settings, model: model.configuration)
            let transcript = try transcript(of: input, options: options)
            let opened =
                switch use {
                case .summary:
                    try open(
                        input, windowed: true, prompts: [options.segmentPrompt],
                        checksMemory: true, transcript: transcript, options: options)
                case .answers(let questions):
                    try open(
                        input, windowed: false,
                        prompts: questions.map {
                            Prompts.asking($0, shape: options.answerShape)
                        }, checksMemory: settings.look != .windows, transcript: transcript,
                        options: options)
                }
            guard let video = opened.reader.remote else { return nil }
            try video.begin(target: opened.plan.transferSize)
            return PreparedVideo(
                video, plan: opened.plan, transcript: transcript, settings: settings)
        } catch {
            throw Failure(error, stage: .open)
        }
    }

    /// A reader at its first frame, and the plan for what it gives.
    private struct OpenedVideo: ~Copyable {
        var reader: FrameReader
        var plan: VisualPlan
    }

    private func open(
        _ input: VideoInput, windowed: Bool, prompts: [String], checksMemory: Bool,
        transcript: Transcript, options: AnalysisOptions
    ) throws -> OpenedVideo {
        let room = try roomForVisualTokens(
            prompts: prompts, reserved: reservedTokens(for: transcript, options: options),
            options: options)
        var sampling = options.sampling
        sampling.detectsCuts = windowed && options.windowsEndAtCuts
        if !windowed {
            // Frames go in pairs; an odd bound would cut the last one off.
            sampling.maxFrames = max(2, options.maxFramesPerInput & ~1)
        }
        var framesBeforeContext: Int?
        while true {
            let reader = try FrameReader(input, sampling: sampling, options: options)
            var plan = try VisualPlan(
                kind: reader.kind, source: reader.description.uprightSize,
                frames: reader.expectedFramesIsExact ? reader.expectedFrames : nil,
                fps: sampling.fps.value, windowSeconds: windowed ? options.windowSeconds : nil,
                maxFrames: sampling.maxFrames ?? options.maxFramesPerInput,
                budget: options.budget, model: model.configuration, room: room)
            if !windowed, let wanted = plan.framesBeforeContext,
                plan.limit.frames < sampling.maxFrames ?? .max
            {
                framesBeforeContext = framesBeforeContext ?? wanted
                sampling.maxFrames = plan.limit.frames
                sampling.minFrames = min(sampling.minFrames, plan.limit.frames)
                continue
            }
            plan.framesBeforeContext = plan.framesBeforeContext ?? framesBeforeContext
            if checksMemory {
                // Before anything is decoded; the session checks again with exact numbers.
                let frames = min(reader.expectedFrames ?? plan.limit.frames, plan.limit.frames)
                try requireMemory(
                    tokens: (frames + 1) / 2 * plan.tokensPerPair + options.maxNewTokens,
                    plan: plan, options: options)
            }
            return OpenedVideo(reader: reader, plan: plan)
        }
    }

    /// Tokens of the context that are left beside the longest prompt and its answer.
    ///
    /// - Parameter reserved: tokens that the prompt grows by when a window is known.
    func roomForVisualTokens(
        prompts: [String], reserved: Int, options: AnalysisOptions
    ) throws -> Int {
        let context = model.configuration.text.maxPositions
        let text =
            try prompts.map {
                try layOut([], prompt: $0, system: options.system, rule: options.mrope).ids.count
            }.max() ?? 0
        // The marks around the visual input, and the cuts between tokens that they move.
        let room = context - text - reserved - options.maxNewTokens - 8
        guard room > 0 else { throw contextExceeded(text + reserved + options.maxNewTokens) }
        return room
    }

    func contextExceeded(_ tokens: Int) -> Failure {
        Failure(
            .optionsInvalid, stage: .prefill,
            message: "the prompt and its answer need \(tokens) tokens, but the model's context is "
                + "\(model.configuration.text.maxPositions)",
            hint: "use a shorter prompt, fewer --max-new-tokens or, for an image, --max-pixels")
    }

    /// Text and visual tokens → ids and positions.
    ///
    /// - Parameter continuation: tokens that stand behind the prompt, as if they had been written.
    package func layOut(
        _ visuals: [VisualPlace], prompt: String, system: String,
        special: SpecialTokenPolicy = .asText, rule: MRoPERule, ablation: Ablation? = nil,
        continuation: [TokenID] = []
    ) throws -> PromptLayout {
        let content: [ChatContent] = visuals.map { $0.kind == .image ? .image : .video }
        let pieces = try ChatTemplate().prompt(
            [
                ChatMessage(role: .system, text: system),
                ChatMessage(role: .user, content: content + [.text(prompt)]),
            ], addGenerationPrompt: true, special: special, tokenizer: tokenizer)
        return PromptLayout(
            pieces: continuation.isEmpty ? pieces : pieces + [.tokens(continuation)],
            places: visuals, configuration: model.configuration, rule: rule, ablation: ablation)
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
        return try computing {
            try session.prefill(
                ids: Array(layout.ids[range]), visual: spans, positions: layout.positions[range],
                wantAllLogits: allLogits)
        }
    }

    /// logits → text, of the selected sequence.
    package func write(
        _ session: inout Session, logits: [Float], layout: PromptLayout, options: AnalysisOptions,
        constraint: ConstrainedText? = nil, timing: inout TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void
    ) throws -> GeneratedText {
        var group = TextGroup()
        let start = ContinuousClock.now
        defer { timing.generate += (ContinuousClock.now - start).seconds }
        let piece = group.add(
            session.current, writer(of: layout, options: options, constraint: constraint),
            logits: logits)
        if !piece.isEmpty { try onEvent(.text(piece)) }
        try group.write(&session, at: seat) { try onEvent(.text($0)) }
        return try group.texts[0].get()
    }

    /// Writes the text that follows a prompt.
    ///
    /// - Parameter drafts: whether guesses at what follows are worth their while; the options may
    ///   say otherwise.
    func writer(
        of layout: PromptLayout, options: AnalysisOptions, constraint: ConstrainedText? = nil,
        drafts: Bool = false
    ) -> TextWriter {
        TextWriter(
            Generation(
                tokenizer: tokenizer, endOfSequence: model.configuration.tokens.endOfSequence,
                sampling: options.tokenSampling, maxNewTokens: options.maxNewTokens,
                calibration: model.configuration.calibration,
                drafts: options.drafts == .auto ? drafts : options.drafts == .on),
            prompt: layout.ids, position: layout.positions.next, constraint: constraint)
    }

    /// Holds texts of this model to a grammar.
    package func constraint(_ grammar: Grammar) -> ConstrainedText {
        ConstrainedText(
            grammar, trie: trie.of(tokenizer), tokenizer: tokenizer,
            endTokens: model.configuration.tokens.endOfSequence)
    }
}

/// The tokens of a model in the order of their bytes, made when a text is first held to a grammar.
private final class SharedTrie: Sendable {
    private let trie = Mutex<TokenTrie?>(nil)

    func of(_ tokenizer: Tokenizer) -> TokenTrie {
        trie.withLock { trie in
            let known = trie ?? TokenTrie(tokenizer)
            trie = known
            return known
        }
    }
}

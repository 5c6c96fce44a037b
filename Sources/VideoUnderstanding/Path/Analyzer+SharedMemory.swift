import Qwen2VL

/// What a job that is open beside others has of the memory.
extension Analyzer {
    /// Waits until there is room for all that a job on an input may need, beside what other jobs have.
    ///
    /// Whether the job fits at all, and what is to be changed so that it does, was decided before, as if
    /// it were alone.
    func reserve(
        _ plan: VisualPlan, windowed: Bool, frames: Int?, prompts: [String],
        transcript: Transcript, options: AnalysisOptions
    ) throws {
        guard let seat else { return }
        let context = model.configuration.text.maxPositions
        let room = try roomForVisualTokens(
            prompts: prompts, reserved: reservedTokens(for: transcript, options: options),
            options: options)
        try seat.reserve(
            bytes(
                of: plan, windowed: windowed, frames: frames, text: context - room,
                texts: prompts.count, options: options))
    }

    /// Bytes that a job takes at most, beside the weights and the program.
    ///
    /// - Parameters:
    ///   - frames: of the whole input; nil: not known.
    ///   - text: tokens of the longest prompt and its answer.
    ///   - texts: questions, or 1.
    func bytes(
        of plan: VisualPlan, windowed: Bool, frames: Int?, text: Int, texts: Int,
        options: AnalysisOptions
    ) -> Int {
        let sizes = model.configuration.text
        func visual(_ frames: Int) -> Int { (frames + 1) / 2 * plan.tokensPerPair }
        let window = visual(min(frames ?? .max, plan.limit.frames))
        let tokens = min(sizes.maxPositions, window + text)
        let alone = memory(tokens: tokens, plan: plan, options: options)
        // Logits are there twice: as they come, and while a token is chosen.
        let logits = 8 * Session.draftRows * sizes.vocabulary
        func branch(_ tokens: Int) -> Int {
            sizes.cacheBytes(tokens: tokens + 64, kv: options.kv) + logits
        }
        guard windowed else {
            let branches = min(texts, options.batch)
            return alone.ofJob + max(0, branches - 1) * branch(text)
        }
        let grouping = grouping(plan, options: options)
        let group = min(
            grouping.bytes,
            frames.map {
                sizes.cacheBytes(tokens: visual($0) + grouping.windows * text, kv: options.kv)
            } ?? .max)
        let beside = MemoryModel(model.configuration, weightBytes: model.weightBytes).besideGroup(
            MemoryModel.Input(
                tokens: tokens, visualTokens: window, patchesPerPair: patches(plan)))
        let notes = min(sizes.maxPositions, (Self.mostNotes + 1) * (options.maxNewTokens + 45) + 64)
        let summing = memory(tokens: notes, plan: nil, options: options)
        let lists = min(options.batch, 1 + (frames ?? .max) / plan.limit.frames)
        return max(
            alone.ofJob, alone.frames + beside + group + grouping.windows * logits,
            alone.frames + summing.ofJob + max(0, lists - 1) * branch(notes))
    }
}

extension MemoryEstimate {
    /// All but what is there once, however many jobs are open.
    var ofJob: Int { peak - weights - program }
}

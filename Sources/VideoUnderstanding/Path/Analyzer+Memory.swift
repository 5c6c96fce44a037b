import Compute
import Qwen2VL
import Text

/// Sessions, and what the path needs of memory: nothing is begun that would exceed the limit.
extension Analyzer {
    /// A session with room for so many tokens, or a failure where the context or the memory limit
    /// is shorter.
    ///
    /// - Parameter extra: bytes that are in use beside the model's own.
    package func session(
        tokens: Int, plan: VisualPlan?, extra: Int = 0, options: AnalysisOptions
    ) throws -> Session {
        try requireContext(tokens)
        try requireMemory(tokens: tokens, plan: plan, extra: extra, options: options)
        seat?.note(memory(tokens: tokens, plan: plan, options: options).ofJob + extra)
        return try Session(model: model, pool: pool, capacity: tokens, kv: options.kv)
    }

    /// A session whose branches share a trunk: as many as are wanted, fewer where memory is short.
    ///
    /// - Parameters:
    ///   - trunk: tokens that branches begin with, at most.
    ///   - each: tokens that a branch has of its own.
    ///   - longest: tokens of the longest sequence.
    ///   - extra: bytes that each branch needs beside its tokens.
    package func session(
        trunk: Int, branches wanted: Int, each: Int, longest: Int, extra: Int = 0,
        plan: VisualPlan?, options: AnalysisOptions
    ) throws -> Session {
        try requireContext(longest)
        try requireMemory(tokens: longest, plan: plan, options: options)
        let text = model.configuration.text
        let estimate = memory(tokens: longest, plan: plan, options: options)
        let need = estimate.peak
        // Its logits are there twice: as they come, and while a token is chosen.
        let bytes =
            text.cacheBytes(tokens: each + KVPages.tokensPerPage, kv: options.kv)
            + 8 * Session.draftRows * text.vocabulary + extra
        let fits = 1 + max(0, options.maxMemory - need) / max(1, bytes)
        let count = min(wanted, options.batch, fits, KVPages.mostSequences - 1)
        seat?.note(estimate.ofJob + max(0, count - 1) * bytes)
        return try Session(
            model: model, pool: pool, capacity: max(1, trunk), kv: options.kv,
            branches: max(1, count), branchCapacity: each)
    }

    /// A session for windows that are described together, each in a branch that shares nothing.
    ///
    /// - Parameters:
    ///   - windows: how many, at most.
    ///   - each: tokens of the longest of them and its text. Memory is taken as they come.
    func session(windows: Int, each: Int, options: AnalysisOptions) throws -> Session {
        try Session(
            model: model, pool: pool, capacity: 1, kv: options.kv, branches: windows,
            branchCapacity: each)
    }

    /// How windows of a video are to be grouped, so that the limit of memory holds.
    package func grouping(_ plan: VisualPlan, options: AnalysisOptions) -> WindowGrouping {
        let largest = memory(
            tokens: plan.limit.frames / 2 * plan.tokensPerPair + options.maxNewTokens, plan: plan,
            options: options)
        let input = MemoryModel.Input(
            tokens: Session.chunk, visualTokens: plan.limit.frames / 2 * plan.tokensPerPair,
            patchesPerPair: patches(plan))
        let sizes = MemoryModel(model.configuration, weightBytes: model.weightBytes)
        let beside = sizes.besideGroup(input)
        let left =
            options.maxMemory - largest.program - largest.weights - largest.frames - beside
        return WindowGrouping(
            windows: min(options.batch, KVPages.mostSequences - 1),
            bytes: min(WindowGrouping.standardBytes, max(0, left)))
    }

    /// Takes the next window into a group.
    ///
    /// - Parameters:
    ///   - tokens: of the prompt with the window and of the text.
    ///   - visual: those of them that are visual.
    func place(
        _ tokens: Int, visual: Int, in grouping: inout WindowGrouping, _ plan: VisualPlan,
        options: AnalysisOptions
    ) -> WindowGrouping.Place {
        let text = model.configuration.text
        return grouping.add(
            text.cacheBytes(tokens: tokens, kv: options.kv),
            least: text.cacheBytes(tokens: tokens - visual + plan.tokensPerPair, kv: options.kv))
    }

    func requireContext(_ tokens: Int) throws {
        guard tokens <= model.configuration.text.maxPositions else {
            throw contextExceeded(tokens)
        }
    }

    /// - Throws: `limit.memory` where one model input of so many tokens would exceed the limit.
    package func requireMemory(
        tokens: Int, plan: VisualPlan?, extra: Int = 0, options: AnalysisOptions
    ) throws {
        let need = memory(tokens: tokens, plan: plan, options: options)
        try Self.requireMemory(need.peak + extra, limit: options.maxMemory, stage: .prefill)
    }

    /// What one model input of so many tokens needs.
    package func memory(
        tokens: Int, plan: VisualPlan?, options: AnalysisOptions
    ) -> MemoryEstimate {
        memory(
            MemoryModel.Input(
                tokens: tokens, visualTokens: plan == nil ? 0 : tokens,
                patchesPerPair: plan.map(patches) ?? 0),
            plan: plan, options: options)
    }

    /// Patches of a pair.
    func patches(_ plan: VisualPlan) -> Int {
        let merge = model.configuration.vision.mergeSize
        return plan.tokensPerPair * merge * merge
    }

    func memory(
        _ input: MemoryModel.Input, plan: VisualPlan?, options: AnalysisOptions
    ) -> MemoryEstimate {
        let sizes = MemoryModel(model.configuration, weightBytes: model.weightBytes)
        let cache = sizes.cache(tokens: input.tokens, kv: options.kv)
        return MemoryEstimate(
            program: sizes.program, weights: sizes.weights, cache: cache,
            scratch: sizes.scratch(input, cache: cache),
            frames: plan.map { sizes.frames(of: $0.source) + $0.waitingBytes(frames: nil) } ?? 0,
            limit: options.maxMemory)
    }

    package static func requireMemory(
        _ bytes: Int, limit: Int, stage: FailureStage
    ) throws(Failure) {
        guard bytes > limit else { return }
        throw Failure(
            .limitMemory, stage: stage,
            message: "about \(ByteSize(bytes: bytes).text) are needed, more than the limit of "
                + ByteSize(bytes: limit).text,
            hint: "raise --max-memory, or use a lower --detail, a shorter --window or a smaller "
                + "model")
    }
}

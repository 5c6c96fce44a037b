import Compute
import Imaging
import OrderedJSON
import Qwen2VL
import Text
import Video

extension Analyzer {
    /// What a summary of a video would take: exact tokens, memory, and an estimate of the time.
    ///
    /// The video is decoded once, since only that tells how many frames there really are and where
    /// windows end at cuts, and which pairs of frames repeat; the model does not run. Tokens are those of the windows: summing up
    /// the texts of several windows comes on top, and depends on what they say.
    /// - Throws: `Failure`.
    public func plan(
        _ input: VideoInput, settings: Settings, onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> PlanDocument {
        do {
            return try planning(
                input, settings, AnalysisOptions(settings, model: model.configuration), onEvent)
        } catch {
            throw Failure(error, stage: .decode)
        }
    }

    private func planning(
        _ input: VideoInput, _ settings: Settings, _ options: AnalysisOptions,
        _ onEvent: (AnalysisEvent) throws -> Void
    ) throws -> PlanDocument {
        var timing = TimingRecord()
        let transcript = try transcript(of: input, options: options)
        let stream = try open(
            input, windowed: true, prompts: [options.segmentPrompt], checksMemory: false,
            transcript: transcript, options: options, timing: &timing)
        var reading = TranscriptReading(transcript, of: stream.description, options: options)
        let plan = stream.plan
        try onEvent(.opened(duration: stream.description.duration))
        var windows = stream.intoWindows()
        let geometry = PatchGeometry(model.configuration.vision)
        var planned: [PlannedWindow] = []
        var counter = PairCounter(prune: options.prune, plan: plan, model: model.configuration)
        while let window = try windows.next(
            timing: &timing,
            onPair: { first, second, timing in
                timing.measure(\.preprocess) {
                    counter.add(first.image, (second ?? first).image)
                }
            })
        {
            let count = counter.finish()
            let grid = geometry.grid(of: plan.target, pairs: count.pairs)
            let layout = try layOut(
                [VisualPlace(plan.kind, grid, kept: count.kept)],
                prompt: reading.prompt(
                    options.segmentPrompt, from: window.start, to: window.next?.time,
                    tokenizer: tokenizer),
                system: options.system, rule: options.mrope)
            let end = window.next?.time ?? windows.reader.report.end
            planned.append(
                PlannedWindow(
                    range: TimeRange(start: window.start, end: end),
                    frames: window.moments.count, frameSize: plan.target, grid: grid,
                    encodedPairs: count.encoded,
                    visualTokens: count.kept?.count ?? grid.time * plan.tokensPerPair,
                    droppedVisualTokens: options.prune.map { _ in count.kept?.dropped ?? 0 },
                    promptTokens: layout.ids.count))
            try onEvent(.seen(time: end))
        }
        let report = windows.reader.report
        let description = windows.reader.description
        let longest = planned.map(\.promptTokens).max() ?? 0
        var memory = memory(
            tokens: longest + options.maxNewTokens, plan: plan, options: options)
        memory.limit = options.maxMemory
        let patches = plan.tokensPerPair * geometry.mergeSize * geometry.mergeSize
        return PlanDocument(
            uri: input.uri, container: description.container, codec: description.codec,
            duration: description.duration, size: description.uprightSize, windows: planned,
            model: record(mrope: options.mrope),
            usage: planned.reduce(into: UsageRecord()) { usage, window in
                usage += UsageRecord(
                    visualTokens: window.visualTokens,
                    droppedVisualTokens: window.droppedVisualTokens,
                    promptTokens: window.promptTokens, generatedTokens: options.maxNewTokens)
            },
            memory: memory,
            estimate: estimate(planned, patches: patches, options: options, decode: timing.decode),
            settings: effective(settings.reading(transcript)).json(for: .summary),
            warnings: modelWarnings + plan.warnings + report.warningRecords + reading.warnings)
    }

    /// Seconds by stage, from operations and bytes counted, and rates measured now.
    private func estimate(
        _ windows: [PlannedWindow], patches: Int, options: AnalysisOptions, decode: Double
    ) -> TimingRecord {
        let work = WorkCount(model.configuration)
        let flops = MachineLimits.peak(pool)
        let bandwidth = MachineLimits.readBandwidth(pool, bytes: 512 << 20, repeats: 2)
        var timing = TimingRecord()
        timing.decode = decode
        for window in windows {
            timing.vision +=
                work.vision(pairs: window.encodedPairs, patchesPerPair: patches)
                / (flops * Self.computeShare)
            timing.prefill +=
                work.prefill(tokens: window.promptTokens) / (flops * Self.computeShare)
            timing.generate +=
                Double(options.maxNewTokens)
                * work.decodeBytes(
                    weights: model.decodeWeightBytes, context: window.promptTokens, kv: options.kv)
                / (bandwidth * Self.bandwidthShare)
        }
        timing.total = timing.decode + timing.vision + timing.prefill + timing.generate
        return timing
    }

    /// Parts of the machine's best rates that the path usually reaches; see `reelscribe bench`.
    private static let computeShare = 0.65
    private static let bandwidthShare = 0.85
}

import Compute
import Imaging
import OrderedJSON
import Qwen2VL
import Synchronization
import Text
import Video

extension Analyzer {
    /// What a summary of a video would take: exact tokens, memory, and an estimate of the time.
    ///
    /// The video is decoded once, since only that tells how many frames there really are, where
    /// windows end at cuts, and which pairs of frames repeat; of the model, its first layers run for a
    /// fraction of a second. Tokens are those of the windows: summing up the texts of several windows
    /// comes on top, and depends on what they say.
    ///
    /// - Throws: `Failure`.
    public func plan(
        _ input: VideoInput, settings: Settings, onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> PlanDocument {
        do {
            let start = ProcessMemory.resident
            var fitting = settings
            do {
                fitting = try fitted(input, for: .summary, settings: settings)
            } catch let failure as Failure where failure.code == .limitMemory {
                // That it does not fit is what the plan says.
            }
            return try planning(
                input, fitting, AnalysisOptions(fitting, model: model.configuration),
                residentBefore: start, onEvent)
        } catch {
            throw Failure(error, stage: .decode)
        }
    }

    private func planning(
        _ input: VideoInput, _ settings: Settings, _ options: AnalysisOptions,
        residentBefore: Int?, _ onEvent: (AnalysisEvent) throws -> Void
    ) throws -> PlanDocument {
        var timing = TimingRecord()
        let weightsBefore = ProcessMemory.residentOfCheckpoints
        let transcript = try transcript(of: input, options: options)
        let resident = PeakResident()
        let stream = try open(
            input, windowed: true, prompts: [options.segmentPrompt], checksMemory: false,
            onDecoded: { resident.note() }, transcript: transcript, options: options,
            timing: &timing)
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
                resident.note()
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
        if input.canBeReadAgain {
            _ = try timing.measure(\.open) { try Video.sha256(of: input) }
        }
        let report = windows.reader.report
        let description = windows.reader.description
        let groups = groups(planned, plan, options: options)
        let need =
            groups.map(\.need).max { $0.peak < $1.peak }
            ?? memory(tokens: options.maxNewTokens, plan: plan, options: options)
        let summing = try summingUp(planned, options: options)
        let estimate = try estimate(
            planned, together: groups.map(\.windows), summing?.prompts ?? [],
            patches: geometry.grid(of: plan.target, pairs: 1), options: options, timing: timing)
        var measured: MemoryEstimate?
        if let residentBefore {
            var found = need
            found.program = max(0, residentBefore - weightsBefore - model.ownedBytes)
            // Nobody was busy here while frames came.
            let waiting = waitingBytes(planned, plan, estimate)
            found.frames =
                max(resident.most, residentBefore) - residentBefore
                + max(0, waiting - windows.reader.mostWaitingBytes)
            measured = found
        }
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
            memory: need, measuredMemory: measured, summingUp: summing?.total,
            estimate: estimate,
            settings: effective(settings.reading(transcript)).json(for: .summary),
            warnings: modelWarnings + settings.warnings + plan.warnings + report.warningRecords
                + reading.warnings)
    }

    /// Bytes of the frames that will wait for the model at most: the queue is full where the model is
    /// slower than the decoder, and never where there is nothing left to come when it is busy first.
    private func waitingBytes(
        _ windows: [PlannedWindow], _ plan: VisualPlan, _ estimate: TimingRecord
    ) -> Int {
        let taken = 2 * max(1, VisionEncoder.chunkRows / max(1, patches(plan)))
        let left = max(0, windows.reduce(0) { $0 + $1.frames } - taken)
        let busy = estimate.vision + estimate.prefill + estimate.generate
        let share = min(1, busy / max(estimate.decode, 1e-6))
        return Int(share * Double(plan.waitingBytes(frames: left)))
    }

    /// Windows that will be described together: how many, and what they need.
    private func groups(
        _ windows: [PlannedWindow], _ plan: VisualPlan, options: AnalysisOptions
    ) -> [(windows: Int, need: MemoryEstimate)] {
        let sizes = MemoryModel(model.configuration, weightBytes: model.weightBytes)
        let inputs = windows.map { window in
            MemoryModel.Input(
                tokens: window.promptTokens + options.maxNewTokens,
                visualTokens: window.visualTokens, patchesPerPair: patches(plan),
                encodedPairs: window.encodedPairs)
        }
        var grouping = grouping(plan, options: options)
        var groups: [(windows: Int, need: MemoryEstimate)] = []
        var open: [MemoryModel.Input] = []
        func end(before next: MemoryModel.Input?) {
            guard let last = open.last else { return }
            let (cache, scratch) = sizes.group(open, next: next, kv: options.kv)
            var need = memory(last, plan: plan, options: options)
            (need.cache, need.scratch) = (cache, scratch)
            groups.append((open.count, need))
            open = []
        }
        for input in inputs {
            let place = place(
                input.tokens, visual: input.visualTokens, in: &grouping, plan, options: options)
            if place.endsBefore { end(before: input) }
            open.append(input)
            if place.endsAfter { end(before: nil) }
        }
        end(before: nil)
        return groups
    }

    /// Prompts that sum up the texts of several windows, if every text is as long as it may be and
    /// every window a segment; chapters come on top of that.
    ///
    /// - Returns: tokens of each prompt, and of all; nil where there is nothing to sum up.
    private func summingUp(
        _ windows: [PlannedWindow], options: AnalysisOptions
    ) throws -> (prompts: [Int], total: UsageRecord)? {
        guard windows.count > 1 else { return nil }
        let longest = options.maxNewTokens
        // What surrounds a note takes up to 45 tokens.
        let fitting = max(1, try roomForNotes(options) / (longest + 45))
        var notes = windows.map {
            Prompts.Note(
                start: Timecode.text(of: $0.range.start), end: Timecode.text(of: $0.range.end),
                text: "")
        }
        var prompts: [Int] = []
        while notes.count > 1 {
            let groups = (notes.count + Self.mostNotes - 1) / Self.mostNotes
            let size = min(fitting, (notes.count + groups - 1) / groups)
            guard size > 1 else { break }
            var next: [Prompts.Note] = []
            for first in stride(from: 0, to: notes.count, by: size) {
                let group = Array(notes[first..<min(first + size, notes.count)])
                next.append(
                    Prompts.Note(start: group[0].start, end: group[group.count - 1].end, text: ""))
                guard group.count > 1 else { continue }
                let layout = try layOut(
                    [], prompt: Prompts.whole(of: group), system: options.system,
                    rule: options.mrope)
                prompts.append(layout.ids.count + group.count * longest)
            }
            notes = next
        }
        return (
            prompts,
            UsageRecord(
                promptTokens: prompts.reduce(0, +), generatedTokens: prompts.count * longest)
        )
    }

    /// Seconds by stage, if every text is as long as it may be.
    ///
    /// - Parameters:
    ///   - groups: how many of the windows are described together, for each group.
    ///   - prompts: tokens of the prompts that sum up.
    ///   - timing: what was measured of the video itself.
    private func estimate(
        _ windows: [PlannedWindow], together groups: [Int], _ prompts: [Int],
        patches: PatchGrid, options: AnalysisOptions, timing: TimingRecord
    ) throws -> TimingRecord {
        let lengths = (windows.map(\.promptTokens) + prompts).sorted()
        guard !lengths.isEmpty else { return timing }
        let trial = try SpeedTrial(
            model, pool: pool, patches: patches,
            pairs: windows.map(\.encodedPairs).max() ?? 0,
            context: lengths[lengths.count / 2] + options.maxNewTokens / 2,
            together: groups.max() ?? 1, kv: options.kv)
        var timing = timing
        timing.vision = windows.reduce(0) { $0 + Double($1.encodedPairs) * trial.pair }
        timing.prefill = lengths.reduce(0) { $0 + trial.prefill(tokens: $1) }
        let language = model.decodeWeightBytes
        timing.prefill += trial.arrival(bytes: language)
        timing.vision += trial.arrival(bytes: model.weightBytes - language)
        timing.generate = (groups + Array(repeating: 1, count: prompts.count)).reduce(0) {
            $0 + trial.generation(tokens: options.maxNewTokens, texts: $1)
        }
        timing.total =
            timing.open + timing.decode + timing.preprocess + timing.vision + timing.prefill
            + timing.generate
        return timing
    }
}

/// The largest resident size of this process that any thread has noted.
private final class PeakResident: Sendable {
    private let bytes = Atomic(0)

    var most: Int { bytes.load(ordering: .relaxed) }

    func note() { _ = bytes.max(ProcessMemory.resident ?? 0, ordering: .relaxed) }
}

import Imaging
import OrderedJSON
import Qwen2VL
import Text
import Video

extension Analyzer {
    /// Watches a video window by window, writes down what each shows, and sums it up.
    ///
    /// - Parameter prepared: from `prepare` with the same input and settings.
    /// - Throws: `Failure`.
    public func summarize(
        _ input: VideoInput, settings: Settings, prepared: PreparedVideo? = nil,
        onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> SummaryDocument {
        do {
            return try summarizing(
                input, settings, AnalysisOptions(settings, model: model.configuration), prepared,
                onEvent)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    private func summarizing(
        _ input: VideoInput, _ settings: Settings, _ options: AnalysisOptions,
        _ prepared: PreparedVideo?, _ onEvent: (AnalysisEvent) throws -> Void
    ) throws -> SummaryDocument {
        var timing = TimingRecord()
        let start = ContinuousClock.now
        let transcript = try prepared?.transcript ?? transcript(of: input, options: options)
        var stream = try open(
            input, windowed: true, prompts: [options.segmentPrompt], transcript: transcript,
            options: options, prepared: prepared, timing: &timing)
        try onEvent(.opened(duration: stream.description.duration))
        var reading = TranscriptReading(transcript, of: stream.description, options: options)
        var story = Story()
        while let visual = try stream.next(timing: &timing, onEvent: onEvent) {
            try onEvent(.stage("describing \(Timecode.text(of: visual.window.start))"))
            let (text, layout) = try answer(
                [visual], stream.plan,
                prompt: reading.prompt(
                    options.segmentPrompt, from: visual.window.start,
                    to: visual.window.next?.time, tokenizer: tokenizer),
                options: options,
                timing: &timing, onEvent: onEvent)
            story.add(text, to: visual, promptTokens: layout.ids.count)
        }
        let windows = story.segments(end: stream.end)
        let segments = options.joinsRepetitions ? windows.joiningRepetitions() : windows
        var chapters: [ChapterRecord] = []
        for range in options.makesChapters ? ChapterPlan(segments).chapters : [] {
            let parts = segments[range]
            let text = try condense(
                parts.map(\.note), options: options, usage: &story.usage, finish: &story.finish,
                timing: &timing, onEvent: onEvent)
            chapters.append(
                ChapterRecord(
                    range: TimeRange(
                        start: segments[range.lowerBound].range.start,
                        end: segments[range.upperBound - 1].range.end),
                    summary: text, segments: range))
        }
        // Few notes are summed up as they are: what a chapter leaves out is lost to the whole.
        let isShort = chapters.isEmpty || segments.count <= Self.mostNotes
        let whole = try condense(
            isShort ? segments.map(\.note) : chapters.map(\.note), options: options,
            usage: &story.usage, finish: &story.finish, timing: &timing, onEvent: onEvent)
        let video = try record(of: input, stream, timing: &timing)
        timing.total = (ContinuousClock.now - start).seconds
        return SummaryDocument(
            video: video, summary: whole, segments: segments, chapters: chapters,
            provenance: provenance(
                stream, grids: story.grids, moments: story.moments, for: .summary,
                settings: settings.reading(transcript), usage: story.usage, finish: story.finish,
                warnings: reading.warnings, timing: timing))
    }

    /// Reads visual inputs and a prompt in a session of their own, and writes a text.
    private func answer(
        _ visuals: [VisualInput], _ plan: VisualPlan?, prompt: String, options: AnalysisOptions,
        timing: inout TimingRecord, onEvent: (AnalysisEvent) throws -> Void
    ) throws -> (GeneratedText, PromptLayout) {
        let layout = try layOut(
            visuals.map { ($0.kind, $0.grid) }, prompt: prompt, system: options.system,
            rule: options.mrope, ablation: options.ablation)
        var session = try session(
            tokens: layout.ids.count + options.maxNewTokens, plan: plan, options: options)
        let logits = try read(
            layout, 0..<layout.ids.count, visuals: visuals, into: &session, timing: &timing)
        let text = try write(
            &session, logits: logits, layout: layout, options: options, timing: &timing,
            onEvent: onEvent)
        return (text, layout)
    }

    /// Notes that are summed up at once: of many more a model forgets most.
    private static let mostNotes = 12

    /// One text from notes on consecutive parts, by as many rounds as the context needs.
    ///
    /// A single part speaks for the whole: asking again could only lose.
    private func condense(
        _ parts: [Prompts.Note], options: AnalysisOptions, usage: inout UsageRecord,
        finish: inout FinishReason, timing: inout TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void
    ) throws -> String {
        var notes = parts
        while notes.count > 1 {
            try onEvent(.stage("summing up \(notes.count) notes"))
            var next: [Prompts.Note] = []
            for group in try groups(of: notes, options: options) {
                // A note that filled a whole group is passed on as it is.
                guard group.count > 1 else {
                    next.append(group[0])
                    continue
                }
                let (text, layout) = try answer(
                    [], nil, prompt: Prompts.whole(of: group), options: options, timing: &timing,
                    onEvent: onEvent)
                usage += UsageRecord(
                    promptTokens: layout.ids.count, generatedTokens: text.tokens.count)
                if text.finish == .length { finish = .length }
                next.append(
                    .init(start: group[0].start, end: group[group.count - 1].end, text: text.text))
            }
            guard next.count < notes.count else {
                throw Failure(
                    .jobInvalid, stage: .prefill,
                    message: "the notes on two windows do not fit the model's context",
                    hint: "use fewer --max-new-tokens")
            }
            notes = next
        }
        return notes.first?.text ?? ""
    }

    /// Tokens of the context that notes may take beside the words around them and the answer.
    private func roomForNotes(_ options: AnalysisOptions) throws -> Int {
        let frame = try layOut(
            [], prompt: Prompts.whole(of: []), system: options.system, rule: options.mrope)
        return model.configuration.text.maxPositions - options.maxNewTokens - frame.ids.count - 8
    }

    /// Consecutive notes, about as many in each group, that fit the context together.
    private func groups(
        of notes: [Prompts.Note], options: AnalysisOptions
    ) throws -> [[Prompts.Note]] {
        let room = try roomForNotes(options)
        let count = (notes.count + Self.mostNotes - 1) / Self.mostNotes
        let most = (notes.count + count - 1) / max(1, count)
        var groups: [[Prompts.Note]] = []
        var used = 0
        for note in notes {
            // The number, timecodes and brackets around a note are up to 45 tokens of their own.
            let tokens = tokenizer.encode(note.text, special: .asText).count + 45
            if let last = groups.last, last.count < most, used + tokens <= room {
                groups[groups.count - 1].append(note)
                used += tokens
            } else {
                groups.append([note])
                used = tokens
            }
        }
        return groups
    }
}

extension SegmentRecord {
    fileprivate var note: Prompts.Note {
        Prompts.Note(
            start: Timecode.text(of: range.start), end: Timecode.text(of: range.end), text: summary)
    }
}

extension ChapterRecord {
    fileprivate var note: Prompts.Note {
        Prompts.Note(
            start: Timecode.text(of: range.start), end: Timecode.text(of: range.end), text: summary)
    }
}

/// The segments of a summary while they come in.
private struct Story {
    var usage = UsageRecord()
    var finish = FinishReason.stop
    var grids: [PatchGrid] = []
    var moments: [SampledMoment] = []
    private var open: [(window: FrameWindow, text: GeneratedText)] = []

    mutating func add(_ text: GeneratedText, to visual: VisualInput, promptTokens: Int) {
        usage += UsageRecord(
            visualTokens: visual.tokens, promptTokens: promptTokens,
            generatedTokens: text.tokens.count)
        if text.finish == .length { finish = .length }
        grids.append(visual.grid)
        moments += visual.moments
        open.append((visual.window, text))
    }

    /// Each segment lasts until the next one begins, the last one until `end`.
    func segments(end: Double) -> [SegmentRecord] {
        open.map { window, text in
            SegmentRecord(
                range: TimeRange(start: window.start, end: window.next?.time ?? end),
                boundary: window.next.map { $0.isCut ? .cut : .window } ?? .end,
                summary: text.text, keyframe: window.moments[window.moments.count / 2].time,
                confidence: text.confidence)
        }
    }
}

import Imaging
import OrderedJSON
import Qwen2VL
import Text
import Video
import VideoIndex

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
            let settings =
                try prepared?.settings ?? fitted(input, for: .summary, settings: settings)
            return try summarizing(
                input, settings, AnalysisOptions(settings, model: model.configuration), prepared,
                onEvent)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    /// The same from the index of a video alone.
    ///
    /// - Parameter settings: `index.settings`, and what else the user asks for.
    /// - Throws: `Failure`; `index.mismatch` where the summary would not be that of the video.
    public func summarize(
        _ index: IndexedVideo, settings: Settings,
        onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> SummaryDocument {
        do {
            try index.require(self, settings)
            return try summarizing(index, settings, onEvent)
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
        var describer = WindowDescriber(self, stream.plan, memory: nil, options: options)
        while let visual = try stream.next(timing: &timing, onEvent: onEvent) {
            try describer.add(visual, &reading, timing: &timing, onEvent: onEvent) {
                story.add($1, to: $0, options: options)
            }
        }
        try describer.finish(timing: &timing, onEvent: onEvent) {
            story.add($1, to: $0, options: options)
        }
        let watched = stream.watched
        return try summary(
            story, watched, reading, settings: settings.reading(transcript), options: options,
            start: start, timing: &timing, onEvent: onEvent
        ) { timing in try record(of: input, watched, timing: &timing) }
    }

    /// The windows of an index need not be seen again.
    private func summarizing(
        _ video: IndexedVideo, _ settings: Settings, _ onEvent: (AnalysisEvent) throws -> Void
    ) throws -> SummaryDocument {
        var timing = TimingRecord()
        let start = ContinuousClock.now
        let options = AnalysisOptions(settings, model: model.configuration)
        let (facts, windows) = try video.reading(.windows)
        try requirePlan(facts, .windows, prompts: [options.segmentPrompt], video, options: options)
        var reading = TranscriptReading(
            facts.transcript, of: facts.watched.description, options: options)
        var story = Story()
        var describer = WindowDescriber(
            self, facts.watched.plan, memory: video.memory, options: options)
        for number in 0..<windows {
            let visual = try video.visual(.windows, number, facts, model: model.configuration)
            try describer.add(visual, &reading, timing: &timing, onEvent: onEvent) {
                story.add($1, to: $0, options: options)
            }
        }
        try describer.finish(timing: &timing, onEvent: onEvent) {
            story.add($1, to: $0, options: options)
        }
        return try summary(
            story, facts.watched, reading, settings: settings.reading(facts.transcript),
            options: options, start: start, timing: &timing, onEvent: onEvent
        ) { _ in video.record(facts) }
    }

    private func summary(
        _ story: Story, _ watched: WatchedVideo, _ reading: TranscriptReading, settings: Settings,
        options: AnalysisOptions, start: ContinuousClock.Instant, timing: inout TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void,
        video: (inout TimingRecord) throws -> VideoRecord
    ) throws -> SummaryDocument {
        var story = story
        let windows = story.segments(end: watched.end)
        let segments = options.joinsRepetitions ? windows.joiningRepetitions() : windows
        let ranges = options.makesChapters ? ChapterPlan(segments).chapters : []
        let told = try condense(
            ranges.map { segments[$0].map(\.note) }, options: options, usage: &story.usage,
            finish: &story.finish, timing: &timing, onEvent: onEvent)
        let chapters = zip(ranges, told).map { range, text in
            ChapterRecord(
                range: TimeRange(
                    start: segments[range.lowerBound].range.start,
                    end: segments[range.upperBound - 1].range.end),
                summary: text, segments: range)
        }
        // Few notes are summed up as they are: what a chapter leaves out is lost to the whole.
        let isShort = chapters.isEmpty || segments.count <= Self.mostNotes
        let whole = try condense(
            [isShort ? segments.map(\.note) : chapters.map(\.note)], options: options,
            usage: &story.usage, finish: &story.finish, timing: &timing, onEvent: onEvent)[0]
        let video = try video(&timing)
        timing.total = (ContinuousClock.now - start).seconds
        return SummaryDocument(
            video: video, summary: whole, segments: segments, chapters: chapters,
            provenance: provenance(
                watched, grids: story.grids, moments: story.moments, for: .summary,
                settings: settings, usage: story.usage, finish: story.finish,
                warnings: reading.warnings, timing: timing))
    }

    /// Reads prompts and writes a text behind each, as many together as the settings and the memory
    /// allow.
    private func answers(
        _ prompts: [String], options: AnalysisOptions, timing: inout TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void
    ) throws -> [(text: GeneratedText, promptTokens: Int)] {
        let layouts = try prompts.map {
            try layOut(
                [], prompt: $0, system: options.system, rule: options.mrope,
                ablation: options.ablation)
        }
        guard let longest = layouts.map(\.ids.count).max() else { return [] }
        let tokens = longest + options.maxNewTokens
        var session = try session(
            trunk: 0, branches: layouts.count, each: tokens, longest: tokens, plan: nil,
            options: options)
        let count = session.branches
        var texts: [GeneratedText] = []
        for first in stride(from: 0, to: layouts.count, by: count) {
            var group = TextGroup()
            var branches: [Branch] = []
            for layout in layouts[first..<min(first + count, layouts.count)] {
                branches.append(session.fork(after: 0))
                let logits = try read(
                    layout, 0..<layout.ids.count, visuals: [], into: &session, timing: &timing)
                let piece = group.add(
                    branches[branches.count - 1],
                    writer(of: layout, options: options, drafts: true), logits: logits)
                if branches.count == 1, !piece.isEmpty { try onEvent(.text(piece)) }
            }
            let start = ContinuousClock.now
            try group.write(&session, at: seat) { try onEvent(.text($0)) }
            timing.generate += (ContinuousClock.now - start).seconds
            texts += try group.texts.map { try $0.get() }
            for branch in branches { session.release(branch) }
        }
        return zip(texts, layouts).map { ($0, $1.ids.count) }
    }

    /// Notes that are summed up at once: of many more a model forgets most.
    static let mostNotes = 12

    /// One text from each list of notes on consecutive parts, by rounds of at most ``mostNotes`` notes
    /// each, fewer where the context is short.
    ///
    /// A single part speaks for the whole: asking again could only lose.
    private func condense(
        _ lists: [[Prompts.Note]], options: AnalysisOptions, usage: inout UsageRecord,
        finish: inout FinishReason, timing: inout TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void
    ) throws -> [String] {
        var lists = lists
        while lists.contains(where: { $0.count > 1 }) {
            let groups = try lists.map {
                $0.count > 1 ? try self.groups(of: $0, options: options) : [$0]
            }
            // A note that filled a whole group is passed on as it is.
            let asked = groups.joined().filter { $0.count > 1 }
            try onEvent(.stage("summing up \(asked.reduce(0) { $0 + $1.count }) notes"))
            var texts = try answers(
                asked.map { Prompts.whole(of: $0) }, options: options, timing: &timing,
                onEvent: onEvent
            ).makeIterator()
            for (place, groups) in groups.enumerated() where lists[place].count > 1 {
                var next: [Prompts.Note] = []
                for group in groups {
                    guard group.count > 1, let (text, promptTokens) = texts.next() else {
                        next.append(group[0])
                        continue
                    }
                    usage += UsageRecord(
                        promptTokens: promptTokens, generatedTokens: text.tokens.count)
                    if text.finish == .length { finish = .length }
                    next.append(
                        .init(
                            start: group[0].start, end: group[group.count - 1].end,
                            text: text.text))
                }
                guard next.count < lists[place].count else {
                    throw Failure(
                        .jobInvalid, stage: .prefill,
                        message: "the notes on two windows do not fit the model's context",
                        hint: "use fewer --max-new-tokens")
                }
                lists[place] = next
            }
        }
        return lists.map { $0.first?.text ?? "" }
    }

    /// Tokens of the context that notes may take beside the words around them and the answer.
    func roomForNotes(_ options: AnalysisOptions) throws -> Int {
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
    private var open: [(window: FrameWindow, parts: [SegmentEvents.Part], confidence: Double)] = []

    mutating func add(
        _ text: WindowText, to visual: VisualInput, options: AnalysisOptions
    ) {
        usage += UsageRecord(
            visualTokens: visual.tokens, droppedVisualTokens: visual.dropped(options),
            promptTokens: text.promptTokens, generatedTokens: text.tokens)
        if text.finish == .length { finish = .length }
        grids.append(visual.grid)
        moments += visual.moments
        let parts =
            options.segments == .events
            ? SegmentEvents.parts(of: text.text, moments: visual.window.moments)
            : [SegmentEvents.Part(first: 0, text: text.text)]
        open.append((visual.window, parts, text.confidence))
    }

    /// Each segment lasts until the next one begins, the last one until `end`.
    func segments(end: Double) -> [SegmentRecord] {
        open.flatMap { window, parts, confidence in
            parts.indices.map { index in
                let first = parts[index].first
                let next = index + 1 < parts.count ? parts[index + 1].first : nil
                let middle = (first + (next ?? window.moments.count)) / 2
                return SegmentRecord(
                    range: TimeRange(
                        start: index == 0 ? window.start : window.moments[first].time,
                        end: next.map { window.moments[$0].time } ?? window.next?.time ?? end),
                    boundary: next.map { _ in .event }
                        ?? window.next.map { $0.isCut ? .cut : .window } ?? .end,
                    summary: parts[index].text, keyframe: window.moments[middle].time,
                    confidence: confidence)
            }
        }
    }
}

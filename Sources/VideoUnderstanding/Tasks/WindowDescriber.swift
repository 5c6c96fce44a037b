import Compute
import Constraint
import Qwen2VL
import Text
import VideoIndex

/// Lets the model describe the windows of a video, those of a group together: each is read as soon as
/// it is there, and their texts are written when the group ends. Every text is the same as if it were
/// written alone.
struct WindowDescriber: ~Copyable {
    /// A window whose text is not handed out yet.
    private struct OpenWindow {
        let visual: VisualInput
        let promptTokens: Int
        let key: ContentHash?
        let prefix: ContentHash?
        /// What holds its text to a list of events.
        var constraint: ConstrainedText?
        /// What was written of it before; nil where the group has its text.
        var known: StoredSummary?
    }

    private let analyzer: Analyzer
    private let plan: VisualPlan
    private let options: AnalysisOptions
    private let memory: VideoMemory?
    private var grouping: WindowGrouping
    private var session: Session?
    private var group = TextGroup()
    /// Windows of the group, and those between them of which the text is known.
    private var open: [OpenWindow] = []

    /// - Parameter memory: what was written of a window before is taken from it, and what is written
    ///   now is kept.
    init(_ analyzer: Analyzer, _ plan: VisualPlan, memory: VideoMemory?, options: AnalysisOptions) {
        self.analyzer = analyzer
        self.plan = plan
        self.memory = memory
        self.options = options
        grouping = analyzer.grouping(plan, options: options)
    }

    /// Takes the next window.
    ///
    /// - Parameter onText: gets windows and their texts in order, perhaps none and perhaps several; its
    ///   visual tokens are gone from a window.
    mutating func add(
        _ visual: VisualInput, _ reading: inout TranscriptReading, timing: inout TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void, onText: (VisualInput, WindowText) -> Void
    ) throws {
        let prompt = reading.prompt(
            options.segmentPrompt, from: visual.window.start, to: visual.window.next?.time,
            tokenizer: analyzer.tokenizer)
        let layout = try analyzer.layOut(
            [visual.place], prompt: prompt, system: options.system, rule: options.mrope,
            ablation: options.ablation)
        let key = try memory.map { _ in try analyzer.textKey(layout, visual, options) }
        let isPrefixWanted = memory.map { $0.file.isWritable && $0.keepsPrefixes } ?? false
        let end = layout.visuals[0].upperBound
        let prefix =
            isPrefixWanted ? try analyzer.prefixKey(layout, end, visual, kv: options.kv) : nil
        var window = OpenWindow(
            visual: visual.withoutTokens, promptTokens: layout.ids.count, key: key, prefix: prefix)
        let hasPrefix = try prefix.map { try memory?.file.hasPrefix($0) ?? false } ?? true
        if hasPrefix, let key, let known = try memory?.file.summary(key) {
            window.known = known
            open.append(window)
            if group.count == 0 { try handOut(onText) }
            return
        }
        let tokens = layout.ids.count + options.maxNewTokens
        try analyzer.requireContext(tokens)
        try analyzer.requireMemory(tokens: tokens, plan: plan, options: options)
        let place = analyzer.place(
            tokens, visual: visual.tokens, in: &grouping, plan, options: options)
        if place.endsBefore { try write(&timing, onEvent, onText) }
        try onEvent(.stage("describing \(Timecode.text(of: visual.window.start))"))
        var session: Session
        if let begun = self.session.take() {
            session = begun
        } else {
            session = try newSession(tokens, isAlone: place.endsAfter)
        }
        let branch = session.fork(after: 0)
        try analyzer.readVideo(layout, visual, into: &session, memory: memory, timing: &timing)
        if let key, let known = try memory?.file.summary(key) {
            // Only the prefix was missing.
            session.release(branch)
            window.known = known
        } else {
            let logits = try analyzer.read(
                layout, end..<layout.ids.count, visuals: [visual], into: &session, timing: &timing)
            window.constraint = try constraint(visual)
            let piece = group.add(
                branch,
                analyzer.writer(of: layout, options: options, constraint: window.constraint),
                logits: logits)
            if group.count == 1, !piece.isEmpty { try onEvent(.text(piece)) }
        }
        self.session = consume session
        open.append(window)
        if place.endsAfter { try write(&timing, onEvent, onText) }
    }

    /// Hands out what is left, after the last window.
    mutating func finish(
        timing: inout TimingRecord, onEvent: (AnalysisEvent) throws -> Void,
        onText: (VisualInput, WindowText) -> Void
    ) throws {
        try write(&timing, onEvent, onText)
    }

    /// What holds the text on a window to events at the times of its frames; nil where it is free.
    private func constraint(_ visual: VisualInput) throws -> ConstrainedText? {
        guard options.segments == .events else { return nil }
        return analyzer.constraint(
            try Grammar(
                schema: SegmentEvents.schema, instants: SampledInstants(visual.window.moments)))
    }

    /// - Parameter isAlone: there will be no other window beside the first.
    private func newSession(_ tokens: Int, isAlone: Bool) throws -> Session {
        let text = analyzer.model.configuration.text
        let perPage = text.cacheBytes(tokens: 1, kv: options.kv)
        let fitting = KVPages.tokensPerPage * (grouping.bytes / perPage)
        return try analyzer.session(
            windows: isAlone ? 1 : grouping.windows,
            each: isAlone ? tokens : max(tokens, min(fitting, options.contextTokens)),
            options: options)
    }

    /// Writes the texts of the group, which ends with that.
    private mutating func write(
        _ timing: inout TimingRecord, _ onEvent: (AnalysisEvent) throws -> Void,
        _ onText: (VisualInput, WindowText) -> Void
    ) throws {
        guard var session = session.take() else { return try handOut(onText) }
        let written = open.filter { $0.known == nil }
        if written.count > 1 {
            try onEvent(
                .stage(
                    "describing \(Timecode.text(of: written[0].visual.window.start)) to "
                        + Timecode.text(of: written[written.count - 1].visual.window.start)))
        }
        let start = ContinuousClock.now
        defer { timing.generate += (ContinuousClock.now - start).seconds }
        let memory = memory
        try group.write(
            &session, at: analyzer.seat, onText: { try onEvent(.text($0)) },
            onEnd: { place, text in
                // At once: an interruption loses only what is not whole.
                guard let memory, memory.file.isWritable, let key = written[place].key else {
                    return
                }
                try memory.file.keep(
                    StoredSummary(
                        text, held: written[place].constraint,
                        promptTokens: written[place].promptTokens), under: key)
            })
        try handOut(onText)
    }

    /// Hands out all windows, and forgets the group.
    private mutating func handOut(_ onText: (VisualInput, WindowText) -> Void) throws {
        var texts = group.texts.makeIterator()
        for window in open {
            let stored =
                try window.known
                ?? texts.next().map {
                    try StoredSummary(
                        $0.get(), held: window.constraint, promptTokens: window.promptTokens)
                }
            guard let stored else { preconditionFailure("a window without a text") }
            onText(
                window.visual, WindowText(stored, key: window.key, prefix: window.prefix))
        }
        group = TextGroup()
        open = []
    }
}

extension VisualInput {
    /// The same, without the memory that its visual tokens take.
    fileprivate var withoutTokens: VisualInput {
        var visual = self
        visual.embeddings = []
        return visual
    }
}

extension StoredSummary {
    fileprivate init(
        _ text: GeneratedText, held constraint: ConstrainedText?, promptTokens: Int
    ) throws {
        self.init(
            text: try constraint?.value().compact ?? text.text, tokens: text.tokens.count,
            isWhole: text.finish == .stop,
            confidence: text.confidence, promptTokens: promptTokens)
    }
}

/// What the model wrote of one window.
struct WindowText {
    var text: String
    /// Tokens that were generated.
    var tokens: Int
    var finish: FinishReason
    var confidence: Double
    var promptTokens: Int
    /// The names under which the text and the prefix are kept; nil where they are not.
    var key: ContentHash?
    var prefix: ContentHash?

    init(_ stored: StoredSummary, key: ContentHash?, prefix: ContentHash?) {
        text = stored.text
        tokens = stored.tokens
        finish = stored.isWhole ? .stop : .length
        confidence = stored.confidence
        promptTokens = stored.promptTokens
        self.key = key
        self.prefix = prefix
    }
}

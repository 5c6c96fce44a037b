import Constraint
import Qwen2VL
import Text
import Video

extension Analyzer {
    /// Answers some of the questions from one model input, which is read once. As many answers as the
    /// settings and the memory allow are written together.
    ///
    /// - Throws: what ends the work on all questions. What goes wrong with one of them is thrown when
    ///   the others are answered.
    func answer(
        _ asked: AskedVideo, _ work: QuestionWork, _ places: [Int],
        start: ContinuousClock.Instant, timing: TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void,
        onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws {
        var timing = timing
        let (options, visual) = (work.options, asked.visual)
        var reading = TranscriptReading(
            asked.transcript, of: asked.watched.description, options: options)
        // Two prompts that nobody asked show where what all have in common ends.
        let prompts = reading.prompts(
            places.map { work.prompts[$0] } + ["A", "0"], from: visual.window.start,
            to: visual.window.next?.time, tokenizer: tokenizer)
        var layouts = try prompts.map {
            try layOut(
                [visual.place], prompt: $0, system: options.system,
                rule: options.mrope, ablation: options.ablation)
        }
        let probes = Array(layouts.suffix(2))
        layouts.removeLast(2)
        guard let longest = layouts.map(\.ids.count).max() else { return }
        let writer = try answerWriter(options.answerShape, moments: visual.moments)
        // All prompts are the same up to the end of the video, or of what is said in it: that is
        // read once, and shared by the sequences of the questions.
        let seen = layouts[0].visuals[0].upperBound
        let prefix = reading.isEmpty ? seen : PromptLayout.sharedPrefix(of: probes)
        let written = max(options.maxNewTokens, writer.longestLabel)
        var session = try session(
            trunk: prefix, branches: places.count, each: longest - seen + written,
            longest: longest + written, plan: asked.watched.plan, options: options)
        let count = session.branches
        try onEvent(.stage("reading \(prefix) tokens"))
        try readVideo(layouts[0], visual, into: &session, memory: asked.memory, timing: &timing)

        let shared = ContinuousClock.now - start
        let constraints = constraints(writer, count: count)
        var failure: (any Error)?
        for first in stride(from: 0, to: places.count, by: count) {
            let members = first..<min(first + count, places.count)
            let numbers = members.map { places[$0] + 1 }
            try onEvent(
                .stage(
                    numbers.count == 1
                        ? "answering question \(numbers[0]) of \(work.questions.count)"
                        : "answering questions \(numbers[0]) to \(numbers[numbers.count - 1]) of "
                            + "\(work.questions.count)"))
            let groupStart = ContinuousClock.now
            var open: [OpenQuestion] = []
            var group = TextGroup()
            for (slot, member) in members.enumerated() {
                let layout = layouts[member]
                // A question can begin with what joins the tokens before it.
                let own =
                    PromptLayout.sharedPrefix(of: [layout, probes[0]]) >= prefix ? prefix : seen
                session.select(nil)
                if session.length < own {
                    _ = try read(
                        layout, session.length..<own, visuals: [visual], into: &session,
                        timing: &timing)
                }
                var question = OpenQuestion(
                    place: places[member], layout: layout, branch: session.fork(after: own))
                // A picture has no stretches of time to choose among.
                session.watch =
                    visual.kind == .video
                    ? AttentionWatch(
                        visual: layout.visuals[0], pairs: visual.kept?.count ?? visual.grid.time,
                        heads: model.configuration.evidence) : nil
                let logits = try read(
                    layout, own..<layout.ids.count, visuals: [visual], into: &session,
                    timing: &question.timing)
                if case .choosing(let labels, let tokens) = writer {
                    question.choice = Result {
                        try choose(
                            labels, tokens, &session, logits: logits, layout: layout,
                            timing: &question.timing)
                    }
                    if case .success(let choice) = question.choice {
                        try onEvent(.text(choice.value.string ?? ""))
                    }
                } else {
                    let constraint = constraints.isEmpty ? nil : constraints[slot]
                    constraint?.restart()
                    question.constraint = constraint
                    let piece = group.add(
                        question.branch,
                        self.writer(of: layout, options: options, constraint: constraint),
                        logits: logits)
                    if slot == 0, !piece.isEmpty { try onEvent(.text(piece)) }
                }
                open.append(question)
            }
            let writeStart = ContinuousClock.now
            try group.write(&session, at: seat) { try onEvent(.text($0)) }
            let generate = (ContinuousClock.now - writeStart).seconds
            let texts = group.texts
            for (slot, question) in open.enumerated() {
                let answer =
                    question.choice
                    ?? Result { try self.answer(texts[slot].get(), held: question.constraint) }
                session.select(question.branch)
                let watch = session.watch
                session.release(question.branch)
                do {
                    let answer = try answer.get()
                    var timing = timing
                    timing.prefill += question.timing.prefill
                    timing.generate += question.timing.generate + generate
                    // What all questions share, and those that were answered together.
                    timing.total = (shared + (ContinuousClock.now - groupStart)).seconds
                    try onAnswer(
                        question.place,
                        document(
                            asked, work, question, answer, watch, reading.warnings, timing))
                } catch let error where Self.isOfOneText(error) {
                    failure = failure ?? error
                }
            }
        }
        if let failure { throw failure }
    }

    private func document(
        _ asked: AskedVideo, _ work: QuestionWork, _ question: OpenQuestion,
        _ answer: WrittenAnswer, _ watch: AttentionWatch?, _ warnings: [WarningRecord],
        _ timing: TimingRecord
    ) -> AnswerDocument {
        let visual = asked.visual
        let spoken = spokenTimes(answer, asked, work.options)
        return AnswerDocument(
            video: asked.video, question: work.questions[question.place], answer: answer.value,
            outcome: answer.outcome, confidence: answer.confidence,
            times: spoken.times,
            evidence: EvidenceFinder().evidence(
                shares: visual.sharesOfPairs(watch?.shares ?? []), pairs: asked.pairs),
            provenance: provenance(
                asked.watched, grids: [visual.grid], moments: visual.moments, for: .answer,
                settings: asked.settings.reading(asked.transcript),
                usage: UsageRecord(
                    visualTokens: visual.tokens, droppedVisualTokens: visual.dropped(work.options),
                    promptTokens: question.layout.ids.count,
                    generatedTokens: answer.tokens), finish: answer.finish,
                warnings: asked.warnings + spoken.warnings + warnings,
                timing: timing))
    }

    /// Whether an error is about one text, and the others go on.
    private static func isOfOneText(_ error: any Error) -> Bool { error is GenerationError }
}

/// A question that is being answered.
private struct OpenQuestion {
    let place: Int
    let layout: PromptLayout
    let branch: Branch
    var timing = TimingRecord()
    var constraint: ConstrainedText?
    /// The answer, where it is one of a few labels.
    var choice: Result<WrittenAnswer, any Error>?

    init(place: Int, layout: PromptLayout, branch: Branch) {
        self.place = place
        self.layout = layout
        self.branch = branch
    }
}

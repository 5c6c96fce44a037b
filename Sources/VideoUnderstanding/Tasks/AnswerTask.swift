import Constraint
import OrderedJSON
import Qwen2VL
import Text
import Video

extension Analyzer {
    /// Answers questions about one video, which is decoded, encoded and read by the model once.
    ///
    /// - Parameters:
    ///   - prepared: from `prepare` with the same input, questions and settings.
    ///   - onAnswer: gets each document as soon as it is there, with its place from 0.
    /// - Throws: `Failure`.
    public func ask(
        _ input: VideoInput, questions: [String], settings: Settings,
        prepared: PreparedVideo? = nil, onEvent: (AnalysisEvent) throws -> Void = { _ in },
        onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws(Failure) {
        do {
            try asking(
                input, questions, settings, AnalysisOptions(settings, model: model.configuration),
                prepared, onEvent, onAnswer)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    private func asking(
        _ input: VideoInput, _ questions: [String], _ settings: Settings,
        _ options: AnalysisOptions, _ prepared: PreparedVideo?,
        _ onEvent: (AnalysisEvent) throws -> Void,
        _ onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws {
        var timing = TimingRecord()
        let start = ContinuousClock.now
        let asked = questions.map { Prompts.asking($0, shape: options.answerShape) }
        let transcript = try prepared?.transcript ?? transcript(of: input, options: options)
        var stream = try open(
            input, windowed: false, prompts: asked, transcript: transcript, options: options,
            prepared: prepared, timing: &timing)
        try onEvent(.opened(duration: stream.description.duration))
        guard let visual = try stream.next(timing: &timing, onEvent: onEvent) else {
            throw Failure(
                .decodeDamaged, stage: .decode, message: "\(input.uri): no frame was sampled")
        }
        try stream.finish(timing: &timing)
        let video = try record(of: input, stream, timing: &timing)

        var reading = TranscriptReading(transcript, of: stream.description, options: options)
        let prompts = reading.prompts(asked, from: visual.window.start, tokenizer: tokenizer)
        let layouts = try prompts.map {
            try layOut(
                [(visual.kind, visual.grid)], prompt: $0, system: options.system,
                rule: options.mrope, ablation: options.ablation)
        }
        guard let longest = layouts.map(\.ids.count).max() else { return }
        let writer = try answerWriter(options.answerShape, moments: visual.moments)
        var session = try session(
            tokens: longest + max(options.maxNewTokens, writer.longestLabel), plan: stream.plan,
            options: options)
        // All prompts are the same up to the end of the video, or of what is said in it: that is
        // read once.
        let prefix =
            reading.isEmpty
            ? layouts[0].visuals[0].upperBound : PromptLayout.sharedPrefix(of: layouts)
        try onEvent(.stage("reading \(prefix) tokens"))
        _ = try read(
            layouts[0], 0..<prefix, visuals: [visual], into: &session, timing: &timing)

        let shared = ContinuousClock.now - start
        for (index, layout) in layouts.enumerated() {
            try onEvent(.stage("answering question \(index + 1) of \(layouts.count)"))
            let questionStart = ContinuousClock.now
            var timing = timing
            session.truncate(to: prefix)
            // A picture has no stretches of time to choose among.
            session.watch =
                visual.kind == .video
                ? AttentionWatch(
                    visual: layout.visuals[0], pairs: visual.grid.time,
                    heads: model.configuration.evidence) : nil
            let logits = try read(
                layout, prefix..<layout.ids.count, visuals: [visual], into: &session,
                timing: &timing)
            let answer = try writeAnswer(
                writer, &session, logits: logits, layout: layout, options: options,
                timing: &timing, onEvent: onEvent)
            // What all questions share, and this question's own part.
            timing.total = (shared + (ContinuousClock.now - questionStart)).seconds
            let usage = UsageRecord(
                visualTokens: visual.tokens, promptTokens: layout.ids.count,
                generatedTokens: answer.tokens)
            let document = AnswerDocument(
                video: video, question: questions[index], answer: answer.value,
                outcome: answer.outcome, confidence: answer.confidence,
                evidence: EvidenceFinder().evidence(
                    shares: session.watch?.shares ?? [], moments: visual.moments, end: stream.end),
                provenance: provenance(
                    stream, grids: [visual.grid], moments: visual.moments, for: .answer,
                    settings: settings.reading(transcript), usage: usage, finish: answer.finish,
                    warnings: reading.warnings, timing: timing))
            try onAnswer(index, document)
        }
    }
}

import Foundation
import Qwen2VL
import Text
import Video

/// A second look: the model sees the evidence of an answer and nothing else of the video, and is asked
/// whether that bears the answer out.
///
/// The pairs of frames that it sees keep their time indices, so that times in an answer mean the same.
extension Analyzer {
    /// Answers some of the questions from one model input, and looks at the evidence of each answer
    /// again where that is asked for.
    ///
    /// The second look begins when all answers are there and the memory of the first is free again.
    ///
    /// - Throws: as `answer` does.
    func answerAndVerify(
        _ asked: AskedVideo, _ work: QuestionWork, start: ContinuousClock.Instant,
        timing: TimingRecord, onEvent: (AnalysisEvent) throws -> Void,
        onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws {
        let places = Array(work.questions.indices)
        guard work.options.verifiesAnswers else {
            return try answer(
                asked, work, places, start: start, timing: timing, onEvent: onEvent,
                onAnswer: onAnswer)
        }
        var documents: [(place: Int, document: AnswerDocument)] = []
        let answered = Result {
            try answer(
                asked, work, places, start: start, timing: timing, onEvent: onEvent,
                onAnswer: { documents.append(($0, $1)) })
        }
        for (place, document) in documents {
            try onAnswer(place, verified(document, asked, work, place, onEvent: onEvent))
        }
        try answered.get()
    }

    /// An answer with what a second look says of it, where that is asked for.
    ///
    /// - Parameter place: of the question.
    func verified(
        _ document: AnswerDocument, _ asked: AskedVideo, _ work: QuestionWork, _ place: Int,
        onEvent: (AnalysisEvent) throws -> Void
    ) throws -> AnswerDocument {
        guard work.options.verifiesAnswers else { return document }
        var document = document
        let start = ContinuousClock.now
        var timing = document.provenance.timing ?? TimingRecord()
        let stretches = asked.stretches(of: document.evidence)
        guard let first = stretches.first, let last = stretches.last else {
            document.provenance.warnings.append(
                .unverified("no part of the video stands out as its evidence"))
            return document
        }
        try onEvent(.stage("looking at the evidence again"))
        let inquiry = VerificationInquiry(
            model.configuration, question: work.questions[place], prompt: work.prompts[place],
            answer: document)
        var reading = TranscriptReading(
            asked.transcript, of: asked.watched.description, options: work.options)
        let prompt = reading.prompt(
            inquiry.prompt, from: asked.pairs[first.lowerBound].start,
            to: asked.pairs[last.upperBound - 1].end, tokenizer: tokenizer)
        let visual = asked.visual.only(
            stretches, tokensPerPair: asked.watched.plan.tokensPerPair,
            hidden: model.configuration.text.hidden)
        let layout = try layOut(
            [visual.place], prompt: prompt, system: work.options.system, rule: work.options.mrope)
        let labels = inquiry.labels.map { tokenizer.encode($0, special: .asText) }
        let tokens = layout.ids.count + (labels.map(\.count).max() ?? 0)
        guard tokens <= model.configuration.text.maxPositions else {
            document.provenance.warnings.append(
                .unverified("its evidence and the answer do not fit the model's context"))
            return document
        }
        var session = try session(
            tokens: tokens, plan: asked.watched.plan, options: work.options)
        var memory = asked.memory
        memory?.keepsPrefixes = false
        try readVideo(layout, visual, into: &session, memory: memory, timing: &timing)
        let logits = try read(
            layout, layout.visuals[0].upperBound..<layout.ids.count, visuals: [visual],
            into: &session, timing: &timing)
        let scores = try timing.measure(\.generate) {
            try computing {
                try LabelScoring(
                    labels: labels, endOfSequence: model.configuration.tokens.endOfSequence,
                    position: layout.positions.next
                ).scores(&session, logits: logits)
            }
        }
        document.verification = VerificationRecord(probability: inquiry.probability(scores))
        timing.total += (ContinuousClock.now - start).seconds
        if document.provenance.timing != nil { document.provenance.timing = timing }
        return document
    }
}

/// How a model is asked whether the evidence bears an answer out.
struct VerificationInquiry {
    let prompt: String
    let labels: [String]

    /// - Parameter prompt: what the model read of the question.
    init(
        _ model: ModelConfiguration, question: String, prompt: String, answer: AnswerDocument
    ) {
        let text = answer.answer.string ?? answer.answer.compact
        if model.refusal != nil {
            // Such a model answers questions about what it sees and no others: what counts is
            // whether it gives the same answer again.
            self.prompt = prompt
            labels = [text]
        } else {
            self.prompt = Prompts.verification(of: text, to: question)
            labels = Prompts.relevanceLabels
        }
    }

    /// - Parameter logarithms: of the probabilities of `labels`.
    func probability(_ logarithms: [Double]) -> Double {
        logarithms.count == 1
            ? min(1, exp(logarithms[0])) : LabelScoring.normalized(logarithms)[0]
    }
}

extension AskedVideo {
    /// The pairs of frames that some evidence is made of, in order and apart from each other; all of
    /// a picture's.
    ///
    /// One more on each side belongs to a stretch: that something begins is seen by what was before.
    func stretches(of evidence: [EvidenceRecord]) -> [Range<Int>] {
        if visual.kind == .image { return [0..<visual.grid.time] }
        let ranges = evidence.compactMap { record -> Range<Int>? in
            guard let first = pairs.firstIndex(where: { $0.start >= record.range.start }),
                let last = pairs.lastIndex(where: { $0.end <= record.range.end }), first <= last
            else { return nil }
            return max(0, first - 1)..<min(last + 2, visual.grid.time)
        }
        return ranges.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { joined, range in
            if let last = joined.last, last.upperBound >= range.lowerBound {
                joined[joined.count - 1] =
                    last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
    }
}

extension VisualInput {
    /// The same input of which only some pairs are read; they keep their places in time.
    ///
    /// - Parameter stretches: of pairs, in order and apart from each other.
    func only(_ stretches: [Range<Int>], tokensPerPair: Int, hidden: Int) -> VisualInput {
        let all = kept ?? TokenSelection(all: grid.time, tokensPerPair: tokensPerPair)
        let selection = all.showing(stretches)
        var part = self
        part.kept = selection
        part.tokens = selection.count
        if !embeddings.isEmpty {
            part.embeddings = []
            part.embeddings.reserveCapacity(selection.count * hidden)
            var wanted = selection.places[...]
            for (index, place) in all.places.enumerated() where place == wanted.first {
                part.embeddings += embeddings[index * hidden..<(index + 1) * hidden]
                wanted = wanted.dropFirst()
            }
        }
        return part
    }
}

extension WarningRecord {
    fileprivate static func unverified(_ reason: String) -> WarningRecord {
        WarningRecord(
            code: "answer.unverified", message: "this answer could not be checked: \(reason)")
    }
}

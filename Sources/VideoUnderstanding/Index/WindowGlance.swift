import Foundation
import Qwen2VL
import Text
import VideoIndex

/// Looks at one window after the other and asks whether it shows what a question is about.
///
/// Notes are short and leave things out; a glance sees the window's own visual tokens, and costs the
/// question alone where the index holds the window's prefix.
extension Analyzer {
    /// For each question and each of its candidates, by how much likelier the window shows what is
    /// asked about than not, as a logarithm.
    ///
    /// Windows are taken one after the other, each for all of its questions, so that what is known of
    /// a window is read once.
    ///
    /// - Parameter candidates: for each question, the windows to look at.
    func glances(
        at candidates: [[Int]], for questions: [String], in index: IndexedVideo,
        _ facts: ReadingFacts, options: AnalysisOptions, timing: inout TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void
    ) throws -> [[Int: Double]] {
        var scores = [[Int: Double]](repeating: [:], count: questions.count)
        let windows = Set(candidates.joined()).sorted()
        for (done, window) in windows.enumerated() {
            try onEvent(.stage("looking at window \(done + 1) of \(windows.count)"))
            let asking = questions.indices.filter { candidates[$0].contains(window) }
            let visual = try index.visual(.windows, window, facts, model: model.configuration)
            let found = try glance(
                at: visual, for: asking.map { questions[$0] }, index, facts, options: options,
                timing: &timing)
            for (question, score) in zip(asking, found) { scores[question][window] = score }
        }
        return scores
    }

    /// What one window is worth to each question.
    private func glance(
        at visual: VisualInput, for questions: [String], _ index: IndexedVideo,
        _ facts: ReadingFacts, options: AnalysisOptions, timing: inout TimingRecord
    ) throws -> [Double] {
        let inquiry = GlanceInquiry(model.configuration)
        let labels = inquiry.labels.map { tokenizer.encode($0, special: .asText) }
        var reading = TranscriptReading(
            facts.transcript, of: facts.watched.description, options: options)
        let prompts = reading.prompts(
            questions.map(inquiry.prompt), from: visual.window.start,
            to: visual.window.next?.time, tokenizer: tokenizer)
        let layouts = try prompts.map {
            try layOut(
                [visual.place], prompt: $0, system: options.system,
                rule: options.mrope)
        }
        let longestLabel = labels.map(\.count).max() ?? 0
        let room = model.configuration.text.maxPositions - longestLabel
        // What does not fit is no candidate.
        let fitting = layouts.map(\.ids.count).filter { $0 <= room }
        guard let longest = fitting.max() else { return layouts.map { _ in -.infinity } }
        var session = try session(
            tokens: longest + longestLabel, plan: facts.watched.plan, options: options)
        try readVideo(layouts[0], visual, into: &session, memory: index.memory, timing: &timing)
        let seen = layouts[0].visuals[0].upperBound
        return try layouts.map { layout in
            guard layout.ids.count <= room else { return -.infinity }
            session.truncate(to: seen)
            let logits = try read(
                layout, seen..<layout.ids.count, visuals: [visual], into: &session,
                timing: &timing)
            return inquiry.score(
                try timing.measure(\.prefill) {
                    try computing {
                        try LabelScoring(
                            labels: labels,
                            endOfSequence: model.configuration.tokens.endOfSequence,
                            position: layout.positions.next
                        ).scores(&session, logits: logits)
                    }
                })
        }
    }
}

/// How a model is asked whether a window shows what a question is about.
enum GlanceInquiry {
    /// The question itself: what counts is how unlikely the sentence is with which the model says
    /// that it cannot tell.
    case refusal(String)
    /// A question of its own, answered by yes or no.
    case opinion

    init(_ model: ModelConfiguration) {
        self = model.refusal.map(Self.refusal) ?? .opinion
    }

    var labels: [String] {
        switch self {
        case .refusal(let sentence): [sentence]
        case .opinion: Prompts.relevanceLabels
        }
    }

    func prompt(for question: String) -> String {
        switch self {
        case .refusal: question
        case .opinion: Prompts.relevance(to: question)
        }
    }

    /// - Parameter logarithms: of the probabilities of `labels`.
    func score(_ logarithms: [Double]) -> Double {
        switch self {
        case .refusal:
            // log((1 - p) / p)
            let refused = min(logarithms[0], -1e-12)
            return log(-expm1(refused)) - refused
        case .opinion:
            let score = logarithms[0] - logarithms[1]
            return score.isFinite ? score : -.infinity
        }
    }
}

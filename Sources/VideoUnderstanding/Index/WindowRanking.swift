import Qwen2VL
import Text
import VideoIndex

extension Analyzer {
    /// Windows of which the model is asked whether they matter, at most.
    private static let candidates = 48

    /// The windows of a video by how much they matter for a question, the most first.
    ///
    /// Two orders are joined: that of the words which question and note have in common (BM25), and
    /// that of the model's own opinion, by how much likelier it finds `yes` than `no`. Each gives a
    /// window 1 / (60 + its place), which favours what both think well of and needs no scale.
    ///
    /// - Parameter notes: what the model wrote of each window.
    func windowsThatMatter(
        for question: String, _ notes: [String], options: AnalysisOptions,
        timing: inout TimingRecord, onEvent: (AnalysisEvent) throws -> Void
    ) throws -> [Int] {
        guard notes.count > 1 else { return Array(notes.indices) }
        try onEvent(.stage("looking for the windows that matter"))
        let byWords = try SummarySearch.matches(question, in: notes)
        let asked = WindowRanking.candidates(
            byWords: byWords, of: notes.count, most: Self.candidates)
        let scores = try asked.map { number in
            try relevance(of: notes[number], to: question, options: options, timing: &timing)
        }
        let byModel = zip(asked, scores).sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map(\.0)
        return WindowRanking.joined([byWords, byModel], count: notes.count)
    }

    /// By how much the model finds it likelier that a note helps with a question than that it does
    /// not, as a logarithm.
    private func relevance(
        of note: String, to question: String, options: AnalysisOptions,
        timing: inout TimingRecord
    ) throws -> Double {
        let layout = try layOut(
            [], prompt: Prompts.relevance(of: note, to: question), system: options.system,
            rule: options.mrope)
        let labels = Prompts.relevanceLabels.map { tokenizer.encode($0, special: .asText) }
        let longest = labels.map(\.count).max() ?? 0
        // What does not fit is no candidate.
        guard layout.ids.count + longest <= model.configuration.text.maxPositions else {
            return -.infinity
        }
        var session = try session(
            tokens: layout.ids.count + longest, plan: nil, options: options)
        let logits = try read(
            layout, 0..<layout.ids.count, visuals: [], into: &session, timing: &timing)
        let scores = try LabelScoring(
            labels: labels, endOfSequence: model.configuration.tokens.endOfSequence,
            position: layout.positions.next
        ).scores(&session, logits: logits)
        let score = scores[0] - scores[1]
        return score.isFinite ? score : -.infinity
    }
}

/// Orders of windows.
package enum WindowRanking {
    /// The windows that are worth a question to the model: those that words found, and of the rest
    /// some from everywhere.
    package static func candidates(byWords: [Int], of count: Int, most: Int) -> [Int] {
        guard count > most else { return Array(0..<count) }
        let found = byWords.prefix(most * 3 / 4)
        var chosen = Set(found)
        let rest = (0..<count).filter { !chosen.contains($0) }
        let room = most - chosen.count
        for step in 0..<room { chosen.insert(rest[step * rest.count / room]) }
        return chosen.sorted()
    }

    /// All windows, by the places that they have in several orders; among equals the earlier first.
    package static func joined(_ orders: [[Int]], count: Int) -> [Int] {
        var scores = [Double](repeating: 0, count: count)
        for order in orders {
            for (place, window) in order.enumerated() { scores[window] += 1 / Double(61 + place) }
        }
        return scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    }
}

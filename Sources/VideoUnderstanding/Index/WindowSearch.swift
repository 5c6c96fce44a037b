import Qwen2VL
import Text
import VideoIndex

/// Finds the windows of an indexed video that matter for a question.
struct WindowSearch {
    let analyzer: Analyzer
    let index: IndexedVideo
    let facts: ReadingFacts
    /// What the model wrote of each window.
    let notes: [String]
    let options: AnalysisOptions

    /// Windows whose notes the model is asked about, at most.
    private static let candidates = 48
    /// Glances that `auto` takes at least.
    private static let fewestGlances = 16
    /// What all glances of `auto` may cost together, in multiplications of the language model, where
    /// they are more than the fewest: a second's work on a good core.
    private static let work = 1e13

    /// For each question the windows by how much they matter, the most first.
    ///
    /// First the notes: the words that question and note have in common (BM25), and the model's opinion
    /// whether the note helps. Then a glance at the best of them: what counts is how much likelier the
    /// window shows what is asked about than not, as a logarithm, plus the BM25 of its note, which is a
    /// sum of logarithms itself.
    ///
    /// Source: FTS5 for BM25.
    func windowsThatMatter(
        for questions: [String], glances choice: GlanceChoice, timing: inout TimingRecord,
        onEvent: (AnalysisEvent) throws -> Void
    ) throws -> [[Int]] {
        guard notes.count > 1 else { return questions.map { _ in Array(notes.indices) } }
        let count = try glances(choice)
        let words = try questions.map { try SummarySearch.matches($0, in: notes) }
        try onEvent(.stage("searching \(notes.count) notes"))
        let orders = try zip(questions, words).map { question, words in
            let byWords = words.map(\.place)
            // Where every window is looked at, it does not matter which comes first.
            guard count < notes.count else { return Array(notes.indices) }
            let byModel = try opinions(on: question, byWords, timing: &timing)
            return WindowRanking.joined([byWords, byModel], count: notes.count)
        }
        guard count > 0 else { return orders }
        let scores = try analyzer.glances(
            at: orders.map { Array($0.prefix(count)) }, for: questions, in: index, facts,
            options: options, timing: &timing, onEvent: onEvent)
        return zip(scores, words).map { scores, words in
            let known = Dictionary(uniqueKeysWithValues: words.map { ($0.place, $0.score) })
            return WindowRanking.ordered(
                Dictionary(
                    uniqueKeysWithValues: scores.map { ($0.key, $0.value + (known[$0.key] ?? 0)) }))
        }
    }

    /// Where the event that an answer rests on runs over an edge of the window, as much of the next one
    /// as of this: the event is then in the middle of what the model sees.
    ///
    /// - Parameter answer: from `window`; both its strongest evidence and the first time that it names
    ///   tell where the event is.
    /// - Returns: nil where it does not, or where the edge is a cut.
    func lookOverEdge(of window: Int, _ answer: AnswerDocument) throws -> [WindowPart]? {
        let input = try visual(window)
        let pairs = input.pairs(end: facts.watched.end)
        let clock = input.clock(end: facts.watched.end)
        guard !pairs.isEmpty else { return nil }
        let said = answer.times.first { $0.end > $0.start }
        let touchesStart = [
            answer.evidence.first.map { $0.range.start <= pairs[0].start },
            said.map { $0.start <= clock[0].start },
        ].contains(true)
        let touchesEnd = [
            answer.evidence.first.map { $0.range.end >= pairs[pairs.count - 1].end },
            said.map { $0.end >= clock[clock.count - 1].end },
        ].contains(true)
        switch (touchesStart, touchesEnd) {
        case (false, true):
            guard let next = input.window.next, !next.isCut, window + 1 < notes.count else {
                return nil
            }
            return parts(window, pairs.count, window + 1, try visual(window + 1).grid.time)
        case (true, false):
            guard window > 0 else { return nil }
            let before = try visual(window - 1)
            guard let edge = before.window.next, !edge.isCut else { return nil }
            return parts(window - 1, before.grid.time, window, pairs.count)
        default: return nil
        }
    }

    private func visual(_ window: Int) throws -> VisualInput {
        try index.visual(.windows, window, facts, model: analyzer.model.configuration)
    }

    /// The end of one window and the beginning of the next, as long together as the longer one.
    private func parts(_ first: Int, _ count: Int, _ second: Int, _ following: Int) -> [WindowPart]
    {
        let half = max(1, max(count, following) / 2)
        return [
            WindowPart(window: first, pairs: max(0, count - half)..<count),
            WindowPart(window: second, pairs: 0..<min(half, following)),
        ]
    }

    // MARK: - Glances and opinions

    private func glances(_ choice: GlanceChoice) throws -> Int {
        switch choice {
        case .all: return notes.count
        case .most(let count): return min(count, notes.count)
        case .auto:
            let text = analyzer.model.configuration.text
            let work = Double(text.multiplicationsPerToken) * Double(try visual(0).tokens)
            return min(notes.count, max(Self.fewestGlances, Int(min(1e6, Self.work / work))))
        }
    }

    /// The places of some notes, by how much likelier the model finds that they help than that they do
    /// not.
    private func opinions(
        on question: String, _ byWords: [Int], timing: inout TimingRecord
    ) throws -> [Int] {
        // Such a model was never asked about notes.
        guard analyzer.model.configuration.refusal == nil else { return [] }
        let asked = WindowRanking.candidates(
            byWords: byWords, of: notes.count, most: Self.candidates)
        var scores: [Int: Double] = [:]
        for number in asked {
            try Task.checkCancellation()
            scores[number] = try analyzer.relevance(
                of: notes[number], to: question, options: options, timing: &timing)
        }
        return WindowRanking.ordered(scores)
    }
}

/// Some pairs of a window.
struct WindowPart {
    var window: Int
    /// All where nil.
    var pairs: Range<Int>?
}

extension TextConfiguration {
    /// Multiplications that one token takes in the layers, attention left out.
    var multiplicationsPerToken: Int {
        layers * hidden * (2 * heads * headSize + 2 * kvHeads * headSize + 3 * intermediate)
    }
}

extension AnswerDocument {
    /// The stretch of time that an answer is about: the one that it names, or else its strongest
    /// evidence.
    private var stretch: TimeRange? {
        times.first { $0.end > $0.start } ?? evidence.first?.range
    }

    /// Whether it tells of the same stretch of time as another, and of no less of it.
    func seesNoLess(than other: AnswerDocument) -> Bool {
        guard let mine = stretch, let its = other.stretch else { return false }
        return mine.start <= its.end && its.start <= mine.end
            && mine.end - mine.start >= its.end - its.start
    }
}

extension Analyzer {
    /// By how much the model finds it likelier that a note helps with a question than that it does
    /// not, as a logarithm.
    fileprivate func relevance(
        of note: String, to question: String, options: AnalysisOptions,
        timing: inout TimingRecord
    ) throws -> Double {
        let layout = try layOut(
            [], prompt: Prompts.relevance(of: note, to: question), system: options.system,
            rule: options.mrope)
        let inquiry = GlanceInquiry.opinion
        let labels = inquiry.labels.map { tokenizer.encode($0, special: .asText) }
        let longest = labels.map(\.count).max() ?? 0
        // What does not fit is no candidate.
        guard layout.ids.count + longest <= model.configuration.text.maxPositions else {
            return -.infinity
        }
        var session = try session(
            tokens: layout.ids.count + longest, plan: nil, options: options)
        let logits = try read(
            layout, 0..<layout.ids.count, visuals: [], into: &session, timing: &timing)
        return inquiry.score(
            try computing {
                try LabelScoring(
                    labels: labels, endOfSequence: model.configuration.tokens.endOfSequence,
                    position: layout.positions.next
                ).scores(&session, logits: logits)
            })
    }
}

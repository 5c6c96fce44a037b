import OrderedJSON
import VideoUnderstanding

/// Who watches the videos: the calls of an evaluation into the path.
public struct VideoWatcher {
    /// Answers questions about one video, each with its place from 0.
    public typealias Ask = (
        _ questions: [String], _ video: String,
        _ onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws(Failure) -> Void
    public typealias Summarize = (_ video: String) throws(Failure) -> SummaryDocument

    let ask: Ask
    let summarize: Summarize

    public init(ask: @escaping Ask, summarize: @escaping Summarize) {
        self.ask = ask
        self.summarize = summarize
    }
}

/// What happens during an evaluation, for whoever watches; whoever throws ends it.
public enum EvaluationEvent: Sendable {
    /// The next video, its place from 1, and how many there are.
    case video(String, Int, of: Int)
    /// A video could not be read; the lines about it count as wrong.
    case failed(EvaluationFailure)
    /// A line is done; they come in the order of the dataset.
    case result(EvaluationResult)
}

/// A video that could not be read, or not to the end.
public struct EvaluationFailure: Sendable, Equatable {
    public var video: String
    /// Lines that stay without an answer.
    public var lines: [Int]
    public var failure: Failure
}

/// Puts the cases of a dataset to a model.
///
/// All questions about a video are asked at once, so that it is decoded, encoded and read by the
/// model one time; a video that is to be summarised is summarised one time.
public struct EvaluationRun {
    private let cases: [EvaluationCase]
    private let rules: ScoringRules
    private let judge: Judge
    private var outcomes: [EvaluationResult.Outcome?]
    /// The first line whose result was not told yet.
    private var next = 0
    private var record = EvaluationRecord()

    public init(_ cases: [EvaluationCase], rules: ScoringRules) {
        self.cases = cases
        self.rules = rules
        judge = Judge(rules)
        outcomes = Array(repeating: nil, count: cases.count)
    }

    /// - Throws: `Failure` by interruption, of the model, or of the output. All else is a failure
    ///   of one video. What was done until then was told, in the order of the dataset.
    public consuming func run(
        _ watcher: VideoWatcher, onEvent: (EvaluationEvent) throws(Failure) -> Void
    ) throws(Failure) -> EvaluationRecord {
        let groups = Self.groups(cases)
        for (index, group) in groups.enumerated() {
            try onEvent(.video(group.video, index + 1, of: groups.count))
            do throws(Failure) {
                try watch(group, watcher, onEvent)
            } catch {
                if error.endsEvaluation {
                    try tell(all: true, onEvent)
                    throw error
                }
                let missing = group.indices.filter { outcomes[$0] == nil }
                for index in missing { outcomes[index] = .failed(error) }
                let failure = EvaluationFailure(
                    video: group.video, lines: missing.map { cases[$0].line }, failure: error)
                record.failures.append(failure)
                try onEvent(.failed(failure))
            }
            try tell(onEvent)
        }
        record.results = zip(cases, outcomes).compactMap { item, outcome in
            outcome.map { EvaluationResult(item, $0) }
        }
        record.videos = Set(cases.map(\.video)).count
        return record
    }

    // MARK: - Videos

    /// Lines about one video, by their places in the dataset.
    private struct Group {
        var video: String
        var indices: [Int] = []
    }

    /// In the order in which the videos first appear.
    private static func groups(_ cases: [EvaluationCase]) -> [Group] {
        var groups: [Group] = []
        var places: [String: Int] = [:]
        for (index, item) in cases.enumerated() {
            let place = places[item.video] ?? groups.count
            if place == groups.count { groups.append(Group(video: item.video)) }
            places[item.video] = place
            groups[place].indices.append(index)
        }
        return groups
    }

    private mutating func watch(
        _ group: Group, _ watcher: VideoWatcher,
        _ onEvent: (EvaluationEvent) throws(Failure) -> Void
    ) throws(Failure) {
        let questions = group.indices.filter { cases[$0].expectation.kind != .summary }
        if !questions.isEmpty {
            let prompts = questions.map { cases[$0].prompt(suffix: rules.suffix) }
            var usage = UsageRecord()
            try watcher.ask(prompts, group.video) { place, document in
                let text = document.answer.string ?? document.answer.compact
                let item = cases[questions[place]]
                var judgement = judge.judge(
                    text, times: document.times, item.expectation, duration: document.video.duration
                )
                judgement.evidence = EvidenceOverlap(
                    document.evidence, with: item.evidence, duration: document.video.duration)
                judgement.verification = document.verification?.probability
                outcomes[questions[place]] = .answered(
                    text: text, confidence: document.confidence, judgement)
                usage = document.provenance.usage
                record.add(document.provenance, of: group.video, to: \.answerSettings)
                try tell(onEvent)
            }
            record.addVisualTokens(of: usage)
        }
        let summaries = group.indices.filter { cases[$0].expectation.kind == .summary }
        guard !summaries.isEmpty else { return }
        let document = try watcher.summarize(group.video)
        record.addVisualTokens(of: document.provenance.usage)
        record.add(document.provenance, of: group.video, to: \.summarySettings)
        for index in summaries {
            guard case .summary(let mentions, let forbidden) = cases[index].expectation else {
                continue
            }
            let judgement = judge.judge(document, mentions: mentions, forbidden: forbidden)
            outcomes[index] = .answered(text: document.summary, confidence: nil, judgement)
        }
    }

    /// Tells the results that are there, up to the first that is not.
    ///
    /// - Parameter all: passes over those that will never come.
    private mutating func tell(
        all: Bool = false, _ onEvent: (EvaluationEvent) throws(Failure) -> Void
    ) throws(Failure) {
        while next < cases.count {
            if let outcome = outcomes[next] {
                try onEvent(.result(EvaluationResult(cases[next], outcome)))
            } else if !all {
                return
            }
            next += 1
        }
    }
}

extension Failure {
    /// What is wrong with the model or the output is wrong for every video.
    fileprivate var endsEvaluation: Bool {
        code == .interrupted || stage == .model || stage == .output || stage == .options
    }
}

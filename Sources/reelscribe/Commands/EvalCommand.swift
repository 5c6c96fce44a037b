import ArgumentParser
import Evaluation
import Logging
import VideoUnderstanding

struct EvalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Measure how well a checkpoint answers on a dataset of yours.",
        discussion: """
            A line of the dataset is a JSON object: "video", "question", and what is right: \
            "answer" (a text, or several), "choices" with "answer", "time" (seconds), "interval" \
            ([start, end]), or "answerable": false. A line with "task": "summarize" has \
            "mentions" in place of a question. The fields of Video-MME and of temporal grounding \
            sets are understood too, and JSON arrays; Documentation/Evaluation.md has them all.

            Gives accuracy by kind and category, time errors, temporal IoU, what was found \
            unanswerable, and how well confidence is calibrated: as a table on a terminal, and as \
            one document (reelscribe/evaluation@1) elsewhere and with --output. A video that \
            fails counts as wrong, and the others go on; the exit code is then 3, or 4 when all \
            failed.

            EXAMPLES
              reelscribe eval --dataset questions.jsonl
              reelscribe eval --dataset video-mme.json --videos clips --by duration
              reelscribe eval --dataset set.jsonl --output scores.json --results answers.jsonl
              reelscribe eval --dataset set.jsonl --ablate shuffle-frames
            """)

    @Option(
        help: ArgumentHelp(
            "Questions and summaries, with what is right; - is standard input.", valueName: "file"),
        completion: .file())
    var dataset: String

    @Option(
        help: ArgumentHelp(
            "Look for videos here, with usual extensions too. (default: the dataset's folder)",
            valueName: "folder"),
        completion: .directory)
    var videos: String?

    @Option(
        help: ArgumentHelp(
            "Write a JSON line for each line of the dataset: question, expected, answer, correct, errors, confidence.",
            valueName: "file"),
        completion: .file())
    var results: String?

    @Option(
        help: ArgumentHelp(
            "What standard output gets. (default: table on a terminal, json elsewhere)",
            valueName: "json|table"))
    var format: EvaluationFormat?

    @Option(help: ArgumentHelp("Only the first so many lines.", valueName: "n"))
    var limit: Int?

    @Option(
        name: .customLong("by"),
        help: ArgumentHelp(
            "Group results by this field of the dataset. (default: category, task_type or question_type)",
            valueName: "field"))
    var categoryField: String?

    @Option(
        help: ArgumentHelp(
            "How texts are compared, once normalised: equal, or the accepted text anywhere in the answer.",
            valueName: "exact|contains"))
    var match: ScoringRules.Match = .exact

    @Option(help: ArgumentHelp("Seconds by which a time may be off.", valueName: "seconds"))
    var timeTolerance = 1.0

    @Option(
        name: .customLong("unanswerable"),
        help: ArgumentHelp(
            "An answer with this phrase says that the question cannot be answered; repeatable, in place of the built-in phrases.",
            valueName: "phrase"))
    var unanswerablePhrases: [String] = []

    @Option(
        help: ArgumentHelp(
            "Put behind open questions, as in: 'Answer with a single word.'", valueName: "text"))
    var suffix: String?

    @Option(
        help: ArgumentHelp(
            "Spoil the input: shuffle-frames puts the frames in random order (--seed), zero-time holds the time axis of visual tokens still. Answers about time should get worse.",
            valueName: "way"))
    var ablate: AblationName?

    @Flag(
        help:
            "Check each answer by a second look at its evidence; --results has how likely that bears it out."
    )
    var verify = false

    @OptionGroup var result: DocumentOptions
    @OptionGroup var summary: SummaryOptions

    func settings() throws -> Settings {
        try Settings.from { settings in
            summary.apply(to: &settings)
            settings.verifiesAnswers = verify
            settings.ablation = ablate?.ablation(seed: settings.generation.seed)
        }
    }

    func validate() throws {
        _ = try settings()
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
        guard (0...1e6).contains(timeTolerance) else {
            throw ValidationError("--time-tolerance must lie between 0 and 1000000 seconds.")
        }
        if let phrase = unanswerablePhrases.first(where: { NormalizedText($0).isEmpty }) {
            throw ValidationError("--unanswerable \"\(phrase)\" has no word in it.")
        }
        if let results, results == result.output.output {
            throw ValidationError("--results and --output cannot be the same file.")
        }
        if results == "-" { throw ValidationError("--results must be a file.") }
    }

    private var rules: ScoringRules {
        var rules = ScoringRules()
        rules.match = match
        rules.timeTolerance = timeTolerance
        rules.suffix = suffix
        if !unanswerablePhrases.isEmpty { rules.unanswerablePhrases = unanswerablePhrases }
        return rules
    }

    func run() throws {
        Signals.letWorkEndItself()
        let start = ContinuousClock.now
        let progress = summary.watch.reports.start()
        let data = try Dataset.load(dataset, videos: videos, categoryField: categoryField)
        let log = Logger(label: "eval")
        for fault in data.misspelt {
            log.warning("\(dataset): line \(fault.line): \(fault.reason); it is passed over")
        }
        let cases = Array(data.cases.prefix(limit ?? .max))
        for path in [result.output.output, results] {
            try OutputGuard.check(output: path, against: [dataset] + cases.map(\.video))
        }
        // A place that cannot be written is found out before the work, not after it.
        let isFile = result.output.output.map { $0 != "-" } ?? false
        var file = isFile ? try result.output.documents(isSingle: true) : nil
        let record = try evaluate(cases, progress)
        var document = EvaluationDocument(
            path: dataset, lines: data.cases.count, record: record, rules: rules)
        if !result.timing.noTiming { document.seconds = (ContinuousClock.now - start).seconds }
        try file?.write(document)
        try file?.finish()
        try show(document, isElsewhere: isFile)
        let status = RunStatus(failed: document.scores.failed, of: document.scores.lines)
        if status != .success { throw ExitCode(status.rawValue) }
    }

    /// Puts the cases to the model, and writes the line of each as soon as those before are done.
    private func evaluate(
        _ cases: [EvaluationCase], _ progress: ProgressMeter
    ) throws -> EvaluationRecord {
        let work = HeavyWork(
            WorkOrder(
                model: summary.watch.model.model, settings: try settings(), progress: progress))
        let watcher = VideoWatcher { questions, video, onAnswer throws(Failure) in
            var list = QuestionList()
            for question in questions { list.add(question) }
            try work.answer(list.questions, about: video) { document in
                try onAnswer(document.job.questionIndex ?? 0, document)
            }
        } summarize: { video throws(Failure) in
            try work.summarize(video)
        }
        var lines: DocumentOutput?
        if let results {
            lines = try DocumentOutput(
                path: results, layout: .compact, isSingle: false, isTerminal: false)
        }
        do throws(Failure) {
            let record = try EvaluationRun(cases, rules: rules).run(watcher) {
                event throws(Failure) in
                switch event {
                case .video(_, let place, let count):
                    try Signals.interruption.check(stage: .open)
                    work.place = "\(place)/\(count) "
                case .failed(let failure):
                    progress.finish()
                    progress.message(failure.failure.line)
                case .result(let result):
                    try lines?.write(text: result.json.compact)
                }
            }
            progress.finish()
            try lines?.finish()
            return record
        } catch {
            progress.finish()
            throw Signals.interruption.naming(error)
        }
    }

    /// Writes to standard output, which stays empty off a terminal where the document went
    /// elsewhere.
    private func show(_ document: EvaluationDocument, isElsewhere: Bool) throws(Failure) {
        let onTerminal = StandardStreams.outputIsTerminal
        switch format ?? (onTerminal ? .table : isElsewhere ? nil : .json) {
        case .table:
            var file = try FileOutput(path: nil, atomically: false)
            try file.write(document.table)
        case .json:
            var documents = try DocumentOutput(
                path: nil, layout: result.output.layout?.layout ?? .automatic, isSingle: true,
                isTerminal: onTerminal)
            try documents.write(document)
            try documents.finish()
        case nil: break
        }
    }
}

/// What standard output gets.
enum EvaluationFormat: String, ExpressibleByArgument, CaseIterable {
    case json, table
}

/// The ways to spoil the input, as they are typed.
enum AblationName: String, ExpressibleByArgument, CaseIterable {
    case shuffleFrames = "shuffle-frames"
    case zeroTime = "zero-time"

    func ablation(seed: UInt64) -> Ablation {
        switch self {
        case .shuffleFrames: .shuffleFrames(seed: seed)
        case .zeroTime: .zeroTime
        }
    }
}

extension ScoringRules.Match: ExpressibleByArgument {}

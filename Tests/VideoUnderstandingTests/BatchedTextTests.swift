import Constraint
import Foundation
import OrderedJSON
import Qwen2VL
import Testing
import Text
import VideoUnderstanding

/// Texts that are written together, and guesses at what comes next: neither may change a byte.
@Suite struct BatchedTextTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    private static let questions = [
        "When does the orange triangle appear?", "Which way does the yellow triangle move?",
        "What does the green star do?", "Is there a red circle?", "What can be read at the end?",
        "When does the blue square disappear?", "How many shapes are there?",
        "What does the white star do?", "Which colour is the circle?",
    ]

    private func analyzer(_ weights: WeightFormat? = nil) throws -> Analyzer {
        try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(weights), threads: 2)
    }

    private func answers(
        _ analyzer: Analyzer, batch: Int, drafts: DraftChoice = .off,
        change: (inout Settings) -> Void = { _ in }
    ) throws -> [String] {
        var settings = Settings()
        settings.generation.maxNewTokens = 24
        change(&settings)
        settings.batch = batch
        settings.drafts = drafts
        try settings.validate()
        var answers: [String] = []
        try analyzer.ask(
            try .resolving("\(Self.root)/Samples/sample-world.mp4", settings: settings),
            questions: Self.questions, settings: settings
        ) { place, document in
            #expect(place == answers.count, "answers come in the order of the questions")
            var document = document
            document.provenance.timing = nil
            answers.append(document.json.compact)
        }
        #expect(answers.count == Self.questions.count)
        return answers
    }

    @Test(arguments: WeightFormat.allCases)
    func companyChangesNoAnswer(_ weights: WeightFormat) throws {
        let analyzer = try analyzer(weights)
        let alone = try answers(analyzer, batch: 1)
        #expect(Set(alone).count == alone.count)
        for batch in [2, 3, 8, 63] { #expect(try answers(analyzer, batch: batch) == alone) }
        #expect(try answers(analyzer, batch: 1, drafts: .on) == alone)
        #expect(try answers(analyzer, batch: 3, drafts: .on) == alone)
    }

    /// What each text has of its own: a grammar, a generator of random numbers, tokens it has used.
    @Test(arguments: ["shape", "schema", "choices", "seed", "penalty", "int8", "short"])
    func optionsHoldForEachAnswer(option: String) throws {
        let analyzer = try analyzer()
        func change(_ settings: inout Settings) {
            switch option {
            case "shape": settings.answerShape = .builtIn(.intervals)
            case "schema":
                settings.answerShape = .schema([
                    "type": "object",
                    "properties": ["what": ["type": "string"], "sure": ["type": "boolean"]],
                    "required": ["what", "sure"],
                ])
            case "choices": settings.answerShape = .choices(["Yes.", "No.", "It cannot be seen."])
            case "seed":
                settings.generation.temperature = 1.5
                settings.generation.seed = 7
            case "penalty": settings.generation.repetitionPenalty = 1.5
            case "int8": settings.kv = .int8
            default: settings.generation.maxNewTokens = 1
            }
        }
        let alone = try answers(analyzer, batch: 1, change: change)
        #expect(try answers(analyzer, batch: 8, change: change) == alone)
        #expect(try answers(analyzer, batch: 2, drafts: .on, change: change) == alone)
    }

    @Test func summariesAreTheSame() throws {
        let analyzer = try analyzer()
        func summary(_ batch: Int, _ drafts: DraftChoice) throws -> String {
            var settings = Settings()
            settings.window = Rational(1)
            settings.cuts = .off
            settings.repetitions = .keep
            settings.generation.maxNewTokens = 40
            settings.batch = batch
            settings.drafts = drafts
            var document = try analyzer.summarize(
                try .resolving("\(Self.root)/Samples/sample-world.mp4", settings: settings),
                settings: settings)
            document.provenance.timing = nil
            #expect(document.segments.count > 12, "more than are summed up at once")
            return document.json.compact
        }
        let alone = try summary(1, .off)
        #expect(try summary(8, .off) == alone)
        #expect(try summary(8, .auto) == alone)
        #expect(try summary(3, .on) == alone)
    }

    /// Less memory than a batch needs makes it smaller; the answers stay.
    @Test func memoryBoundsTheBatch() throws {
        let analyzer = try analyzer()
        let plenty = try answers(analyzer, batch: 9)
        let need = analyzer.memory(
            tokens: 700, plan: nil,
            options: AnalysisOptions(Settings(), model: analyzer.model.configuration)
        ).peak
        let tight = try answers(analyzer, batch: 9) {
            $0.maxMemory = ByteSize(bytes: need + 200 << 20)
        }
        #expect(tight == plenty)
        var options = Settings()
        options.maxMemory = ByteSize(bytes: need)
        let session = try analyzer.session(
            trunk: 600, branches: 8, each: 100, longest: 700, plan: nil,
            options: AnalysisOptions(options, model: analyzer.model.configuration))
        let branches = session.branches
        #expect(branches == 1)
    }

    /// One text that cannot go on must not take others with it.
    @Test func oneFailureIsOneFailure() throws {
        let analyzer = try analyzer()
        let options = AnalysisOptions(Settings(), model: analyzer.model.configuration)
        let layout = try analyzer.layOut(
            [], prompt: "What moves?", system: options.system, rule: options.mrope)
        func write(_ broken: Set<Int>) throws -> [Result<GeneratedText, any Error>] {
            var session = try analyzer.session(
                trunk: 0, branches: 3, each: layout.ids.count + 20, longest: 100, plan: nil,
                options: options)
            var group = TextGroup()
            for number in 0..<3 {
                let branch = session.fork(after: 0)
                var logits = try session.prefill(ids: layout.ids, positions: layout.positions)
                if broken.contains(number) {
                    logits = [Float](repeating: .nan, count: logits.count)
                }
                let generation = Generation(
                    tokenizer: analyzer.tokenizer,
                    endOfSequence: analyzer.model.configuration.tokens.endOfSequence,
                    sampling: options.tokenSampling, maxNewTokens: 12)
                group.add(
                    branch,
                    TextWriter(
                        generation, prompt: layout.ids, position: layout.positions.next,
                        constraint: nil), logits: logits)
            }
            try group.write(&session)
            return group.texts
        }
        let whole = try write([]).map { try $0.get() }
        #expect(whole[0].tokens.count > 1 && whole.allSatisfy { $0 == whole[0] })
        let texts = try write([1])
        #expect(throws: GenerationError.noFiniteLogits) { try texts[1].get() }
        #expect(try texts[0].get() == whole[0] && texts[2].get() == whole[0])
    }

    /// An index keeps each text as soon as it has ended, whatever becomes of the others.
    @Test func endsAreToldAtOnce() throws {
        let analyzer = try analyzer()
        let options = AnalysisOptions(Settings(), model: analyzer.model.configuration)
        let layout = try analyzer.layOut(
            [], prompt: "What moves?", system: options.system, rule: options.mrope)
        let lengths = [4, 1, 2, 6]
        var session = try analyzer.session(
            trunk: 0, branches: 4, each: layout.ids.count + 8, longest: 100, plan: nil,
            options: options)
        var group = TextGroup()
        for length in lengths {
            let branch = session.fork(after: 0)
            let logits = try session.prefill(ids: layout.ids, positions: layout.positions)
            let generation = Generation(
                tokenizer: analyzer.tokenizer, endOfSequence: [],
                sampling: options.tokenSampling, maxNewTokens: length)
            group.add(
                branch,
                TextWriter(
                    generation, prompt: layout.ids, position: layout.positions.next,
                    constraint: nil), logits: logits)
        }
        struct Stop: Error {}
        var ended: [Int] = []
        #expect(throws: Stop.self) {
            try group.write(
                &session,
                onEnd: { place, text in
                    #expect(text.tokens.count == lengths[place])
                    ended.append(place)
                    if place == 0 { throw Stop() }
                })
        }
        #expect(ended == [1, 2, 0])
    }

    /// Guesses follow what stood there before, the longest run first and the last time it stood.
    @Test func guessesAreWhatFollowed() {
        var lookup = PromptLookup([1, 2, 3, 4, 9, 2, 3, 5, 6, 7, 8])
        #expect(lookup.draft(7) == [])
        lookup.append(2)
        lookup.append(3)
        // Two tokens: the last time they stood.
        #expect(lookup.draft(7) == [5, 6, 7])
        #expect(lookup.draft(2) == [5, 6])
        lookup.append(4)
        // Three tokens that stood only once.
        #expect(lookup.draft(7) == [9, 2, 3])
        for _ in 0..<4 { lookup.judge(drafted: 3, right: 3) }
        #expect(lookup.draft(99).count == PromptLookup.most)
        for _ in 0..<4 { lookup.judge(drafted: 7, right: 0) }
        #expect(lookup.draft(99).count == 1)
        #expect(lookup.draft(0) == [])
    }

    /// Text that repeats its prompt takes fewer passes than tokens; the counts say so.
    @Test func draftsSavePasses() throws {
        let analyzer = try analyzer()
        let options = AnalysisOptions(Settings(), model: analyzer.model.configuration)
        let layout = try analyzer.layOut(
            [],
            prompt: Prompts.whole(
                of: (0..<6).map {
                    Prompts.Note(
                        start: "00:00:0\($0)", end: "00:00:0\($0 + 1)",
                        text: "A small yellow triangle moves left. The text reads 95.")
                }), system: options.system, rule: options.mrope)
        func write(drafts: Bool) throws -> (GeneratedText, DecodeCounts) {
            var session = try analyzer.session(
                trunk: 0, branches: 1, each: layout.ids.count + 80,
                longest: layout.ids.count + 80, plan: nil, options: options)
            let branch = session.fork(after: 0)
            let logits = try session.prefill(ids: layout.ids, positions: layout.positions)
            var group = TextGroup()
            group.add(
                branch,
                TextWriter(
                    Generation(
                        tokenizer: analyzer.tokenizer,
                        endOfSequence: analyzer.model.configuration.tokens.endOfSequence,
                        sampling: options.tokenSampling, maxNewTokens: 60, drafts: drafts),
                    prompt: layout.ids, position: layout.positions.next, constraint: nil),
                logits: logits)
            try group.write(&session)
            return (try group.texts[0].get(), group.counts)
        }
        let (plain, alone) = try write(drafts: false)
        let (guessed, counts) = try write(drafts: true)
        #expect(guessed == plain)
        #expect(alone.passes == plain.tokens.count - 1 && alone.drafted == 0)
        #expect(counts.right > 0 && counts.passes + counts.right == alone.passes)
    }
}

import Compute
import Constraint
import Foundation
import OrderedJSON
import Qwen2VL
import Testing
import VideoUnderstanding

/// Answers that are held to a shape, through the whole path.
@Suite struct AnswerShapeTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    private func ask(
        _ shape: AnswerShape?, questions: [String] = ["What moves?"],
        change: (inout Settings) -> Void = { _ in }, onText: (String) -> Void = { _ in }
    ) throws -> [AnswerDocument] {
        var settings = Settings()
        settings.generation.maxNewTokens = 60
        settings.answerShape = shape
        change(&settings)
        try settings.validate()
        let analyzer = try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: 2)
        var answers: [AnswerDocument] = []
        try analyzer.ask(
            try .resolving("\(Self.root)/Samples/shapes-and-cuts.mp4", settings: settings),
            questions: questions, settings: settings,
            onEvent: { event in if case .text(let text) = event { onText(text) } },
            onAnswer: { answers.append($1) })
        return answers
    }

    private func isValid(_ document: AnswerDocument) throws -> Bool {
        try JSONSchema(JSON.parse(DocumentKind.answer.schemaText)).accepts(document.json)
    }

    @Test(arguments: [1, 2, 5, 60], [0.0, 1.5])
    func answersConformWhateverTheLimit(tokens: Int, temperature: Double) throws {
        let schema = try JSON.parse(
            #"{"type":"object","properties":{"what":{"type":"string"},"colours":{"type":"array","items":{"enum":["red","blue"]},"minItems":1},"sure":{"type":"boolean"}},"required":["what","colours","sure"]}"#
        )
        var streamed = ""
        let answer = try #require(
            try ask(
                .schema(schema),
                change: {
                    $0.generation.maxNewTokens = tokens
                    $0.generation.temperature = temperature
                    $0.generation.topP = 0.8
                }, onText: { streamed += $0 }
            ).first)
        #expect(try JSONSchema(schema).accepts(answer.answer))
        #expect(try isValid(answer))
        #expect(try JSON.parse(streamed) == answer.answer)
        #expect(answer.provenance.usage.generatedTokens <= tokens)
        if tokens <= 5 { #expect(answer.provenance.finishReason == .length) }
        #expect(answer.provenance.settings["json_schema"] == schema)
    }

    @Test(arguments: BuiltInShape.allCases)
    func builtInShapesConform(_ shape: BuiltInShape) throws {
        let answers = try ask(.builtIn(shape), questions: ["When is it red?", "Is it red?"])
        #expect(answers.count == 2)
        for answer in answers {
            #expect(try JSONSchema(shape.schema).accepts(answer.answer))
            let instants = Set(answer.provenance.sampling.timestamps.map { JSON.decimal($0) })
            var last = -1.0
            for item in answer.answer.array ?? [] {
                let (start, end) = (try #require(item["start"]), try #require(item["end"]))
                #expect(instants.contains(start) && instants.contains(end))
                #expect(start.double ?? -1 >= last && end.double ?? -1 >= start.double ?? 0)
                last = end.double ?? 0
            }
        }
    }

    @Test func aChoiceIsTheLikeliestLabel() throws {
        let labels = ["red", "red square", "a", "blue, or green", "red square moves"]
        let answers = try ask(.choices(labels), questions: ["What?", "Where?"])
        for answer in answers {
            let outcome = try #require(answer.outcome)
            #expect(outcome.choices.map(\.label) == labels)
            #expect(abs(outcome.choices.reduce(0) { $0 + $1.probability } - 1) < 1e-9)
            let best = try #require(outcome.choices.max { $0.probability < $1.probability })
            #expect(outcome.choice == best.label && answer.answer == .string(best.label))
            #expect(answer.confidence == best.probability)
            #expect(answer.provenance.finishReason == .stop)
            #expect(try isValid(answer))
        }
    }

    // Scores of labels whose beginnings are shared and rolled back, against reading each by itself.
    @Test func sharedBeginningsChangeNoScore() throws {
        let model = try Model.load(folder: "\(Self.root)/Samples/model", weights: WeightFormats())
        let prompt = [1, 5, 9, 2]
        let labels = [[10, 11, 12], [10, 11], [10, 20], [30], [10, 11, 12, 13]]
        let ends = [40, 41]
        func session() throws -> Session {
            try Session(model: model, pool: ThreadPool(threads: 1), capacity: 16)
        }
        var shared = try session()
        let logits = try shared.prefill(
            ids: prompt, positions: .text(from: 0, tokens: prompt.count))
        let scores = try LabelScoring(labels: labels, endOfSequence: ends, position: prompt.count)
            .scores(&shared, logits: logits)
        #expect(shared.length == prompt.count)
        func logSoftmax(_ logits: [Float]) -> [Double] {
            let highest = Double(logits.max() ?? 0)
            let total = logits.reduce(0) { $0 + exp(Double($1) - highest) }
            return logits.map { Double($0) - highest - log(total) }
        }
        for (label, score) in zip(labels, scores) {
            var alone = try session()
            var row = logSoftmax(
                try alone.prefill(ids: prompt, positions: .text(from: 0, tokens: prompt.count)))
            var expected = 0.0
            for (index, token) in label.enumerated() {
                expected += row[token]
                row = logSoftmax(try alone.step(token, position: prompt.count + index))
            }
            expected += log(ends.reduce(0) { $0 + exp(row[$1]) })
            #expect(abs(expected - score) < 1e-4, "\(label)")
        }
        #expect(LabelScoring.normalized([-1, -1]) == [0.5, 0.5])
        #expect(LabelScoring.normalized([-.infinity, 0]) == [0, 1])
        #expect(LabelScoring.normalized([-2000, -2000.5])[0] > 0.6)
    }

    @Test(arguments: [
        (["a,b"], ["a", "b"]), ([#"a\,b, c "#], ["a,b", "c"]), ([#"a\\,b\n"#], [#"a\"#, #"b\n"#]),
        (["a,b", "c"], ["a,b", "c"]), (["yes"], ["yes"]), ([#"a,b\"#], ["a", #"b\"#]),
    ])
    func labelsAreReadAsTyped(typed: [String], labels: [String]) {
        #expect(AnswerShape.choices(typed: typed) == .choices(labels))
    }

    @Test(arguments: [
        AnswerShape.choices(["a"]), .choices(["a", "a"]), .choices(["a", ""]), .choices([]),
        .choices(["a", String(repeating: "x", count: 2000)]), .schema(["not": true]), .schema(7),
    ])
    func badShapesAreRefused(_ shape: AnswerShape) {
        var settings = Settings()
        settings.answerShape = shape
        let failure = #expect(throws: Failure.self) { try settings.validate() }
        #expect(failure?.code == .jobInvalid)
    }

    // A prompt alone must not tell what was answered: the shape is part of what makes the result.
    @Test func theShapeIsPartOfTheSettings() {
        var settings = Settings()
        let free = settings.json(for: .answer)
        settings.answerShape = .choices(["a", "b"])
        #expect(settings.json(for: .answer)["choices"] == ["a", "b"])
        #expect(settings.json(for: .summary)["choices"] == nil)
        settings.answerShape = .builtIn(.yesNo)
        #expect(settings.json(for: .answer)["json_schema"] == BuiltInShape.yesNo.schema)
        settings.answerShape = nil
        #expect(settings.json(for: .answer) == free)
    }
}

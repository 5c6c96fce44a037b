import Evaluation
import OrderedJSON
import Testing
import VideoUnderstanding

/// Runs with a scripted model: what is asked when, and what becomes of failures.
@Suite struct EvaluationRunTests {
    private func item(_ line: Int, _ video: String, _ expectation: ExpectedAnswer) -> EvaluationCase
    {
        EvaluationCase(
            line: line, video: video, question: "question \(line)", expectation: expectation,
            category: line % 2 == 0 ? "even" : nil)
    }

    private var cases: [EvaluationCase] {
        [
            item(1, "a", .text(["one"])), item(2, "b", .text(["two"])),
            item(3, "a", .choice(["x", "y"], right: 1)),
            item(4, "c", .text(["four"])), item(5, "a", .time([5])),
            item(6, "a", .summary(mentions: [Mention(["circle"])], forbidden: [])),
        ]
    }

    private let torn = Failure(.decodeDamaged, stage: .decode, message: "b: torn")

    /// Answers rightly, except that `b` cannot be read and `c` fails after nothing.
    private func watcher(_ asked: @escaping ([String], String) -> Void) -> VideoWatcher {
        VideoWatcher { questions, video, onAnswer throws(Failure) in
            asked(questions, video)
            if video == "b" { throw torn }
            for (index, question) in questions.enumerated() {
                let answer =
                    question.contains("question 1")
                    ? "One." : question.contains("question 3") ? "B" : "at 5 s"
                do {
                    try onAnswer(index, Fakes.answer(about: video, question, answer, 0.75))
                } catch {
                    throw Failure(error, stage: .tool)
                }
            }
        } summarize: { video throws(Failure) in
            asked(["summarize"], video)
            return Fakes.summary(of: video, "A circle.", segments: [(0, 60, "A circle.")])
        }
    }

    // Guards the cost: one call a video; and the promise of order and of going on.
    @Test func videosAreWatchedOnceAndResultsKeepTheOrder() throws {
        var calls: [String] = []
        var told: [Int] = []
        let record = try EvaluationRun(cases, rules: ScoringRules()).run(
            watcher { calls.append("\($1) \($0.count)") }
        ) { event throws(Failure) in
            if case .result(let result) = event { told.append(result.item.line) }
        }
        #expect(calls == ["a 3", "a 1", "b 1", "c 1"])
        #expect(told == [1, 2, 3, 4, 5, 6])
        #expect(record.results.map(\.item.line) == [1, 2, 3, 4, 5, 6])
        #expect(
            record.results.map { $0.judgement?.isCorrect } == [true, nil, true, false, true, true])
        #expect(record.failures.map(\.video) == ["b"])
        #expect(record.failures.map(\.lines) == [[2]])
        #expect(record.videos == 3)
        // Four tokens each for a's questions, a's summary and c.
        #expect(record.visualTokens == 12)
        #expect(record.generatedTokens == 15)
    }

    @Test func theDocumentFollowsItsSchema() throws {
        let record = try EvaluationRun(cases, rules: ScoringRules()).run(watcher { _, _ in }) {
            _ throws(Failure) in
        }
        for seconds in [nil, 1.5] {
            let document = EvaluationDocument(
                path: "-", lines: 9, record: record, rules: ScoringRules(), seconds: seconds)
            #expect(DocumentValidator().faults(in: document.json) == [])
            let keys = document.json.object?.members.map(\.key) ?? []
            let listed = try JSON.parse(DocumentKind.evaluation.schemaText)["properties"]?
                .object?.members.map(\.key)
            #expect(listed?.filter(keys.contains) == keys)
            #expect(document.json["scores"]?["correct"]?.int == 4)
            #expect(document.json["scores"]?["failed"]?.int == 1)
            #expect(
                document.json["kinds"]?.array?.compactMap { $0["name"]?.string } == [
                    "text", "choice", "time", "summary",
                ])
            #expect(
                document.json["categories"]?[0]?.object?.members.prefix(4).map(\.value) == [
                    "even", 3, 1, 1,
                ])
            #expect(document.json["calibration"]?["lines"]?.int == 4)
            #expect(
                document.json["warnings"]?[0]?["message"]?.string
                    == "torn (and so for 1 more of the videos)")
            #expect(document.table.contains("failed: b: torn (line 2)"))
            let rows = document.table.split(separator: "\n")
            let all = rows.first { $0.hasPrefix("all") }
            #expect(all?.split(separator: " ").prefix(4) == ["all", "6", "4", "66.7"])
        }
    }

    @Test func everyResultFollowsItsSchema() throws {
        let record = try EvaluationRun(cases, rules: ScoringRules()).run(watcher { _, _ in }) {
            _ throws(Failure) in
        }
        #expect(record.results.count == 6)
        for result in record.results {
            #expect(DocumentValidator().faults(in: result.json) == [], "\(result.json.compact)")
        }
    }

    // Guards the schema against the emptiest outcome: no video could be read.
    @Test func aRunWithoutAnswersIsADocumentToo() throws {
        let record = try EvaluationRun([item(2, "b", .text(["x"]))], rules: ScoringRules()).run(
            watcher { _, _ in }
        ) { _ throws(Failure) in }
        let document = EvaluationDocument(
            path: "-", lines: 1, record: record, rules: ScoringRules())
        #expect(DocumentValidator().faults(in: document.json) == [])
        #expect(document.json["model"] == .null)
        #expect(document.json["calibration"]?["ece"] == .null)
        #expect(document.scores.failed == 1)
    }

    // What is wrong with the model is wrong for every video; what was done is told before.
    @Test(arguments: [
        Failure(.modelDamaged, stage: .model, message: "broken"),
        Failure(.interrupted, stage: .decode, message: "interrupted"),
    ])
    func someFailuresEndTheRun(failure: Failure) {
        var told: [Int] = []
        let cases = [
            item(1, "b", .text(["x"])), item(2, "a", .text(["one"])), item(3, "b", .text(["y"])),
            item(4, "a", .text(["z"])), item(5, "c", .text(["z"])),
        ]
        let watcher = VideoWatcher { questions, video, onAnswer throws(Failure) in
            if video == "c" { throw failure }
            guard video == "a" else { throw torn }
            do {
                try onAnswer(0, Fakes.answer(about: video, questions[0], "one", 1))
            } catch {
                throw Failure(error, stage: .tool)
            }
            throw failure
        } summarize: { _ throws(Failure) in
            throw failure
        }
        let thrown = #expect(throws: Failure.self) {
            try EvaluationRun(cases, rules: ScoringRules()).run(watcher) { event throws(Failure) in
                if case .result(let result) = event { told.append(result.item.line) }
            }
        }
        #expect(thrown == failure)
        #expect(told == [1, 2, 3])
    }

    @Test func promptsListChoicesAndAskForEvents() {
        let choice = item(1, "a", .choice(["x", "y"], right: 1)).prompt(suffix: "Be brief.")
        #expect(choice.hasPrefix("question 1\nA. x\nB. y\n"))
        #expect(!choice.contains("brief"))
        #expect(item(2, "a", .text(["x"])).prompt(suffix: nil) == "question 2")
        #expect(item(2, "a", .text(["x"])).prompt(suffix: "Be brief.") == "question 2\nBe brief.")
        var event = item(3, "a", .interval([TimeRange(start: 0, end: 1)]))
        event.isEvent = true
        #expect(event.prompt(suffix: nil).contains("question 3\n"))
        #expect(event.prompt(suffix: nil) != "question 3")
    }

    @Test func aLineOfResultsSaysWhatWasRead() {
        let item = item(3, "a", .choice(["x", "y"], right: 1))
        let judgement = Judge(ScoringRules()).judge("A", item.expectation, duration: 1)
        let line = EvaluationResult(item, .answered(text: "A", confidence: 0.5, judgement)).json
        #expect(
            line.compact
                == #"{"schema":"reelscribe/evaluation-result@1","line":3,"video":"a","kind":"choice","question":"question 3","expected":{"choice":"B","text":"y"},"answer":"A","read":"A","correct":false,"says_unanswerable":false,"confidence":0.5}"#
        )
    }
}

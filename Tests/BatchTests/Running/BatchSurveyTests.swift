import Batch
import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// Guards looks at a batch: they tell what a run would do, and touch nothing.
@Suite struct BatchSurveyTests {
    private func survey(
        _ trial: Trial, settings: Settings = Settings(),
        _ fill: (inout BatchOptions) -> Void = { _ in }
    ) throws -> BatchSurvey {
        var options = BatchOptions(output: trial.scratch.path("out.jsonl"))
        fill(&options)
        return try BatchSurvey(
            Manifest.reading(trial.manifest), options: options, base: settings,
            analyzer: Trial.analyzer.get())
    }

    private func files(_ trial: Trial) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: trial.scratch.folder) {
            files[name] = try Data(contentsOf: URL(fileURLWithPath: trial.scratch.path(name)))
        }
        return files
    }

    @Test func nothingIsTouched() throws {
        let trial = try Trial(jobs: 10)
        try trial.write(try trial.scratch.lines("jobs.jsonl") + ["{"])
        var before = try files(trial)
        let fresh = try survey(trial)
        #expect(fresh.work == 11)
        #expect(fresh.tally.total == 11)
        #expect(fresh.invalid.map(\.place) == ["line 11"])
        #expect(try files(trial) == before)

        try trial.run { $0.limit = 5 }
        before = try files(trial)
        let half = try survey(trial)
        #expect(half.tally.before == 5)
        #expect(half.tally.failedBefore == 1)
        #expect(half.work == 6)
        #expect(try survey(trial) { $0.limit = 2 }.work == 2)
        #expect(try survey(trial) { $0.retry = .everything }.work == 7)
        #expect(try survey(trial) { $0.startsOver = true }.work == 11)
        #expect(try files(trial) == before)

        // What it says is what a run does.
        #expect(try trial.run().tally.before == 5)
        #expect(try survey(trial).work == 0)
        #expect(try survey(trial).invalid.count == 1)
    }

    @Test func whatWouldKeepARunFromBeginningIsFound() throws {
        let trial = try Trial(jobs: 2)
        try trial.scratch.write("mine\n", to: "out.jsonl")
        #expect(throws: Failure.self) { try survey(trial) }
        try FileManager.default.removeItem(atPath: trial.scratch.path("out.jsonl"))
        var wasRefused = false
        try trial.run { _ in
        } before: { _ throws(Failure) in
            let failure = #expect(throws: Failure.self) { try self.survey(trial) }
            wasRefused = failure?.status == .temporary
        }
        #expect(wasRefused)
    }

    /// Documents as real runs write them, as far as what was asked for shows in them.
    private func document(
        _ settings: Settings, _ change: (inout JSONObject) -> Void = { _ in }
    ) throws -> JSON {
        let analyzer = try Trial.analyzer.get()
        let effective = analyzer.effective(settings)
        var document: JSONObject = [
            "schema": "reelscribe/answer@1", "id": "j", "meta": ["n": 1],
            "video": ["uri": "VIDEO"], "question": "one",
            "model": [
                "fingerprint": .string(analyzer.record(mrope: effective.mrope).fingerprint)
            ],
            "settings": effective.json(for: .answer), "timing": ["total": 1],
            "tool": ["name": "reelscribe", "version": .string(ToolRecord.current.version)],
        ]
        change(&document)
        return .object(document)
    }

    static let changes: [(what: String, line: String, tokens: Int)] = [
        ("", #""questions":["one"],"meta":{"n":1}"#, 9),
        ("max-new-tokens", #""questions":["one"],"meta":{"n":1}"#, 8),
        ("questions", #""questions":["two"],"meta":{"n":1}"#, 9),
        ("questions", #""questions":["one","two"],"meta":{"n":1}"#, 9),
        ("meta", #""questions":["one"],"meta":{"n":2}"#, 9),
        ("meta", #""questions":["one"]"#, 9),
        ("fps", #""questions":["one"],"meta":{"n":1},"options":{"fps":1}"#, 9),
    ]

    // A person must learn which change makes the work of a night begin again.
    @Test(arguments: changes)
    func whatHasChangedIsNamed(row: (what: String, line: String, tokens: Int)) throws {
        let trial = try Trial(jobs: 0)
        let video = trial.scratch.path("v.bin")
        try trial.scratch.write("bytes", to: "v.bin")
        func write(_ line: String) throws {
            try trial.write([#"{"id":"j","video":"\#(video)","task":"ask",\#(line)}"#])
        }
        try write(Self.changes[0].line)
        var settings = Settings()
        settings.generation.maxNewTokens = 9
        let document = try document(settings) { $0["video"] = ["uri": .string(video)] }
        do {
            var run = try BatchRun(
                Manifest.reading(trial.manifest),
                options: BatchOptions(output: trial.scratch.path("out.jsonl")), base: settings,
                analyzer: Trial.analyzer.get())
            try run.run { _, _ throws(Failure) in JobOutcome(documents: [document]) }
        }

        try write(row.line)
        settings.generation.maxNewTokens = row.tokens
        let found = try survey(trial, settings: settings)
        #expect(found.tally.outdated == (row.what.isEmpty ? 0 : 1))
        #expect(found.tally.changesText == (row.what.isEmpty ? "" : "\(row.what) (1)"))
    }

    @Test func otherChangesAreNamedToo() throws {
        let trial = try Trial(jobs: 1)
        try trial.run()
        try trial.scratch.write("other bytes", to: "0.bin")
        #expect(try survey(trial).tally.changesText == "input (1)")
        // Documents that do not say what they were made with tell no change.
        var settings = Settings()
        settings.generation.maxNewTokens = 9
        let silent = try survey(trial, settings: settings)
        #expect(silent.tally.outdated == 1)
        #expect(silent.tally.changesText == "")
    }
}

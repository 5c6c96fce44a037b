import Batch
import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// A batch over real files with work that is made up, so that hundreds of runs take a moment.
struct Trial {
    static let analyzer: Result<Analyzer, Failure> = Result { () throws(Failure) in
        try Analyzer(folder: Repository.sampleModel, weights: nil, threads: 1)
    }

    let scratch: Scratch
    let manifest: String

    /// Jobs `0`, `1`, …: every third asks two questions, and every fifth fails.
    init(jobs: Int) throws {
        scratch = try Scratch()
        manifest = scratch.path("jobs.jsonl")
        try write((0..<jobs).map { Self.line($0, in: scratch) })
    }

    func write(_ lines: [String]) throws {
        try scratch.write(lines.map { $0 + "\n" }.joined(), to: "jobs.jsonl")
    }

    static func line(_ number: Int, in scratch: Scratch) -> String {
        let video = scratch.path("\(number).bin")
        _ = FileManager.default.createFile(atPath: video, contents: Data("video \(number)".utf8))
        let task =
            number % 3 == 2
            ? #""task":"ask","questions":["one","two"]"# : #""task":"summarize""#
        return #"{"id":"\#(number)","video":"\#(video)",\#(task),"meta":{"n":\#(number)}}"#
    }

    struct Ended {
        var tally: RunTally
        /// Ids of jobs that were worked on.
        var worked: [String]
    }

    @discardableResult
    func run(
        output: String = "out.jsonl", settings: Settings = Settings(),
        options fill: (inout BatchOptions) -> Void = { _ in },
        before: (Job) throws(Failure) -> Void = { _ throws(Failure) in }
    ) throws -> Ended {
        var options = BatchOptions(output: scratch.path(output))
        fill(&options)
        var worked: [String] = []
        var run = try BatchRun(
            try Manifest.reading(manifest), options: options, base: settings,
            analyzer: Self.analyzer.get())
        try run.run { job, _ throws(Failure) in
            worked.append(job.id)
            try before(job)
            return Self.outcome(of: job)
        }
        return Ended(tally: run.tally, worked: worked)
    }

    /// Depends on nothing but the job, as real documents do.
    static func outcome(of job: Job) -> JobOutcome {
        if let number = Int(job.id), number % 5 == 4 {
            let failure = Failure(.decodeDamaged, stage: .decode, message: "damaged")
            return JobOutcome(documents: [job.document(of: failure).json], failure: failure)
        }
        let questions = if case .ask(let questions) = job.task { questions } else { [""] }
        return JobOutcome(
            documents: questions.enumerated().map {
                [
                    "schema": "reelscribe/answer@1", "id": .string(job.id),
                    "question_index": .int($0), "question": .string($1),
                    "tokens": .int(job.settings.generation.maxNewTokens),
                    "text": .string(String(repeating: "x", count: 20)),
                ]
            })
    }
}

/// Guards what a batch promises: every job has exactly one whole result, whatever happened before.
@Suite struct BatchRunTests {
    @Test func everyJobHasItsResultInOrder() throws {
        let trial = try Trial(jobs: 10)
        let ended = try trial.run()
        #expect(ended.tally.done == 8)
        #expect(ended.tally.failed == 2)
        #expect(ended.tally.status == .someJobsFailed)
        let ids = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0)["id"]?.string }
        #expect(ids == ["0", "1", "2", "2", "3", "4", "5", "5", "6", "7", "8", "8", "9"])
    }

    @Test func whatIsDoneIsNotDoneAgain() throws {
        let trial = try Trial(jobs: 10)
        let first = try trial.run { $0.limit = 4 }
        #expect(first.worked == ["0", "1", "2", "3"])
        #expect(first.tally.left == 6)
        let second = try trial.run()
        #expect(second.worked == ["4", "5", "6", "7", "8", "9"])
        #expect(second.tally.before == 4)
        let third = try trial.run()
        #expect(third.worked == [])
        #expect(third.tally.status == .someJobsFailed)
    }

    // Every state that a death of the process can leave: the results hold a part of the documents
    // of the job at hand, the journal lacks its last note, or ends in the middle of one.
    @Test func anyDeathIsMended() throws {
        let whole = try Trial(jobs: 6)
        try whole.run()
        let expected = try whole.scratch.text("out.jsonl")
        let results = Array(expected.utf8)
        let journal = Array(try whole.scratch.text("out.jsonl.journal").utf8)
        let notes = try whole.scratch.lines("out.jsonl.journal").map { Array($0.utf8) + [10] }
        var written = 0
        var end = 0
        var cuts = 0
        for note in notes {
            let text = String(decoding: note, as: UTF8.self)
            let isFinish = text.contains(#""done""#) || text.contains(#""failed""#)
            let lines = isFinish ? try JSON.parse(text)["lines"]?.array?.count ?? 0 : 0
            var next = written
            for _ in 0..<lines {
                next = try #require(results[next...].firstIndex(of: 10)) + 1
            }
            if isFinish {
                // Documents come before the note: half of them, then half of the note.
                for cut in stride(from: written, through: next, by: 97) {
                    try expectMended(
                        whole, results: results[..<cut], journal: journal[..<end], expected)
                    cuts += 1
                }
            }
            written = next
            for cut in stride(from: end, to: end + note.count, by: 89) {
                try expectMended(
                    whole, results: results[..<written], journal: journal[..<cut], expected)
                cuts += 1
            }
            end += note.count
        }
        #expect(written == results.count)
        #expect(cuts > 40)
    }

    private func expectMended(
        _ trial: Trial, results: ArraySlice<UInt8>, journal: ArraySlice<UInt8>, _ expected: String
    ) throws {
        try Data(results).write(to: URL(fileURLWithPath: trial.scratch.path("out.jsonl")))
        try Data(journal).write(to: URL(fileURLWithPath: trial.scratch.path("out.jsonl.journal")))
        try trial.run()
        #expect(
            try trial.scratch.text("out.jsonl") == expected,
            "results cut at \(results.count), journal at \(journal.count)")
    }

    // What a person has put there must not be lost to a run.
    @Test func foreignResultsAreRefused() throws {
        let trial = try Trial(jobs: 3)
        try trial.scratch.write("{\"mine\":1}\n", to: "out.jsonl")
        #expect(try status { try trial.run() } == .outputNotCreated)
        #expect(try trial.scratch.text("out.jsonl") == "{\"mine\":1}\n")
        let forced = try trial.run { $0.startsOver = true }
        #expect(forced.worked.count == 3)

        let done = try trial.scratch.text("out.jsonl")
        for changed in [done + "{\"mine\":1}\n", "{\"mine\":1}\n" + done] {
            try trial.scratch.write(changed, to: "out.jsonl")
            #expect(try status { try trial.run() } == .outputNotCreated)
            #expect(try trial.scratch.text("out.jsonl") == changed)
        }
        try trial.scratch.write("notes of mine\n", to: "other.jsonl.journal")
        #expect(try status { try trial.run(output: "other.jsonl") } == .outputNotCreated)
    }

    // Without its journal a file of results could be anything.
    @Test func resultsWithoutTheirJournalAreRefused() throws {
        let trial = try Trial(jobs: 3)
        try trial.run()
        try FileManager.default.removeItem(atPath: trial.scratch.path("out.jsonl.journal"))
        #expect(try status { try trial.run() } == .outputNotCreated)
    }

    // The other way round is a wish to have them again.
    @Test func aJournalWithoutResultsBeginsAgain() throws {
        let trial = try Trial(jobs: 3)
        try trial.run()
        try FileManager.default.removeItem(atPath: trial.scratch.path("out.jsonl"))
        #expect(try trial.run().worked == ["0", "1", "2"])
    }

    @Test func twoWritersAreKeptApart() throws {
        let trial = try Trial(jobs: 2)
        try trial.run { _ in
        } before: { _ throws(Failure) in
            let second = try? self.status { try trial.run() }
            #expect(second == .temporary)
        }
        #expect(try trial.scratch.lines("out.jsonl").count == 2)
    }

    @Test func failedJobsAreDoneAgainWhereThatIsAsked() throws {
        let trial = try Trial(jobs: 10)
        try trial.run()
        let before = try trial.scratch.text("out.jsonl")
        let again = try trial.run { $0.retriesFailed = true }
        #expect(again.worked == ["4", "9"])
        // In their old places, once each.
        #expect(try trial.scratch.text("out.jsonl") == before)
    }

    // A result that shows something else than its job now asks for is none.
    @Test func whatHasChangedIsDoneAgain() throws {
        let trial = try Trial(jobs: 4)
        try trial.run()

        try trial.scratch.write("other bytes", to: "1.bin")
        #expect(try trial.run().worked == ["1"])

        var lines = try trial.scratch.lines("jobs.jsonl")
        lines[2] = lines[2].replacing("two", with: "three")
        lines[3] = lines[3].replacing(#""n":3"#, with: #""n":33"#)
        try trial.write(lines)
        let changed = try trial.run()
        #expect(changed.worked == ["2", "3"])
        #expect(changed.tally.outdated == 2)

        var settings = Settings()
        settings.generation.maxNewTokens = 9
        #expect(try trial.run(settings: settings).worked == ["0", "1", "2", "3"])
        let ids = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0)["id"]?.string }
        #expect(ids == ["0", "1", "2", "2", "3"])
        let tokens = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0)["tokens"]?.int }
        #expect(tokens == [9, 9, 9, 9, 9])
    }

    // Copies and restored backups have new times and old bytes.
    @Test func equalBytesAreTheSameInput() throws {
        let trial = try Trial(jobs: 2)
        try trial.run()
        let file = URL(fileURLWithPath: trial.scratch.path("0.bin"))
        let bytes = try Data(contentsOf: file)
        try FileManager.default.removeItem(at: file)
        try bytes.write(to: file)
        #expect(try trial.run().worked == [])
    }

    // A missing file that has come is no failure any more, without --retry-failed.
    @Test func anInputThatHasComeIsLookedAt() throws {
        let trial = try Trial(jobs: 1)
        try trial.write([
            #"{"id":"4","video":"\#(trial.scratch.path("late.bin"))","task":"summarize"}"#
        ])
        #expect(try trial.run().tally.failed == 1)
        #expect(try trial.run().worked == [])
        try trial.scratch.write("here", to: "late.bin")
        #expect(try trial.run().worked == ["4"])
    }

    @Test func aChangedManifestKeepsWhatItStillNames() throws {
        let trial = try Trial(jobs: 4)
        try trial.run()
        var lines = try trial.scratch.lines("jobs.jsonl")
        lines.reverse()
        let removed = lines.removeFirst()
        try trial.write(lines)
        let ended = try trial.run()
        #expect(ended.worked == [])
        #expect(ended.tally.orphans == 1)
        let ids = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0)["id"]?.string }
        #expect(ids == ["2", "2", "1", "0", "3"])
        #expect(removed.contains(#""id":"3""#))
    }

    @Test func unorderedResultsStayAsTheyCame() throws {
        let trial = try Trial(jobs: 5)
        try trial.run()
        try trial.run {
            $0.retriesFailed = true
            $0.isUnordered = true
        }
        try trial.scratch.write("other", to: "0.bin")
        try trial.run { $0.isUnordered = true }
        let ids = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0)["id"]?.string }
        #expect(ids == ["1", "2", "2", "3", "4", "0"])
    }

    @Test func anInterruptionGivesTheJobBack() throws {
        let trial = try Trial(jobs: 3)
        for _ in 0..<7 {
            let ended = try status {
                try trial.run { _ in
                } before: { job throws(Failure) in
                    if job.id == "1" {
                        throw Failure(
                            .interrupted, stage: .decode, message: "", status: .terminated)
                    }
                }
            }
            #expect(ended == .terminated)
        }
        // However often that was: nothing is held against the job.
        #expect(try trial.run().worked == ["1", "2"])
        #expect(try trial.scratch.lines("out.jsonl").count == 4)
    }

    // A job that ends the process each time must not end the batch for ever.
    @Test(arguments: [
        (#"{"event":"crashed"}"#, 1, true), (#"{"event":"crashed"}"#, 2, false), ("", 4, true),
        ("", 5, false),
    ])
    func aFatalJobIsGivenUp(trace: String, deaths: Int, isTried: Bool) throws {
        let trial = try Trial(jobs: 3)
        try trial.run { $0.limit = 1 }
        let death = #"{"event":"started","job":"1"}"# + "\n" + (trace.isEmpty ? "" : trace + "\n")
        let journal = try trial.scratch.text("out.jsonl.journal")
        try trial.scratch.write(
            journal + String(repeating: death, count: deaths), to: "out.jsonl.journal")
        let ended = try trial.run()
        #expect(ended.worked == (isTried ? ["1", "2"] : ["2"]))
        let error = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0)["error"] }
        #expect((error[1]?["code"]?.string == "internal") == !isTried)
        // Asked for, it gets another chance.
        if !isTried { #expect(try trial.run { $0.retriesFailed = true }.worked == ["1"]) }
    }

    // After a crash the program goes on by itself; what was asked of the run was asked once.
    @Test func goingOnDoesNotBeginAgain() throws {
        let trial = try Trial(jobs: 10)
        try trial.run()
        let retried = try trial.run {
            $0.retriesFailed = true
            $0.limit = 1
        }
        #expect(retried.worked == ["4"])
        let on = try trial.run {
            $0.retriesFailed = true
            $0.isContinuing = true
        }
        #expect(on.worked == ["9"])
        let over = try trial.run {
            $0.startsOver = true
            $0.isContinuing = true
        }
        #expect(over.worked == [])
    }

    @Test func badLinesAndUsedIdsAreResultsToo() throws {
        let trial = try Trial(jobs: 2)
        var lines = try trial.scratch.lines("jobs.jsonl")
        lines += ["{", lines[0], #"{"id":"bad","video":"v","task":"dance"}"#, "", "  "]
        try trial.write(lines)
        let ended = try trial.run()
        #expect(ended.tally.failures == ["job.invalid": 3])
        let documents = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0) }
        #expect(documents.count == 5)
        #expect(documents[3]["id"]?.string == "0")
        #expect(
            documents[3]["error"]?["message"]?.string
                == #"line 4: the id "0" was used before, by line 1"#)
        #expect(documents[4]["id"]?.string == "bad")
        #expect(try trial.run().worked == [])
    }

    @Test func noJobsAreAnEmptyFile() throws {
        let trial = try Trial(jobs: 0)
        let ended = try trial.run()
        #expect(ended.tally.status == .success)
        #expect(try trial.scratch.text("out.jsonl") == "")
        #expect(try status { try trial.run(output: "no/such/folder.jsonl") } == .outputNotCreated)
        #expect(throws: BatchError.self) { try Manifest.reading(trial.scratch.path("nothing")) }
    }

    @Test func outputsThatAreNoFilesAreRefused() throws {
        let trial = try Trial(jobs: 1)
        #expect(mkfifo(trial.scratch.path("pipe"), 0o600) == 0)
        try FileManager.default.createDirectory(
            atPath: trial.scratch.path("folder"), withIntermediateDirectories: false)
        for name in ["pipe", "folder"] {
            #expect(try status { try trial.run(output: name) } == .outputNotCreated)
            #expect(!FileManager.default.fileExists(atPath: trial.scratch.path(name + ".journal")))
        }
    }

    // MARK: - Shards and merging

    @Test func everyJobIsInOneShard() throws {
        let trial = try Trial(jobs: 40)
        try trial.run()
        var worked: [String] = []
        var merge = ResultMerge()
        for index in 1...3 {
            let shard = try #require(Shard(parsing: "\(index)/3"))
            let ended = try trial.run(output: "part-\(index).jsonl") { $0.shard = shard }
            #expect((5...25).contains(ended.worked.count))
            worked += ended.worked
            try merge.add(trial.scratch.path("part-\(index).jsonl"))
        }
        #expect(worked.sorted() == (0..<40).map(String.init).sorted())
        let report = try merge.write(
            to: trial.scratch.path("merged.jsonl"), manifest: Manifest.reading(trial.manifest))
        #expect(report.jobs == 40)
        #expect(report.failed == 8)
        #expect(report.missing == [])
        #expect(try trial.scratch.text("merged.jsonl") == trial.scratch.text("out.jsonl"))
    }

    @Test(arguments: ["0/3", "4/3", "1/0", "-1/3", "1", "1/2/3", "a/b", "1/9999999"])
    func shardsThatAreNone(text: String) { #expect(Shard(parsing: text) == nil) }

    // The journal may have been left behind; then the lines alone say what belongs together.
    @Test(arguments: [true, false])
    func aMergeKeepsTheBetterResult(hasJournals: Bool) throws {
        let trial = try Trial(jobs: 6)
        try trial.run(output: "a.jsonl")
        // Job 4 succeeds here.
        var lines = try trial.scratch.lines("a.jsonl")
        let good = lines[5].replacing("error@1", with: "answer@1")
        lines[5] = good
        try trial.scratch.write(lines.map { $0 + "\n" }.joined(), to: "b.jsonl")
        try trial.scratch.write(lines[5] + "\n" + lines[0] + "\n", to: "c.jsonl")
        if !hasJournals {
            try FileManager.default.removeItem(atPath: trial.scratch.path("a.jsonl.journal"))
        }
        for order in [["b", "a"], ["a", "b"], ["a", "c"]] {
            var merge = ResultMerge()
            for name in order { try merge.add(trial.scratch.path("\(name).jsonl")) }
            let report = try merge.write(
                to: trial.scratch.path("merged.jsonl"), manifest: Manifest.reading(trial.manifest))
            #expect(report.jobs == 6)
            #expect(report.failed == 0)
            #expect(try trial.scratch.lines("merged.jsonl") == lines, "\(order)")
        }
    }

    @Test func aMergeNamesWhatIsMissingAndWhatIsNoResult() throws {
        let trial = try Trial(jobs: 3)
        try trial.run { $0.limit = 2 }
        var merge = ResultMerge()
        try merge.add(trial.scratch.path("out.jsonl"))
        let report = try merge.write(
            to: trial.scratch.path("merged.jsonl"), manifest: Manifest.reading(trial.manifest))
        #expect(report.missing == ["2"])
        for text in ["{}\n", "{\"id\":\"a\",\"schema\":\"x\"}", "nonsense\n", "{\"id\""] {
            try trial.scratch.write(text, to: "bad.jsonl")
            #expect(throws: Failure.self) { try merge.add(trial.scratch.path("bad.jsonl")) }
        }
    }

    private func status(_ body: () throws -> Void) throws -> RunStatus {
        do {
            try body()
            return .success
        } catch let failure as Failure {
            return failure.status
        }
    }
}

import Batch
import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

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
        let before = try whole.addWhatIsNotWorked()
        try whole.scratch.write(before, to: "out.jsonl.journal")
        #expect(try whole.run().worked == ["0", "1", "2", "3", "4", "5"])
        let expected = try whole.scratch.text("out.jsonl")
        let results = Array(expected.utf8)
        let journal = Array(try whole.scratch.text("out.jsonl.journal").utf8)
        let notes = try whole.scratch.lines("out.jsonl.journal").map { Array($0.utf8) + [10] }
        var written = 0
        var end = 0
        var cuts = 0
        for note in notes {
            if end < before.utf8.count {
                end += note.count
                continue
            }
            let text = String(decoding: note, as: UTF8.self)
            let isFinish = text.contains(#""done""#) || text.contains(#""failed""#)
            let lines = isFinish ? try JSON.parse(text)["lines"]?.array?.count ?? 0 : 0
            var next = written
            for _ in 0..<lines {
                next = try #require(results[next...].firstIndex(of: 10)) + 1
            }
            if isFinish {
                // Documents come before the note: half of them, then half of the note.
                for cut in Array(stride(from: written, to: next, by: 97)) + [next] {
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

    // An end beside a line that is no job says nothing of the job that may come to stand there.
    @Test func answersWithoutWorkAreNoDeaths() throws {
        let trial = try Trial(jobs: 2)
        try trial.write(["{"] + trial.scratch.lines("jobs.jsonl"))
        try trial.run { $0.limit = 1 }
        let notes = try trial.scratch.lines("out.jsonl.journal")
        let note = try JSON.parse(notes[2])
        #expect(note["event"]?.string == "answering")
        let name = try #require(note["job"]?.string)
        try trial.scratch.write("", to: "out.jsonl")
        let killed = notes[0] + "\n" + String(repeating: notes[2] + "\n", count: 60)
        try trial.scratch.write(killed, to: "out.jsonl.journal")
        let other = Trial.line(1, in: trial.scratch).replacing(#""1""#, with: "\"\(name)\"")
        try trial.write([other])
        #expect(try trial.run().worked == [name])
    }

    // What a person has put there must not be lost to a run.
    @Test func foreignResultsAreRefused() throws {
        let trial = try Trial(jobs: 3)
        try trial.scratch.write("{\"mine\":1}\n", to: "out.jsonl")
        #expect(try status { try trial.run() } == .outputNotCreated)
        #expect(try trial.scratch.text("out.jsonl") == "{\"mine\":1}\n")
        #expect(!FileManager.default.fileExists(atPath: trial.scratch.path("out.jsonl.journal")))
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
        // Both errors say that trying again is of no use.
        #expect(try trial.run { $0.retry = .worthwhile }.worked == [])
        let again = try trial.run { $0.retry = .everything }
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

    // A folder that is not mounted for a while must not cost the results of its videos.
    @Test func aResultOutlastsItsInput() throws {
        let trial = try Trial(jobs: 3)
        try trial.run()
        let before = try trial.scratch.lines("out.jsonl")
        let file = URL(fileURLWithPath: trial.scratch.path("1.bin"))
        let bytes = try Data(contentsOf: file)
        try FileManager.default.removeItem(at: file)
        for _ in 0..<2 {
            let without = try trial.run()
            #expect(without.worked == ["1"])
            #expect(without.tally.failures == ["input.not_found": 1])
            #expect(try trial.scratch.lines("out.jsonl") == before)
        }
        try bytes.write(to: file)
        #expect(try trial.run().worked == [])
        #expect(try trial.scratch.lines("out.jsonl") == before)
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
            $0.retry = .everything
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
        (#"{"event":"crashed"}"#, 1, true), (#"{"event":"crashed"}"#, 2, false), ("", 49, true),
        ("", 50, false),
    ])
    func aFatalJobIsGivenUp(trace: String, deaths: Int, isTried: Bool) throws {
        let trial = try Trial(jobs: 3)
        try trial.run { $0.limit = 1 }
        let death = #"{"event":"started","job":"1"}"# + "\n" + (trace.isEmpty ? "" : trace + "\n")
        let journal = try trial.scratch.text("out.jsonl.journal")
        try trial.scratch.write(
            journal + String(repeating: death, count: deaths), to: "out.jsonl.journal")
        let ended = try trial.run()
        // After all others, which must not wait for it.
        #expect(ended.worked == (isTried ? ["2", "1"] : ["2"]))
        // Beside another it could end the process at that one's cost.
        #expect(ended.ahead == [])
        let error = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0)["error"] }
        #expect((error[1]?["code"]?.string == "internal") == !isTried)
        // Asked for, it gets another chance.
        if !isTried { #expect(try trial.run { $0.retry = .worthwhile }.worked == ["1"]) }
    }

    // After a crash the program goes on by itself; what was asked of the run was asked once.
    @Test func goingOnDoesNotBeginAgain() throws {
        let trial = try Trial(jobs: 10)
        try trial.run()
        let retried = try trial.run {
            $0.retry = .everything
            $0.limit = 1
        }
        #expect(retried.worked == ["4"])
        let on = try trial.run {
            $0.retry = .everything
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

    // The error of a bad line says nothing any more once the line is mended or gone.
    @Test(arguments: [true, false])
    func errorsOfMendedLinesGo(isUnordered: Bool) throws {
        let trial = try Trial(jobs: 2)
        let sound = try trial.scratch.lines("jobs.jsonl")
        let named = #"{"id":"bad","video":"v","task":"dance"}"#
        // Without an id, with one, and with one that was used.
        try trial.write(sound + ["{", named, sound[0]])
        let first = try trial.run { $0.isUnordered = isUnordered }
        #expect(first.tally.failures == ["job.invalid": 3])
        let again = try trial.run { $0.isUnordered = isUnordered }
        #expect(again.tally.superseded == 0)
        #expect(again.tally.failedBefore == 3)

        let video = trial.scratch.path("0.bin")
        let mended = [
            #"{"video":"\#(video)","task":"summarize"}"#,
            #"{"id":"bad","video":"\#(video)","task":"summarize"}"#,
        ]
        try trial.write(sound + mended)
        let ended = try trial.run { $0.isUnordered = isUnordered }
        #expect(ended.tally.superseded == 2)
        #expect(ended.tally.orphans == 0)
        #expect(ended.tally.status == .success)
        let documents = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0) }
        #expect(documents.count == 4)
        #expect(documents.allSatisfy { $0["error"] == nil })
        #expect(try trial.run().tally.superseded == 0)

        // The results of a sound job stay, even where it has failed.
        try trial.write([Trial.line(4, in: trial.scratch)])
        try trial.run()
        try trial.write(sound)
        let orphaned = try trial.run()
        #expect(orphaned.tally.superseded == 0)
        #expect(orphaned.tally.orphans == 3)
    }

    // A line is what it says, not where it stands: lines above it come and go.
    @Test func badLinesKeepTheirErrorsWhereverTheyStand() throws {
        let trial = try Trial(jobs: 2)
        let sound = try trial.scratch.lines("jobs.jsonl")
        let bad = ["{", "{", sound[1], sound[1], #"{"id":"bad","video":"v","task":"dance"}"#]
        try trial.write(sound + bad)
        #expect(try trial.run().tally.failures == ["job.invalid": 5])
        let before = try trial.scratch.lines("out.jsonl")
        for lines in [["", ""] + sound + bad, [sound[1]] + bad.reversed() + [sound[0]]] {
            try trial.write(lines)
            let again = try trial.run()
            #expect(again.tally.outdated == 0)
            #expect(again.tally.superseded == 0)
            #expect(again.tally.before == 7)
            #expect(try trial.scratch.lines("out.jsonl").sorted() == before.sorted())
        }
        // One of two equal lines goes, and one error with it.
        try trial.write(sound + bad.dropFirst())
        let fewer = try trial.run()
        #expect(fewer.tally.superseded == 1)
        #expect(fewer.tally.outdated == 0)
        #expect(try trial.scratch.lines("out.jsonl").count == 6)
    }

    // What was noted by runs that did not note it is tried again, as they did.
    @Test(arguments: [
        (Failure(.decodeTimeout, stage: .decode, message: "m"), true, true),
        (Failure(.decodeDamaged, stage: .decode, message: "m"), true, false),
        (Failure(.decodeDamaged, stage: .decode, message: "m"), false, true),
    ])
    func errorsSayWhetherTryingAgainMayHelp(
        failure: Failure, isNoted: Bool, isTried: Bool
    ) throws {
        let trial = try Trial(jobs: 1)
        try trial.run(failing: failure)
        if !isNoted {
            let journal = try trial.scratch.text("out.jsonl.journal")
            try trial.scratch.write(
                journal.replacing(#""retryable":false,"#, with: ""), to: "out.jsonl.journal")
        }
        #expect(try trial.run().worked == [])
        let again = try trial.run { $0.retry = .worthwhile }
        #expect(again.worked == (isTried ? ["0"] : []))
    }

    // Half of a batch in the results of the other half would look like the whole.
    @Test func shardsDoNotMix() throws {
        let trial = try Trial(jobs: 12)
        let first = try Shard(parsing: "1/2")
        try trial.run { $0.shard = first }
        let before = try trial.scratch.text("out.jsonl")
        for text in ["2/2", "1/3"] {
            let other = try Shard(parsing: text)
            let failure = #expect(throws: Failure.self) { try trial.run { $0.shard = other } }
            #expect(failure?.status == .outputNotCreated)
            #expect(failure?.message.contains("outside of shard \(text)") ?? false)
            #expect(try trial.scratch.text("out.jsonl") == before)
        }
        #expect(try trial.run { $0.shard = first }.worked == [])
        // The whole includes the shard.
        #expect(try trial.run().tally.left == 0)
    }

    // Another batch's results are kept, but a wrong --output must not pass in silence.
    @Test func resultsOfAnotherBatchAreNoticed() throws {
        let trial = try Trial(jobs: 2)
        try trial.run()
        #expect(try !trial.run().tally.isOtherBatch)
        try trial.write([Trial.line(7, in: trial.scratch)])
        let other = try trial.run()
        #expect(other.tally.isOtherBatch)
        #expect(other.tally.orphans == 2)
        #expect(try !trial.run().tally.isOtherBatch)
    }

    // A checkpoint is what its bytes are, by whatever name it is reached.
    @Test func anotherNameOfTheModelIsNoOtherModel() throws {
        let trial = try Trial(jobs: 3)
        try trial.run()
        let renamed = try Analyzer(
            folder: Repository.sampleModel, name: "other", weights: WeightFormats(), threads: 1)
        #expect(try trial.run(analyzer: renamed).worked == [])
        let folder = trial.scratch.path("model")
        try FileManager.default.copyItem(atPath: Repository.sampleModel, toPath: folder)
        let copied = try Analyzer(folder: folder, weights: WeightFormats(), threads: 1)
        #expect(try trial.run(analyzer: copied).worked == [])
        // Other bytes are another model.
        let file = URL(fileURLWithPath: folder + "/config.json")
        var config = try Data(contentsOf: file)
        config.append(0x0A)
        try config.write(to: file)
        let changed = try Analyzer(folder: folder, weights: WeightFormats(), threads: 1)
        #expect(try trial.run(analyzer: changed).worked == ["0", "1", "2"])
    }

    // What was computed otherwise is made again.
    @Test func otherRoundingMakesResultsAgain() throws {
        let trial = try Trial(jobs: 3)
        try trial.run()
        let fast = try Trial.analyzer.get().rounding(.fast)
        #expect(try trial.run(analyzer: fast).worked == ["0", "1", "2"])
        #expect(try trial.run(analyzer: fast).worked == [])
        #expect(try trial.run().worked == ["0", "1", "2"])
    }

    // A digest of a long input must not hold an interruption up; nor is half of one a change.
    @Test func anInterruptionEndsTheLookAtInputs() throws {
        let trial = try Trial(jobs: 2)
        try trial.run()
        try trial.scratch.write("other bytes", to: "1.bin")
        let interruption = Interruption()
        interruption.request(signal: 15)
        var run = try BatchRun(
            try Manifest.reading(trial.manifest),
            options: BatchOptions(output: trial.scratch.path("out.jsonl")), base: Settings(),
            analyzer: Trial.analyzer.get(), interruption: interruption)
        let ended = try status {
            try run.run { job, _ throws(Failure) in Trial.outcome(of: job) }
        }
        #expect(ended == .terminated)
        #expect(run.tally.outdated == 0)
        #expect(run.tally.done == 0)
    }

    // Of a pipe nothing is left for a process that begins again after a crash.
    @Test func onlyFilesCanBeReadAgain() throws {
        let trial = try Trial(jobs: 1)
        #expect(try Manifest.reading(trial.manifest).canBeReadAgain)
        let pipe = trial.scratch.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        DispatchQueue.global().async {
            let descriptor = open(pipe, O_WRONLY)
            _ = write(descriptor, "{}\n", 3)
            close(descriptor)
        }
        let read = try Manifest.reading(pipe)
        #expect(read.count == 1)
        #expect(!read.canBeReadAgain)
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

    private func status(_ body: () throws -> Void) throws -> RunStatus {
        do {
            try body()
            return .success
        } catch let failure as Failure {
            return failure.status
        }
    }
}

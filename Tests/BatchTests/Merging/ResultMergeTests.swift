import Batch
import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// Guards what several machines rely on: shards share the jobs out, and a merge gives the whole.
@Suite struct ResultMergeTests {
    @Test func everyJobIsInOneShard() throws {
        let trial = try Trial(jobs: 40)
        try trial.run()
        var worked: [String] = []
        var merge = ResultMerge()
        for index in 1...3 {
            let shard = try Shard(parsing: "\(index)/3")
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

    // Names of second uses hold a byte that no terminal shows.
    @Test func missingJobsAreNamedForAPerson() throws {
        let trial = try Trial(jobs: 1)
        try trial.run()
        let line = try trial.scratch.lines("jobs.jsonl")[0]
        try trial.write([line, line, Trial.line(1, in: trial.scratch)])
        var merge = ResultMerge()
        try merge.add(trial.scratch.path("out.jsonl"))
        let report = try merge.write(
            to: trial.scratch.path("merged.jsonl"), manifest: Manifest.reading(trial.manifest))
        #expect(report.missing == ["0 (line 2)", "1"])
    }

    @Test(arguments: [
        ("0/3", "shards count from 1: 1/3 to 3/3"), ("4/3", "1/3 to 3/3"), ("0/1", "1: 1/1"),
        ("1/0", "at least one"), ("-1/3", "count from 1"), ("1", "write I/N"),
        ("1/2/3", "write I/N"), ("a/b", "write I/N"), ("1/9999999", "1000000 shards at most"),
    ])
    func shardsThatAreNone(text: String, words: String) {
        let fault = #expect(throws: ShardFault.self) { try Shard(parsing: text) }
        #expect(fault?.description.contains(words) ?? false, "\(fault.debugDescription)")
    }

    // `part-*` names journals too, which are no results.
    @Test func journalsAreToldFromResults() throws {
        let trial = try Trial(jobs: 3)
        try trial.run()
        let results = trial.scratch.path("out.jsonl")
        // By what it says, not by its name.
        let other = try trial.scratch.write("{}\n", to: "mine.journal")
        let sorted = ResultMerge.sort([results, results + ".journal", other, "/no/such.jsonl"])
        #expect(sorted.results == [results, other, "/no/such.jsonl"])
        #expect(sorted.journals == [results + ".journal"])
    }

    // A merged file is nothing to go on with, which must be said in these words.
    @Test func noRunGoesOnWithAMergedFile() throws {
        let trial = try Trial(jobs: 3)
        try trial.run()
        var merge = ResultMerge()
        try merge.add(trial.scratch.path("out.jsonl"))
        _ = try merge.write(to: trial.scratch.path("merged.jsonl"), manifest: nil)
        let before = try trial.scratch.text("merged.jsonl")
        let failure = #expect(throws: Failure.self) { try trial.run(output: "merged.jsonl") }
        #expect(failure?.status == .outputNotCreated)
        #expect(failure?.message.contains("there is no journal") ?? false)
        #expect(failure?.hint?.contains("merged file") ?? false)
        #expect(try trial.scratch.text("merged.jsonl") == before)
    }

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

    // A line that was mended may fall to another shard, whose run knows nothing of its error.
    @Test(arguments: [true, false])
    func errorsOfMendedLinesAreDropped(hasJournals: Bool) throws {
        let trial = try Trial(jobs: 2)
        let sound = try trial.scratch.lines("jobs.jsonl")
        try trial.write(sound + ["{"])
        try trial.run(output: "a.jsonl")
        if !hasJournals {
            try FileManager.default.removeItem(atPath: trial.scratch.path("a.jsonl.journal"))
        }
        var merge = ResultMerge()
        try merge.add(trial.scratch.path("a.jsonl"))
        let before = try merge.write(
            to: trial.scratch.path("merged.jsonl"), manifest: Manifest.reading(trial.manifest))
        #expect(before.jobs == 3)
        #expect(before.failed == 1)
        try trial.write(sound)
        let after = try merge.write(
            to: trial.scratch.path("merged.jsonl"), manifest: Manifest.reading(trial.manifest))
        #expect(after.jobs == 2)
        #expect(after.failed == 0)
        #expect(after.dropped == 1)
        #expect(try trial.scratch.lines("merged.jsonl").count == 2)
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
}

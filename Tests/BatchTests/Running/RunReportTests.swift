import Batch
import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// Guards what other programs read about a run.
@Suite struct RunReportTests {
    private func tally() -> RunTally {
        var tally = RunTally()
        tally.total = 10
        tally.before = 4
        tally.failedBefore = 1
        tally.retryable = 3
        tally.done = 3
        tally.failed = 2
        tally.failures = ["job.invalid": 1, "decode.damaged": 1]
        tally.frames = 60
        tally.timing.vision = 1.5
        tally.elapsed = 36
        return tally
    }

    @Test(
        arguments: [
            (nil, "limit"), (Failure(.interrupted, stage: .tool, message: "m"), "interrupted"),
            (Failure(.outputUnwritable, stage: .output, message: "m"), "failed"),
        ] as [(Failure?, String)])
    func theSummaryIsADocument(failure: Failure?, ending: String) {
        let document = RunDocument(
            source: "m.jsonl", output: "r.jsonl", shard: try? Shard(parsing: "2/3"),
            status: .someJobsFailed, failure: failure, tally: tally(),
            model: ModelRecord(name: "n", fingerprint: "f", weights: "bf16", mrope: "max")
        ).json
        #expect(DocumentValidator().faults(in: document) == [])
        #expect(document["ended"]?.string == ending)
        #expect(document["jobs"]?["left"]?.int == 1)
        #expect(document["jobs_per_hour"]?.double == 500)
        #expect(document["failures"]?.compact == #"{"decode.damaged":1,"job.invalid":1}"#)
    }

    // The last thing a person reads: what was done, where it is, and what to do now.
    @Test func theSummaryCanBeReadByAPerson() {
        func text(_ change: (inout RunTally) -> Void) -> String {
            var tally = tally()
            change(&tally)
            return RunDocument(
                source: "m", output: "r.jsonl", shard: nil, status: .success, failure: nil,
                tally: tally, model: nil
            ).text
        }
        #expect(
            text { _ in }
                == "jobs done: 3, failed: 2, in 36 s, 500 an hour; done before: 4, 1 of them failed; "
                + "results: r.jsonl; errors are in the results: --retry-failed tries them again; "
                + "left: 1, which the same command goes on with")
        #expect(text { $0.retryable = 2 }.contains("tries again the 2 of them that it may help"))
        #expect(text { $0.retryable = 0 }.contains("none is worth another try"))
        #expect(
            text {
                $0 = RunTally()
                $0.total = 2
                $0.done = 2
                $0.elapsed = 0.5
            } == "jobs done: 2, failed: 0, in 1 s; results: r.jsonl")
    }

    // A look is no run: nothing that it says may be taken for work done.
    @Test func aPlanIsADocumentToo() {
        var tally = RunTally()
        tally.total = 9
        tally.before = 4
        tally.outdated = 2
        tally.changes = ["fps": 2, "input": 2, "model": 3]
        let document = RunDocument(
            source: "m", output: "r", shard: nil, status: .success, failure: nil, tally: tally,
            planned: 5, model: nil)
        #expect(DocumentValidator().faults(in: document.json) == [])
        #expect(document.json["ended"]?.string == "planned")
        #expect(document.json["jobs"]?["left"]?.int == 5)
        #expect(document.json["changes"]?.compact == #"{"model":3,"fps":2,"input":2}"#)
        #expect(
            document.text == "nothing was run; jobs to do: 5 of 9; done before: 4; results: r")
    }

    // Every line is a comment or `name{label="value"} number`, and every name is introduced.
    @Test func metricsAreInPrometheusForm() throws {
        let scratch = try Scratch()
        let path = scratch.path("m.prom")
        try Data("old".utf8).write(to: URL(fileURLWithPath: path))
        var metrics = RunMetrics(path: path)
        try metrics.write(tally())
        let lines = try scratch.lines("m.prom")
        #expect(lines.contains(#"reelscribe_jobs{state="done"} 6"#))
        #expect(lines.contains(#"reelscribe_jobs{state="failed"} 3"#))
        #expect(lines.contains(#"reelscribe_jobs{state="left"} 1"#))
        #expect(lines.contains(#"reelscribe_failures_total{code="job.invalid"} 1"#))
        #expect(lines.contains(#"reelscribe_stage_seconds_total{stage="vision"} 1.5"#))
        let form = #/reelscribe_[a-z_]+(\{[a-z]+="[a-z_.]+"\})? [0-9.e+-]+/#
        let known = Set(
            lines.filter { $0.hasPrefix("# TYPE") }.map { $0.split(separator: " ")[2] })
        #expect(known.count == 10)
        for line in lines where !line.hasPrefix("#") {
            #expect(line.wholeMatch(of: form) != nil, "\(line)")
            #expect(known.contains(line.prefix { $0 != " " && $0 != "{" }), "\(line)")
        }
        // Nothing half written lies beside it.
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.folder) == ["m.prom"])
    }

    // Guards devices and pipes, which a run as root could replace by a file.
    @Test func metricsReplaceFilesOnly() throws {
        let scratch = try Scratch()
        #expect(mkfifo(scratch.path("pipe"), 0o600) == 0)
        var metrics = RunMetrics(path: scratch.path("pipe"))
        #expect(throws: Failure.self) { try metrics.write(tally()) }
        var facts = stat()
        #expect(stat(scratch.path("pipe"), &facts) == 0 && facts.st_mode & S_IFMT == S_IFIFO)
    }
}

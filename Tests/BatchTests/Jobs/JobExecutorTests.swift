import Batch
import Dispatch
import OrderedJSON
import Testing
import Video
import VideoUnderstanding

/// Guards what ties results to jobs, with the model that comes with the tool.
@Suite struct JobExecutorTests {
    private static func executor() throws -> JobExecutor {
        JobExecutor(
            try Analyzer(folder: Repository.sampleModel, weights: WeightFormats(), threads: 1),
            includesTiming: false)
    }

    private func job(_ text: String) throws -> Job {
        var base = Settings()
        base.generation.maxNewTokens = 4
        base.sampling.maxFrames = 8
        guard case .job(let job) = JobLine.parse(Array(text.utf8), line: 1, base: base) else {
            throw Failure(.jobInvalid, stage: .options, message: text)
        }
        return job
    }

    @Test func aSummaryCarriesIdAndMeta() throws {
        let job = try job(
            #"{"id":"s","video":"\#(Repository.clips[0])","task":"summarize","meta":{"z":1.0}}"#)
        let outcome = try Self.executor().run(job)
        #expect(outcome.failure == nil)
        let document = try #require(outcome.documents.first)
        #expect(outcome.documents.count == 1)
        #expect(DocumentValidator().faults(in: document) == [])
        #expect(document["schema"]?.string == "reelscribe/summary@1")
        #expect(document["id"]?.string == "s")
        #expect(document["meta"]?.compact == #"{"z":1.0}"#)
        #expect(document["settings"]?["max_new_tokens"]?.int == 4)
        #expect(document["timing"] == nil)
        #expect(outcome.sha256 == document["video"]?["sha256"]?.string)
        #expect(outcome.usage.visualTokens == document["usage"]?["visual_tokens"]?.int)
        #expect(outcome.timing.vision > 0)
    }

    @Test func everyQuestionIsADocument() throws {
        let job = try job(
            #"{"id":"q","video":"\#(Repository.clips[1])","task":"ask","questions":["a","b","a"],"meta":5}"#
        )
        let outcome = try Self.executor().run(job)
        #expect(outcome.documents.map { $0["question_index"]?.int } == [0, 1, 2])
        #expect(outcome.documents.map { $0["question"]?.string } == ["a", "b", "a"])
        #expect(outcome.documents.allSatisfy { $0["id"]?.string == "q" && $0["meta"]?.int == 5 })
        #expect(outcome.documents.flatMap { DocumentValidator().faults(in: $0) } == [])
        #expect(outcome.documents[0]["answer"] == outcome.documents[2]["answer"])
    }

    @Test(arguments: [
        ("/no/such/file.mp4", "input.not_found"), ("gopher://x/y", "input.unsupported_url"),
        (Repository.path("LICENSE"), "decode.no_video"),
    ])
    func aFailureIsAnErrorDocument(video: String, code: String) throws {
        let job = try job(#"{"id":"f","video":"\#(video)","task":"summarize","meta":"m"}"#)
        let outcome = try Self.executor().run(job)
        #expect(outcome.failure?.code.rawValue == code)
        let document = try #require(outcome.documents.first)
        #expect(DocumentValidator().faults(in: document) == [])
        #expect(document["id"]?.string == "f")
        #expect(document["meta"]?.string == "m")
        #expect(document["video"]?["uri"]?.string == video)
        #expect(document["error"]?["code"]?.string == code)
    }

    // A decoder that hangs must not hold up the end of a run; the wait here is one without an end.
    @Test(.timeLimit(.minutes(1)), arguments: [1, 2])
    func anInterruptionEndsTheWaitForAnInput(hanging: Int) throws {
        let jobs = try (1...2).map {
            try job(#"{"id":"\#($0)","video":"\#(Repository.clips[2])","task":"summarize"}"#)
        }
        let interruption = Interruption()
        let never = DispatchSemaphore(value: 0)
        let executor = JobExecutor(
            try Analyzer(folder: Repository.sampleModel, weights: WeightFormats(), threads: 1),
            interruption: interruption
        ) { job throws(Failure) in
            if job.id == "\(hanging)" {
                interruption.request(signal: 15)
                never.wait()
            }
            return JobInput(try VideoInput.resolving(job.video, settings: job.settings))
        }
        let ahead = LookAhead(executor)
        defer { ahead.abandon() }
        let failure = #expect(throws: Failure.self) {
            _ = try ahead.run(jobs[0], next: jobs[1])
            _ = try ahead.run(jobs[1], next: nil)
        }
        #expect(failure?.status == .terminated)
    }

    // An interruption is no result: the job must be done by the next run.
    @Test func anInterruptionIsNoResult() throws {
        let job = try job(#"{"video":"\#(Repository.clips[2])","task":"summarize"}"#)
        let interruption = Interruption()
        let executor = try Self.executor()
        #expect(throws: Failure.self) {
            try executor.run(job) { event in
                if case .seen = event { interruption.request(signal: 15) }
                try interruption.check(stage: .decode)
            }
        }
    }
}

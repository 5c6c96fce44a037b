import Batch
import Foundation
import OrderedJSON
import VideoUnderstanding

/// A batch over real files with work that is made up, so that hundreds of runs take a moment.
struct Trial {
    static let analyzer: Result<Analyzer, Failure> = Result { () throws(Failure) in
        try Analyzer(folder: Repository.sampleModel, weights: WeightFormats(), threads: 1)
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

    /// Adds a line that is no job, and a job `given up` that crashed the process twice before; both
    /// are answered without work.
    ///
    /// - Returns: the journal that says so.
    func addWhatIsNotWorked() throws -> String {
        let job =
            #"{"id":"given up","video":"\#(scratch.path("0.bin"))","task":"summarize"}"#
        try write(try scratch.lines("jobs.jsonl") + ["{", job])
        let death = #"{"event":"started","job":"given up"}"# + "\n" + #"{"event":"crashed"}"# + "\n"
        return #"{"journal":"reelscribe/run-journal@1"}"# + "\n" + death + death
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
        /// Ids of jobs that were prepared beside another.
        var ahead: [String]
    }

    @discardableResult
    func run(
        output: String = "out.jsonl", settings: Settings = Settings(),
        analyzer: Analyzer? = nil, failing: Failure? = nil,
        options fill: (inout BatchOptions) -> Void = { _ in },
        before: (Job) throws(Failure) -> Void = { _ throws(Failure) in }
    ) throws -> Ended {
        var options = BatchOptions(output: scratch.path(output))
        fill(&options)
        var worked: [String] = []
        var ahead: [String] = []
        var run = try BatchRun(
            try Manifest.reading(manifest), options: options, base: settings,
            analyzer: try analyzer ?? Self.analyzer.get())
        try run.run { job, next throws(Failure) in
            if let next { ahead.append(next.id) }
            worked.append(job.id)
            try before(job)
            if let failing {
                return JobOutcome(documents: [job.document(of: failing).json], failure: failing)
            }
            return Self.outcome(of: job)
        }
        return Ended(tally: run.tally, worked: worked, ahead: ahead)
    }

    /// The same with several jobs open at once.
    ///
    /// - Parameter work: what each job does, in its thread.
    @discardableResult
    func runTogether(
        _ count: Int, output: String = "out.jsonl", isUnordered: Bool = false,
        work: @escaping JobWorkers.Work = { job throws(Failure) in Self.outcome(of: job) },
        onEvent: (BatchRun.Event) throws(Failure) -> Void = { _ throws(Failure) in }
    ) throws -> RunTally {
        var options = BatchOptions(output: scratch.path(output))
        options.isUnordered = isUnordered
        var run = try BatchRun(
            try Manifest.reading(manifest), options: options, base: Settings(),
            analyzer: try Self.analyzer.get())
        try run.runTogether(try JobWorkers(count, work: work), onEvent: onEvent)
        return run.tally
    }

    /// Depends on nothing but the job and its input, as real documents do.
    static func outcome(of job: Job) -> JobOutcome {
        guard FileManager.default.fileExists(atPath: job.video) else {
            let failure = Failure(.inputNotFound, stage: .open, message: "no such file")
            return JobOutcome(documents: [job.document(of: failure).json], failure: failure)
        }
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

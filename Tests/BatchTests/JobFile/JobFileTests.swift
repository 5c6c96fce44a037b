import Batch
import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// Guards job files: what they mean, and that a mistake in one is found where it stands.
@Suite struct JobFileTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        for name in ["a/2.mp4", "a/10.mp4", "a/b/c/deep.mov", "a/.hidden/x.mp4", "a/notes.txt"] {
            let path = URL(fileURLWithPath: scratch.path(name))
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("x".utf8).write(to: path)
        }
    }

    private func read(_ text: String, _ variables: [String] = []) throws -> JobFile {
        let path = try scratch.write(text, to: "job.yaml")
        return try JobFile.reading(
            path, base: Settings(), variables: variables.compactMap(VariableValue.init(parsing:)))
    }

    // A part of the videos must not be left out without a word.
    @Test func foldersThatAreTooDeepAreNamed() throws {
        let deep = scratch.path("a/" + String(repeating: "d/", count: 70))
        try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
        try Data("x".utf8).write(to: URL(fileURLWithPath: deep + "x.mp4"))
        let file = try read(
            """
            inputs:
              - glob: \(scratch.path("a/**/*.mp4"))
            tasks:
              - task: summarize
            """)
        #expect(file.manifest.count == 2)
        #expect(file.notices.count == 1)
        #expect(file.notices.first?.contains("deeper than 64 folders") ?? false)
    }

    /// The lines of the jobs, by way of a run that works on nothing.
    private func jobs(_ file: JobFile) throws -> [Job] {
        var jobs: [Job] = []
        var run = try BatchRun(
            file.manifest, options: BatchOptions(output: scratch.path("\(UUID()).jsonl")),
            base: file.base, analyzer: Trial.analyzer.get())
        try run.run { job, _ throws(Failure) in
            jobs.append(job)
            return JobOutcome(documents: ["x"])
        }
        return jobs
    }

    @Test func videosAndTasksBecomeJobs() throws {
        let file = try read(
            """
            variables: {folder: nowhere, rate: 2}
            inputs:
              - glob: ${folder}/**/*.{mp4,mov}
              - files: [http://example.org/v.mp4, "${folder}/2.mp4"]
            options: {fps: 1, max-new-tokens: 7}
            tasks:
              - task: summarize
                options: {fps: "${rate}", prompt: "${rate} $${x}"}
              - name: q
                task: ask
                questions: [Who?, "no"]
                meta: {a: [1, no, 1:30, 0x1F, null, 2.50]}
            """, ["folder=\(scratch.path("a"))", "rate=30000/1001"])
        let jobs = try jobs(file)
        let videos =
            ["2.mp4", "10.mp4", "b/c/deep.mov"].map { scratch.path("a/\($0)") }
            + ["http://example.org/v.mp4"]
        #expect(jobs.map(\.id) == videos.flatMap { ["summarize:\($0)", "q:\($0)"] })
        #expect(jobs.map(\.video) == videos.flatMap { [$0, $0] })
        #expect(jobs[0].settings.sampling.fps == Rational(30000, 1001))
        #expect(jobs[0].settings.prompt == "30000/1001 ${x}")
        #expect(jobs[0].settings.generation.maxNewTokens == 7)
        #expect(jobs[1].task == .ask(["Who?", "no"]))
        #expect(jobs[1].settings.sampling.fps == Rational(1))
        // Plain words are JSON's, not those of old YAML.
        #expect(jobs[1].meta?.compact == #"{"a":[1,"no","1:30","0x1F",null,2.50]}"#)
    }

    @Test func manifestsKeepTheirOwnTasks() throws {
        try scratch.write(
            #"{"id":"m","video":"v","task":"ask","questions":["a"]}"# + "\n{\n", to: "m.jsonl")
        let file = try read("inputs: [{manifest: \(scratch.path("m.jsonl"))}]")
        #expect(file.manifest.count == 2)
        #expect(try jobs(file).map(\.id) == ["m"])
    }

    @Test func whereAndHowIsRead() throws {
        let file = try read(
            """
            schema: reelscribe/job@1
            model: some/where
            inputs: [{glob: "/no/such/*.mp4"}]
            tasks: [{task: summarize}]
            output: {file: out.jsonl, unordered: true, timing: false}
            limits: {jobs: 5, threads: 2, max-memory: 2G}
            """)
        #expect(file.model == "some/where")
        #expect(file.output == "out.jsonl")
        #expect(file.isUnordered == true)
        #expect(file.includesTiming == false)
        #expect(file.limit == 5)
        #expect(file.threads == 2)
        #expect(file.maxMemory?.bytes == 2 << 30)
        #expect(file.notices == ["no file matches /no/such/*.mp4"])
        #expect(file.manifest.count == 0)
    }

    static let faults: [(String, String)] = [
        ("", "1: the file is empty"),
        ("a: [", "not valid YAML"),
        ("inputs: []\ntasks: []", "1: inputs: expected at least 1 item"),
        (
            "inputs: [{files: [a]}]\nimputs: 3",
            "2: imputs: a property that the schema does not know"
        ),
        ("inputs:\n  - files: [a]\n    glob: b\ntasks: [{task: summarize}]", "2: inputs/0"),
        ("inputs: [{files: [a]}]", "1: there are videos, but no tasks"),
        ("inputs: [{files: [a]}]\ntasks:\n  - task: dance", "3: tasks/0/task"),
        ("inputs: [{files: [a]}]\ntasks:\n  - task: ask", "3: tasks/0: \"questions\" is missing"),
        (
            "inputs: [{files: [a]}]\ntasks:\n  - task: summarize\n  - task: summarize",
            "4: two tasks are called 'summarize'"
        ),
        (
            "inputs: [{files: [a]}]\ntasks:\n  - task: summarize\n    options:\n      fps: 1\n      fsp: 2",
            "6: tasks/0/options/fsp"
        ),
        (
            "inputs: [{files: [a]}]\ntasks:\n  - task: ask\n    questions: [q]\n    options:\n      window: 2",
            "6: the option 'window' means nothing to the task ask"
        ),
        (
            "inputs: [{files: [a]}]\ntasks: [{task: summarize}]\noptions:\n  detail: low\n  fps: fast",
            "5: the option 'fps' must be a rate"
        ),
        (
            "inputs: [{files: [a]}]\ntasks: [{task: summarize}]\noptions:\n  start: 9\n  end: 3",
            "3: --end must lie after --start"
        ),
        (
            "inputs:\n  - files:\n      - ${x}\ntasks: [{task: summarize}]",
            "3: there is no variable 'x'"
        ),
        (
            "variables:\n  x:\ninputs:\n  - files:\n      - ${x}\ntasks: [{task: summarize}]",
            "5: the variable 'x' has no value: give --set x=VALUE"
        ),
        ("inputs: [{files: [a]}]\ntasks:\n  - task: summarize\n    name: a${", "4: '${' without"),
        ("inputs: [{files: [a]}]\ninputs: [{files: [a]}]", "inputs stands twice"),
        (
            "inputs: [{files: [a]}]\ntasks: [{task: summarize}]\nlimits:\n  max-memory: lots",
            "4: limits/max-memory: no number of bytes"
        ),
        (
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]",
            "too large"
        ),
    ]

    @Test(arguments: faults)
    func mistakesAreFoundWhereTheyStand(text: String, expected: String) throws {
        do {
            _ = try read(text)
            Issue.record("no fault was found in \(text)")
        } catch let error as BatchError {
            #expect(error.failure.code == .jobInvalid)
            #expect(error.failure.message.contains("job.yaml:"))
            #expect(error.failure.message.contains(expected), "\(error.failure.message)")
        }
    }

    @Test func valuesForUnknownVariablesAreRefused() throws {
        let text = "variables: {x: 1}\ninputs: [{files: [a]}]\ntasks: [{task: summarize}]"
        #expect(throws: BatchError.self) { try read(text, ["y=1"]) }
        #expect(throws: BatchError.self) { try read("inputs: [{files: [a]}]", ["y=1"]) }
        #expect(try read(text, ["x=a=b"]).manifest.count == 1)
        for text in ["", "=1", "x"] { #expect(VariableValue(parsing: text) == nil) }
    }

    // A value cannot change what stands around it.
    @Test func valuesAreNotYAML() throws {
        let file = try read(
            "variables: {x: 1}\ninputs: [{files: [\"${x}\"]}]\ntasks: [{task: summarize}]",
            ["x=a, b]}]\ntasks: []"])
        #expect(try jobs(file).map(\.video) == ["a, b]}]\ntasks: []"])
    }

    // An option that jobs understand must not be refused by the schema, nor the other way round.
    @Test func theSchemaKnowsTheOptions() throws {
        let schema = try JSON.parse(DocumentKind.job.schemaText)
        let names = schema["$defs"]?["options"]?["properties"]?.object?.members.map(\.key) ?? []
        #expect(names.sorted() == JobOption.all.map(\.name).sorted())
    }
}

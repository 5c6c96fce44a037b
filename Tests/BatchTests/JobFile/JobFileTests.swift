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

    private func read(
        _ text: String, _ variables: [String] = [], overriding: SettingsOverride? = nil
    ) throws -> JobFile {
        let path = try scratch.write(text, to: "job.yaml")
        return try JobFile.reading(
            path, base: Settings(), variables: variables.map { try VariableValue(parsing: $0) },
            overriding: overriding)
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
            inputs: [{glob: "\(scratch.path("a"))/*.mkv"}]
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
        #expect(file.notices == ["no file matches \(scratch.path("a"))/*.mkv"])
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
        for (text, fault) in [
            ("", VariableValueFault.noName), ("=1", .noName), ("x", .noValue(of: "x")),
        ] {
            #expect(throws: fault) { try VariableValue(parsing: text) }
        }
    }

    // A value cannot change what stands around it.
    @Test func valuesAreNotYAML() throws {
        let file = try read(
            "variables: {x: 1}\ninputs: [{files: [\"${x}\"]}]\ntasks: [{task: summarize}]",
            ["x=a, b]}]\ntasks: []"])
        #expect(try jobs(file).map(\.video) == ["a, b]}]\ntasks: []"])
    }

    // A folder may be called as it likes; only what the file itself says is a pattern.
    @Test(arguments: ["v[1]", "{a,b}", "*", "?", #"back\slash"#, "a}b,c"])
    func valuesAreNoPatterns(name: String) throws {
        for folder in [name, "v1", "b", "x"] {
            try FileManager.default.createDirectory(
                atPath: scratch.path("odd/\(folder)"), withIntermediateDirectories: true)
            try Data("x".utf8).write(
                to: URL(fileURLWithPath: scratch.path("odd/\(folder)/1.mp4")))
        }
        let text = """
            variables: {folder: }
            inputs: [{glob: "${folder}/*.{mp4,mov}"}]
            tasks: [{task: summarize}]
            """
        let file = try read(text, ["folder=\(scratch.path("odd/\(name)"))"])
        #expect(try jobs(file).map(\.video) == [scratch.path("odd/\(name)/1.mp4")])
        #expect(file.notices == [])
    }

    // Cameras write upper-case endings.
    @Test func endingsMatchInAnyCase() throws {
        for name in ["C/1.MP4", "C/2.Mov", "C/3.mp4x", "C/X4.mp4", "C/x5.mp4"] {
            let path = URL(fileURLWithPath: scratch.path(name))
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("x".utf8).write(to: path)
        }
        func found(_ pattern: String) throws -> [String] {
            let text =
                "inputs: [{glob: '\(scratch.path("C"))/\(pattern)'}]\ntasks: [{task: summarize}]"
            return try jobs(try read(text)).map { $0.video.split(separator: "/").last ?? "" }
                .map(String.init)
        }
        #expect(try found("*.{mp4,mov}") == ["1.MP4", "2.Mov", "X4.mp4", "x5.mp4"])
        #expect(try found("**/*.MP4") == ["1.MP4", "X4.mp4", "x5.mp4"])
        // The name before it is taken as it stands.
        #expect(try found("x*.MP4") == ["x5.mp4"])
        #expect(try found("1.MP4") == ["1.MP4"])
        #expect(try found("1.mp4*") == [])
    }

    // Nothing to do because of a wrong path is no success.
    @Test(arguments: [
        ("nowhere/*.mp4", "cannot open"), ("nowhere/**/x/*.mp4", "cannot open"),
        ("a/notes.txt/*.mp4", "is no folder"), ("a/nothing.mp4", "cannot open"),
        ("a", "is a folder: write"), ("a/", "is a folder: write"),
    ])
    func wrongPathsAreErrors(pattern: String, message: String) throws {
        let text = """
            variables: {folder: }
            inputs:
              - glob: ${folder}/\(pattern)
            tasks: [{task: summarize}]
            """
        do {
            _ = try read(text, ["folder=\(scratch.folder)"])
            Issue.record("no fault was found in \(pattern)")
        } catch let error as BatchError {
            #expect(error.failure.status == .inputMissing)
            #expect(error.failure.message.contains("job.yaml:3: "), "\(error.failure.message)")
            #expect(error.failure.message.contains(message), "\(error.failure.message)")
        }
    }

    // What a person types now must not be passed over for what a file says.
    @Test func theCommandLineGoesOverTheFile() throws {
        try scratch.write(
            #"{"id":"m","video":"v","task":"summarize","options":{"max-new-tokens":3}}"# + "\n"
                + #"{"id":"n","video":"v","task":"summarize"}"#, to: "m.jsonl")
        let file = try read(
            """
            inputs:
              - files: [a]
              - manifest: \(scratch.path("m.jsonl"))
            options: {fps: 1, detail: low}
            tasks: [{task: summarize, options: {max-new-tokens: 7, window: 9}}]
            """
        ) {
            $0.generation.maxNewTokens = 5
            $0.sampling.fps = Rational(4)
        }
        let jobs = try jobs(file)
        #expect(jobs.map(\.settings.generation.maxNewTokens) == [5, 3, 5])
        #expect(jobs.map(\.settings.sampling.fps) == [Rational(4), Rational(4), Rational(4)])
        #expect(jobs.map(\.settings.window) == [Rational(9), Rational(30), Rational(30)])
        #expect(jobs.map(\.settings.pixels.detail) == [.low, .low, .low])
    }

    @Test func contradictionsWithTheCommandLineAreFound() throws {
        let text = """
            inputs: [{files: [a]}]
            tasks:
              - task: summarize
                options: {max-frames: 8}
            """
        do {
            _ = try read(text) { $0.sampling.minFrames = 10 }
            Issue.record("no fault was found")
        } catch let error as BatchError {
            #expect(error.failure.message.contains("job.yaml:4: --min-frames 10"))
        }
    }

    @Test(arguments: [
        #"{"id":"a","video":"v","task":"summarize"}"#, "\n{\n{\"video\":\"v\",\"task\":3}\n",
    ])
    func aManifestIsNoJobFile(text: String) throws {
        let error = #expect(throws: BatchError.self) { try read(text) }
        #expect(error == .wrongKind(path: scratch.path("job.yaml"), .manifest, givenAs: .jobFile))
        #expect(error?.failure.status == .usage)
    }

    @Test(arguments: [
        "inputs: [{files: [a]}]\ntasks: [{task: summarize}]",
        "# about\n\ninputs:\n  - files: [a]\n",
        #"{"inputs":[{"files":["a"]}],"tasks":[{"task":"summarize"}]}"#,
        "{\n  \"inputs\": [\n    {\"files\": [\"a\"]}\n  ]\n}",
    ])
    func aJobFileIsNoManifest(text: String) throws {
        let path = try scratch.write(text, to: "job.yaml")
        #expect(throws: BatchError.wrongKind(path: path, .jobFile, givenAs: .manifest)) {
            try Manifest.reading(path)
        }
    }

    // A manifest that a job file names is looked for where the job file names it.
    @Test(
        arguments: [
            (nil, 66, "job.yaml:3: cannot open"), ("a.mp4\n", 65, "job.yaml:3: "),
            ("inputs: [{files: [a]}]", 65, "job.yaml:3: "),
        ] as [(String?, Int32, String)])
    func aWrongManifestHasItsLine(text: String?, status: Int32, message: String) throws {
        if let text { try scratch.write(text, to: "m.jsonl") }
        let error = #expect(throws: BatchError.self) {
            try read(
                "inputs:\n  - files: [a]\n  - manifest: \(scratch.path("m.jsonl"))\ntasks: [{task: summarize}]"
            )
        }
        #expect(error?.failure.status.rawValue == status)
        let words = error?.failure.message ?? ""
        #expect(words.contains(message), "\(words)")
        #expect(words.contains("m.jsonl"), "\(words)")
    }

    @Test func aJobFileIsCheckedByItself() throws {
        let sound = try scratch.write(
            """
            variables: {folder: , rate: 2}
            inputs: [{glob: "${folder}/*.mp4"}]
            tasks: [{task: summarize, options: {fps: "${rate}", window: "${folder}"}}]
            """, to: "sound.yaml")
        #expect(try JobFile.check(sound).faults == [])
        // What depends on a variable without a value cannot be looked for.
        #expect(try JobFile.check(sound).warnings == [])
        let wrong = try scratch.write(
            "inputs: [{glob: /nowhere/*}]\ntasks:\n  - task: sumarize\n", to: "wrong.yaml")
        #expect(try JobFile.check(wrong).faults.map(\.line) == [3])
        #expect(throws: BatchError.self) { try JobFile.check(scratch.path("none.yaml")) }
    }

    // Inputs may lie on the machine that will run the file: no faults of the file, but worth a word.
    @Test func inputsThatAreNotThereAreWarnings() throws {
        try scratch.write(#"{"video":"v","task":"summarize"}"# + "\n{\n", to: "m.jsonl")
        let file = try scratch.write(
            """
            variables: {folder: "\(scratch.folder)"}
            inputs:
              - glob: ${folder}/a/*.mp4
              - glob: ${folder}/a/*.mkv
              - glob: ${folder}/none/*.mp4
              - files:
                  - ${folder}/a/2.mp4
                  - ${folder}/gone.mp4
                  - https://example.org/v.mp4
                  - s3://bucket/v.mp4
              - manifest: ${folder}/none.jsonl
              - manifest: ${folder}/m.jsonl
            tasks: [{task: summarize}]
            """, to: "job.yaml")
        let check = try JobFile.check(file)
        #expect(check.faults == [])
        #expect(check.warnings.map(\.line) == [4, 5, 8, 11, 12])
        for (warning, words) in zip(
            check.warnings,
            [
                "no file matches", "cannot open", "gone.mp4: no such file", "cannot open",
                "1 of 2 lines of",
            ])
        {
            #expect(warning.message.contains(words), "\(warning.message)")
        }
    }

    // An option that jobs understand must not be refused by the schema, nor the other way round.
    @Test func theSchemaKnowsTheOptions() throws {
        let schema = try JSON.parse(DocumentKind.job.schemaText)
        let names = schema["$defs"]?["options"]?["properties"]?.object?.members.map(\.key) ?? []
        #expect(names.sorted() == JobOption.all.map(\.name).sorted())
    }
}

import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// The run command as a process that dies, is stopped, and finds no room.
@Suite(.enabled(if: Tool.isBuilt, "the program was not built beside the tests"))
struct RunCommandTests {
    private final class Place {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-run-\(UUID().uuidString)").path

        init() throws {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func path(_ name: String) -> String { "\(folder)/\(name)" }

        func text(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
        }

        func lines(_ name: String) throws -> [Substring] { try text(name).split(separator: "\n") }

        @discardableResult
        func write(_ lines: [String], to name: String) throws -> String {
            try lines.map { $0 + "\n" }.joined().write(
                toFile: path(name), atomically: false, encoding: .utf8)
            return path(name)
        }

        /// The sample model with an end that it never comes to: its answers take their time.
        func endlessModel() throws -> String {
            let folder = path("endless")
            try FileManager.default.copyItem(
                atPath: Repository.path("Samples/model"), toPath: folder)
            for name in ["config.json", "generation_config.json"] {
                let file = URL(fileURLWithPath: "\(folder)/\(name)")
                var object = try #require(
                    try JSONSerialization.jsonObject(with: Data(contentsOf: file))
                        as? [String: Any])
                object["eos_token_id"] = 0
                if name == "config.json" { object["max_position_embeddings"] = 32768 }
                try JSONSerialization.data(withJSONObject: object).write(to: file)
            }
            return folder
        }
    }

    private static let clips = [
        "shapes-and-cuts.mp4", "countdown-portrait.mov", "street-crossing.mkv",
    ]

    /// Jobs on the sample clips, and some that fail.
    private static func manifest(_ count: Int, in place: Place) throws -> String {
        let lines = (0..<count).map { number in
            switch number % 7 {
            case 3: return #"{"id":"\#(number)","video":"/no/such.mp4","task":"summarize"}"#
            case 5: return #"{"id":"\#(number)","task":"summarize"}"#
            default:
                let clip = Repository.path("Samples/\(clips[number % 3])")
                let task =
                    number % 2 == 0
                    ? #""task":"summarize""# : #""task":"ask","questions":["a\#(number)?","b?"]"#
                return
                    #"{"id":"\#(number)","video":"\#(clip)",\#(task),"options":{"max-new-tokens":8}}"#
            }
        }
        return try place.write(lines, to: "jobs.jsonl")
    }

    private static func arguments(_ manifest: String, _ place: Place, _ more: String...) -> [String]
    {
        ["run", "--input", manifest, "--output", place.path("out.jsonl"), "--no-timing"] + more
    }

    // The promise of the whole thing: SIGKILL at any moment loses and doubles nothing.
    @Test func killedRunsGoOn() throws {
        let place = try Place()
        let manifest = try Self.manifest(21, in: place)
        let undisturbed = try Tool.run(
            ["run", "--input", manifest, "--output", place.path("whole.jsonl"), "--no-timing"])
        #expect(undisturbed.status == 3)
        let seed = UInt64.random(in: 0 ... .max)
        var generator = Seeded(state: seed)
        for _ in 0..<6 {
            let journal = "out.jsonl.journal"
            let before = (try? place.text(journal).count(of: "started")) ?? 0
            let more = Int.random(in: 1...3, using: &generator)
            let tool = try Tool(Self.arguments(manifest, place))
            // Into one of the next jobs, at any place of it.
            try wait {
                try !tool.isRunning || place.text(journal).count(of: "started") >= before + more
            }
            usleep(.random(in: 0...60_000, using: &generator))
            kill(tool.identifier, SIGKILL)
            _ = try tool.outcome()
        }
        let last = try Tool.run(Self.arguments(manifest, place))
        #expect(last.status == 3, "seed \(seed): \(last.errors)")
        #expect(try place.text("out.jsonl") == place.text("whole.jsonl"), "seed \(seed)")
        let summary = try JSON.parse(String(try #require(last.errors.split(separator: "\n").last)))
        #expect(DocumentValidator().faults(in: summary) == [])
        #expect(summary["jobs"]?["total"]?.int == 21)
        #expect(summary["ended"]?.string == "complete")
        #expect(try Tool.run("validate", place.path("out.jsonl")).status == 0)
    }

    // Several jobs at once: the same bytes, whatever ends the process in between.
    @Test func jobsTogetherAreAsOneByOne() throws {
        let place = try Place()
        let manifest = try Self.manifest(21, in: place)
        let whole = try Tool.run(
            ["run", "--input", manifest, "--output", place.path("whole.jsonl"), "--no-timing"])
        #expect(whole.status == 3)
        let arguments = Self.arguments(manifest, place, "--together", "4")
        for death in 1...3 {
            let tool = try Tool(arguments)
            try wait {
                try !tool.isRunning
                    || place.text("out.jsonl.journal").count(of: #""beside""#) >= 3 * death
            }
            kill(tool.identifier, death == 2 ? SIGTERM : SIGKILL)
            _ = try tool.outcome()
        }
        let last = try Tool.run(arguments)
        #expect(last.status == 3, "\(last.errors)")
        #expect(try place.text("out.jsonl") == place.text("whole.jsonl"))
        for wrong in ["0", "9", "two"] {
            let refused = try Tool.run(Self.arguments(manifest, place, "--together", wrong))
            #expect(refused.status == 64)
        }
        #expect(try Tool.run("stage", "--together", "2").status == 64)
    }

    // A job that crashes the program is tried once more by the program itself, and then given up;
    // the crash is made with the signal that a real one would raise.
    @Test func aCrashingJobCostsOneJob() throws {
        let place = try Place()
        let clip = Repository.path("Samples/street-crossing.mkv")
        let manifest = try place.write(
            [
                #"{"id":"long","video":"\#(clip)","task":"ask","questions":["a"],"options":{"max-new-tokens":20000}}"#,
                #"{"id":"short","video":"\#(clip)","task":"summarize","options":{"max-new-tokens":4}}"#,
            ], to: "jobs.jsonl")
        let tool = try Tool(
            Self.arguments(manifest, place, "--model", try place.endlessModel()))
        for crash in 0..<2 {
            try wait {
                try place.text("out.jsonl.journal").count(of: #""started","job":"long""#) == crash
                    + 1
            }
            kill(tool.identifier, SIGSEGV)
            try wait { try place.text("out.jsonl.journal").count(of: "crashed") == crash + 1 }
        }
        let outcome = try tool.outcome()
        #expect(outcome.status == 3, "\(outcome.errors)")
        let documents = try place.lines("out.jsonl").map { try JSON.parse(String($0)) }
        #expect(documents.map { $0["id"]?.string } == ["long", "short"])
        #expect(documents.first?["error"]?["code"]?.string == "internal")
        #expect(documents.last?["schema"]?.string == "reelscribe/summary@1")
    }

    @Test func sigtermStopsInGoodOrder() throws {
        let place = try Place()
        let clip = Repository.path("Samples/street-crossing.mkv")
        let manifest = try place.write(
            (0..<3).map {
                #"{"id":"\#($0)","video":"\#(clip)","task":"ask","questions":["a"],"options":{"max-new-tokens":20000}}"#
            }, to: "jobs.jsonl")
        let tool = try Tool(
            Self.arguments(manifest, place, "--model", try place.endlessModel()))
        try wait { try place.text("out.jsonl.journal").contains("started") }
        kill(tool.identifier, SIGTERM)
        let outcome = try tool.outcome()
        #expect(outcome.status == 143)
        let summary = try JSON.parse(
            String(try #require(outcome.errors.split(separator: "\n").last)))
        #expect(summary["ended"]?.string == "interrupted")
        #expect(summary["status"]?.int == 143)
        #expect(summary["error"]?["retryable"]?.bool == true)
        #expect(try place.text("out.jsonl") == "")
        #expect(try place.text("out.jsonl.journal").contains("released"))
    }

    // A file that may grow no further stands for a full disk: both fail in write(2).
    @Test func aFullDiskLeavesWholeResults() throws {
        let place = try Place()
        let manifest = try Self.manifest(14, in: place)
        let whole = try Tool.run(
            ["run", "--input", manifest, "--output", place.path("whole.jsonl"), "--no-timing"])
        #expect(whole.status == 3)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        // Blocks of 512 bytes.
        shell.arguments =
            ["-c", #"ulimit -f 14; exec "$0" "$@""#, Tool.path ?? ""]
            + Self.arguments(manifest, place, "--summary", "/dev/stderr")
        let errors = Pipe()
        shell.standardError = errors
        try shell.run()
        shell.waitUntilExit()
        let text = String(
            decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(shell.terminationStatus == 74, "\(text)")
        let written = try place.text("out.jsonl")
        #expect(written.last == "\n")
        #expect(try place.text("whole.jsonl").hasPrefix(written))
        #expect(written.utf8.count <= 14 * 512)
        let on = try Tool.run(Self.arguments(manifest, place))
        #expect(on.status == 3)
        #expect(try place.text("out.jsonl") == place.text("whole.jsonl"))
    }

    @Test func outcomesHaveTheirCodes() throws {
        let place = try Place()
        let empty = try place.write([], to: "empty.jsonl")
        let nothing = try Tool.run(Self.arguments(empty, place))
        #expect(nothing.status == 0)
        #expect(nothing.errors.contains("there are no jobs in"))
        #expect(try place.text("out.jsonl") == "")

        let missing = try Tool.run(Self.arguments(place.path("gone.jsonl"), place))
        #expect(missing.status == 66)

        let bad = try place.write(["{", "[]"], to: "bad.jsonl")
        #expect(
            try Tool.run(["run", "--input", bad, "--output", place.path("b.jsonl")]).status == 4)

        #expect(
            try Tool.run(["run", "--input", bad, "--output", place.path("no/b.jsonl")]).status == 73
        )
        #expect(try Tool.run(["run", "--input", bad, "--output", bad]).status == 64)
        #expect(try Tool.run(["run", "--input", bad, "--output", "-"]).status == 64)
        #expect(try Tool.run(["run", "--input", bad]).status == 64)
        #expect(
            try Tool.run(
                ["run", "--input", bad, "--output", place.path("c.jsonl"), "--model", "/no/model"]
            ).status == 78)
        #expect(!FileManager.default.fileExists(atPath: place.path("c.jsonl")))
    }

    // One of them would replace what the other has written.
    @Test func allThatIsWrittenIsApart() throws {
        let place = try Place()
        let manifest = try Self.manifest(1, in: place)
        try FileManager.default.createSymbolicLink(
            atPath: place.path("link"), withDestinationPath: place.folder)
        for more in [
            ["--metrics", place.path("out.jsonl")],
            ["--summary", place.path("link/out.jsonl")],
            ["--metrics", place.path("out.jsonl.journal")],
            ["--metrics", place.path("m"), "--summary", place.path("./m")],
        ] {
            let outcome = try Tool.run(Self.arguments(manifest, place) + more)
            #expect(outcome.status == 64, "\(more): \(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: place.path("out.jsonl")))
        }
    }

    // Known before any work, and worth no result.
    @Test(arguments: ["--metrics", "--summary"])
    func placesThatCannotBeWrittenEndNoRunThatHasBegun(option: String) throws {
        let place = try Place()
        let manifest = try Self.manifest(1, in: place)
        let outcome = try Tool.run(
            Self.arguments(manifest, place, option, place.path("no/m.prom")))
        #expect(outcome.status == 73)
        #expect(outcome.errors.split(separator: "\n").last?.contains("reelscribe/run@1") ?? false)
        #expect(!FileManager.default.fileExists(atPath: place.path("out.jsonl")))
    }

    // Begun again it would find an empty manifest, and end well with its jobs lost.
    @Test func aCrashBehindAPipeIsACrash() throws {
        let place = try Place()
        let clip = Repository.path("Samples/street-crossing.mkv")
        let line =
            #"{"id":"0","video":"\#(clip)","task":"ask","questions":["a"],"options":{"max-new-tokens":20000}}"#
        let tool = try Tool(
            Self.arguments("/dev/stdin", place, "--model", try place.endlessModel()),
            input: line + "\n")
        try wait { try place.text("out.jsonl.journal").contains("started") }
        kill(tool.identifier, SIGSEGV)
        #expect(try tool.outcome().status == 128 + SIGSEGV)
    }

    @Test func twoRunsDoNotMix() throws {
        let place = try Place()
        let clip = Repository.path("Samples/street-crossing.mkv")
        let manifest = try place.write(
            [
                #"{"id":"0","video":"\#(clip)","task":"ask","questions":["a"],"options":{"max-new-tokens":20000}}"#
            ], to: "jobs.jsonl")
        let arguments = Self.arguments(manifest, place, "--model", try place.endlessModel())
        let first = try Tool(arguments)
        try wait { try place.text("out.jsonl.journal").contains("started") }
        let second = try Tool.run(arguments)
        #expect(second.status == 75)
        #expect(second.errors.contains("another run is writing"))
        kill(first.identifier, SIGKILL)
        _ = try first.outcome()
    }

    // A look tells what a run would do, in the run's own words, and leaves nothing behind.
    @Test func aDryRunTouchesNothing() throws {
        let place = try Place()
        let manifest = try Self.manifest(7, in: place)
        let look = try Tool.run(Self.arguments(manifest, place, "--dry-run"))
        #expect(look.status == 0, "\(look.errors)")
        #expect(look.output == "")
        #expect(look.errors.contains("no job: line 6: 'video' is missing"))
        #expect(look.errors.contains("nothing was run; jobs to do: 7 of 7"))
        let summary = try JSON.parse(String(try #require(look.errors.split(separator: "\n").last)))
        #expect(DocumentValidator().faults(in: summary) == [])
        #expect(summary["ended"]?.string == "planned")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: place.folder) == ["jobs.jsonl"])

        _ = try Tool.run(Self.arguments(manifest, place, "--limit", "3"))
        let before = try place.text("out.jsonl") + place.text("out.jsonl.journal")
        let half = try Tool.run(Self.arguments(manifest, place, "--dry-run", "--fps", "1"))
        #expect(half.errors.contains("jobs to do: 7 of 7"), "\(half.errors)")
        #expect(
            half.errors.contains(
                "no longer fit their jobs: 3; they are made again; changed: fps (3)"))
        #expect(try place.text("out.jsonl") + place.text("out.jsonl.journal") == before)
    }

    // On a terminal a person reads, and a line of JSON is none for a person.
    @Test func aTerminalGetsALineForPeople() throws {
        let place = try Place()
        let manifest = try place.write([], to: "jobs.jsonl")
        var (control, terminal): (Int32, Int32) = (-1, -1)
        try #require(openpty(&control, &terminal, nil, nil, nil) == 0)
        defer { close(control) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Tool.path ?? "")
        process.arguments = Self.arguments(manifest, place)
        let errors = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
        process.standardError = errors
        try process.run()
        process.waitUntilExit()
        close(terminal)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(control, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        #expect(text.contains("reelscribe: jobs done: 0, failed: 0"), "\(text)")
        #expect(!text.contains("reelscribe/run@1"), "\(text)")
    }

    // Ready ones are found by their names, and a mistyped name leads to them.
    @Test func readyJobFilesHaveNames() throws {
        let place = try Place()
        let outcome = try Tool.run(
            "run", "summarise-folder", "--set", "folder=\(place.folder)", "--set",
            "output=\(place.path("out.jsonl"))")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("no file matches"))
        let wrong = try Tool.run("run", "summarize-folders")
        #expect(wrong.status == 66)
        #expect(wrong.errors.contains("or the name of a ready one: "), "\(wrong.errors)")
        let help = try Tool.run("run", "--help").output
        let names = try FileManager.default.contentsOfDirectory(
            atPath: Repository.path("Pipelines")
        ).filter { $0.hasSuffix(".yaml") }.map { $0.dropLast(5) }
        #expect(names.count >= 5)
        for name in names {
            #expect(help.contains(name))
            #expect(wrong.errors.contains(name))
        }
    }

    // What ships must run as it stands.
    @Test(arguments: [
        ("summarise-folder", 4), ("chapters-for-a-course", 4), ("question-list", 12),
        ("tag-with-labels", 4), ("watch-rules", 8),
    ])
    func readyJobFilesRun(name: String, documents: Int) throws {
        let place = try Place()
        let outcome = try Tool.run([
            "run", Repository.path("Pipelines/\(name).yaml"), "--set",
            "folder=\(Repository.path("Samples"))", "--set", "output=\(place.path("out.jsonl"))",
            "--metrics", place.path("m.prom"), "--summary", place.path("s.json"),
        ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try place.lines("out.jsonl").count == documents)
        for file in ["out.jsonl", "s.json"] {
            let check = try Tool.run("validate", place.path(file))
            #expect(check.status == 0, "\(check.output)")
        }
        #expect(try place.text("m.prom").contains("reelscribe_jobs{state=\"left\"} 0"))
    }

    @Test func mistakesInAJobFileHaveTheirLine() throws {
        let place = try Place()
        let file = try place.write(
            ["inputs:", "  - glob: x", "tasks:", "  - task: sumarize"], to: "job.yaml")
        let outcome = try Tool.run("run", file)
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("job.yaml:4: tasks/0/task: "), "\(outcome.errors)")
    }

    @Test func shardsMergeToTheWhole() throws {
        let place = try Place()
        let manifest = try Self.manifest(14, in: place)
        #expect(try Tool.run(Self.arguments(manifest, place)).status == 3)
        for index in 1...2 {
            _ = try Tool.run([
                "run", "--input", manifest, "--output", place.path("part-\(index).jsonl"),
                "--shard", "\(index)/2", "--no-timing",
            ])
        }
        let merged = try Tool.run([
            "merge", place.path("part-2.jsonl"), place.path("part-1.jsonl"), "--manifest",
            manifest, "--output", place.path("merged.jsonl"),
        ])
        #expect(merged.status == 0, "\(merged.errors)")
        #expect(try place.text("merged.jsonl") == place.text("out.jsonl"))
        let onto = try Tool.run([
            "merge", place.path("part-1.jsonl"), "--output", place.path("out.jsonl"),
        ])
        #expect(onto.status == 73)
        // A pattern such as part-* names the journals too.
        let all = try Tool.run([
            "merge", place.path("part-1.jsonl"), place.path("part-1.jsonl.journal"),
            place.path("part-2.jsonl"), place.path("part-2.jsonl.journal"), "--manifest", manifest,
            "--output", place.path("all.jsonl"),
        ])
        #expect(all.status == 0, "\(all.errors)")
        #expect(all.errors.contains("passed over"))
        #expect(try place.text("all.jsonl") == place.text("out.jsonl"))
        #expect(
            try Tool.run(
                "merge", place.path("part-1.jsonl.journal"), "--output", place.path("none.jsonl")
            ).status == 64)
        let part = try Tool.run([
            "merge", place.path("part-2.jsonl"), "--manifest", manifest, "--output",
            place.path("part.jsonl"),
        ])
        #expect(part.status == 65)
        #expect(part.errors.contains("have no result"))
    }

    /// SplitMix64: the same numbers again for the seed that a failure names.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    private func wait(_ condition: () throws -> Bool) throws {
        for _ in 0..<600 {
            if (try? condition()) ?? false { return }
            Thread.sleep(forTimeInterval: 0.05)
        }
        throw TimedOut()
    }

    private struct TimedOut: Error {}
}

extension String {
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}

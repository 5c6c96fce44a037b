import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// Guards the protocol that other engines stand on: contract section 4.
@Suite(.enabled(if: Tool.isBuilt, "the program is not built"))
struct StageTests {
    static let clips = ["shapes-and-cuts.mp4", "countdown-portrait.mov", "street-crossing.mkv"]
        .map { "Samples/\($0)" }

    @Test func answersComeInOrderWithTheirIDs() throws {
        var lines = jobLine("one", Self.clips[0])
        lines += jobLine(
            "two", Self.clips[1], task: #""task":"ask","questions":["a","b"],"meta":{"k":1.50}"#)
        lines += "no json\n\n" + jobLine("three", "missing.mp4") + jobLine("four", Self.clips[2])
        let (documents, status) = try StageProcess.answers(to: lines)
        #expect(status == 0)
        #expect(documents.map(\.id)[0..<3] == ["one", "two", "two"])
        #expect(documents.map(\.id)[4...] == ["three", "four"])
        #expect(documents[1...2].map { $0["question_index"]?.int } == [0, 1])
        #expect(documents[1]["meta"]?.compact == #"{"k":1.50}"#)
        #expect(documents.map(\.code) == [nil, nil, nil, "job.invalid", "input.not_found", nil])
        for document in documents {
            #expect(DocumentValidator().faults(in: document) == [])
        }
    }

    /// The place of decoding, the look-ahead and the stage itself must not show in a document.
    @Test(arguments: ["process", "none"])
    func documentsAreThoseOfTheCommands(isolation: String) throws {
        let lines = Self.clips.map { jobLine("x", $0) }.joined()
        let (documents, _) = try StageProcess.answers(to: lines, ["--isolation", isolation])
        for (clip, document) in zip(Self.clips, documents) {
            let alone = try Tool.run(
                [
                    "summarize", clip, "--no-timing", "--max-new-tokens", "4", "--compact",
                    "--threads", "2",
                ], in: Repository.root)
            let text = document.compact.replacing(#""id":"x","#, with: "", maxReplacements: 1)
            #expect(text + "\n" == alone.output)
        }
        #expect(documents.count == 3)
    }

    /// Each answer is there before the next job is sent: nothing waits for more input.
    @Test func everyAnswerIsFlushed() throws {
        let stage = try StageProcess()
        for number in 0..<3 {
            try stage.send(jobLine("\(number)", Self.clips[number]))
            #expect(try stage.next()?.id == "\(number)")
        }
        try stage.closeInput()
        #expect(try stage.next() == nil)
        #expect(stage.wait() == 0)
    }

    /// Whoever watches the log learns of failures without asking for more of it.
    @Test func failuresAreLogged() throws {
        let outcome = try Tool.run(
            "stage", input: jobLine("x", "missing.mp4") + "no json\n")
        #expect(outcome.status == 0)
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 2, "\(outcome.errors)")
        for (line, (code, id)) in zip(lines, [("input.not_found", "x"), ("job.invalid", "")]) {
            #expect(line.hasPrefix("reelscribe: warning: failed: "))
            #expect(line.contains("code=\(code)") && line.contains("id=\(id)"))
        }
    }

    @Test func noBadLineEndsTheStage() throws {
        let stage = try StageProcess()
        try stage.send(Data([0x7B, 0x00, 0x00, 0x7D, 0x0A]))
        #expect(try stage.next()?.code == "job.invalid")
        try stage.send(Data([0x22, 0xFF, 0xFE, 0x22, 0x0A]))
        #expect(try stage.next()?.code == "job.invalid")
        try stage.send(#"{"id":"deep","video":"# + String(repeating: "[", count: 100_000) + "\n")
        #expect(try stage.next()?.code == "job.invalid")
        for line in [
            "null", "[]", #"{"id":"i"}"#, #"{"id":"i","video":"-","task":"summarize"}"#,
            #"{"id":"i","video":"a","task":"ask","questions":[]}"#,
            #"{"id":"i","video":"a","task":"summarize","options":{"fps":"x"}}"#,
        ] {
            try stage.send(line + "\n")
            let answer = try #require(try stage.next())
            #expect(answer.code == "job.invalid", "\(line)")
            if line.contains("\"i\"") { #expect(answer.id == "i") }
        }
        // A job without a line end at the end of the input is one all the same.
        try stage.send(jobLine("last", Self.clips[0]).trimmingCharacters(in: .newlines))
        try stage.closeInput()
        #expect(try stage.next()?.id == "last")
        #expect(stage.wait() == 0)
    }

    /// A line without an end must not be kept in memory, and what follows must be understood.
    @Test func aLineOfAHundredMegabytes() throws {
        let stage = try StageProcess()
        let part = Data(repeating: UInt8(ascii: "x"), count: 10 << 20)
        for _ in 0..<10 { try stage.send(part) }
        try stage.send("\n" + jobLine("next", "missing.mp4"))
        #expect(try stage.next()?.code == "job.invalid")
        #expect(try stage.next()?.id == "next")
        let status = try String(contentsOfFile: "/proc/\(stage.identifier)/status", encoding: .utf8)
        let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        let kilobytes = Int(peak.split(separator: " ").dropFirst().first ?? "") ?? .max
        #expect(kilobytes < 250_000, "\(peak)")
        try stage.closeInput()
        #expect(stage.wait() == 0)
    }

    @Test func nothingInNothingOut() throws {
        let (documents, status) = try StageProcess.answers(to: "")
        #expect(documents.isEmpty)
        #expect(status == 0)
    }

    @Test(arguments: [true, false])
    func orderIsKeptUnlessItNeedNot(isOrdered: Bool) throws {
        let fetch = #"sh -c 'sleep 1; cp "${1#slow://}" "$2"' sh {uri} {path}"#
        let lines = jobLine("slow", "slow://" + Self.clips[0]) + jobLine("bad", "missing.mp4")
        let (documents, _) = try StageProcess.answers(
            to: lines, ["--fetch", fetch] + (isOrdered ? [] : ["--unordered"]))
        #expect(documents.map(\.id) == (isOrdered ? ["slow", "bad"] : ["bad", "slow"]))
    }

    /// Back-pressure: what is not in flight stays in the pipe, so that another stage can have it.
    @Test func noMoreIsReadThanIsInFlight() throws {
        let folder = try TemporaryFolder()
        let stage = try StageProcess(
            [
                "--in-flight", "2", "--fetch",
                #"sh -c 'touch "$0/${1##*/}"; sleep 600' \#(folder.path) {uri} {path}"#,
            ])
        try stage.send((0..<5).map { jobLine("\($0)", "s3://b/job\($0)") }.joined())
        try folder.wait(for: ["job0", "job1"])
        usleep(300_000)
        #expect(try folder.names().filter { $0.hasPrefix("job") } == ["job0", "job1"])
        kill(stage.identifier, SIGTERM)
        #expect(try stage.all().map(\.id) == ["0", "1"])
        #expect(stage.wait() == 143)
        // The commands end with it, and what they started, too.
        #expect(!Self.isMentioned(folder.path))
    }

    /// Whether a process has a word in its arguments.
    private static func isMentioned(_ word: String) -> Bool {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.contains { process in
            let line = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
            return line?.contains(word) ?? false
        }
    }

    @Test(arguments: [
        ("crash", "decode.damaged"), ("quit", "decode.damaged"), ("garbage", "decode.damaged"),
        ("hang", "decode.timeout"), ("bomb", "limit.memory"),
    ])
    func aDecoderThatFailsCostsOneJob(kind: String, code: String) throws {
        let lines = Self.clips.enumerated().map { jobLine("\($0)", $1) }.joined()
        let (documents, status) = try StageProcess.answers(
            to: lines,
            [
                "--decoder-fault", "\(kind):countdown-portrait.mov", "--stall-timeout", "2",
                "--decode-memory", "256MiB",
            ])
        #expect(status == 0)
        #expect(documents.map(\.id) == ["0", "1", "2"])
        #expect(documents.map(\.code) == [nil, code, nil])
        #expect(DocumentValidator().faults(in: documents[1]) == [])
    }

    @Test(arguments: [
        (["--max-input-size", "10KiB"], "limit.size"),
        (["--max-input-pixels", "100"], "limit.pixels"),
        (["--max-input-duration", "2"], "limit.duration"),
    ])
    func limitsAreKept(arguments: [String], code: String) throws {
        let (documents, status) = try StageProcess.answers(
            to: jobLine("a", Self.clips[0]), arguments)
        #expect(documents.map(\.code) == [code])
        #expect(status == 0)
    }
}

/// Guards the ends of a stage that are not the end of its input.
@Suite(.enabled(if: Tool.isBuilt, "the program is not built"))
struct StageEndTests {
    /// What was read is answered, as done or as handed back; nothing is lost or done in secret.
    @Test func onSIGTERMJobsAreHandedBack() throws {
        let stage = try StageProcess()
        // Frames enough to keep the model busy for a minute.
        let work = #""task":"summarize","options":{"fps":25,"detail":"high","cuts":"off"}"#
        let lines = (0..<3).map { jobLine("\($0)", StageTests.clips[$0], task: work) }
        try stage.send(lines.joined())
        // It reads a job only when its model is loaded and it listens to signals; the decoder of
        // the first is the sign that one was read.
        try Self.wait { !Self.decoders(of: stage.identifier).isEmpty }
        kill(stage.identifier, SIGTERM)
        let documents = try stage.all()
        #expect(stage.wait() == 143)
        #expect(documents.map(\.id) == Array(["0", "1", "2"][..<documents.count]))
        #expect(documents.last?.code == "interrupted")
        for document in documents where document.code != nil {
            #expect(document.code == "interrupted")
            #expect(document["error"]?["retryable"]?.bool == true)
            #expect(DocumentValidator().faults(in: document) == [])
        }
    }

    @Test func onSIGTERMWhileItWaits() throws {
        let folder = try TemporaryFolder()
        let stage = try StageProcess(["--fetch", "true {uri} {path}"], temporary: folder.path)
        try stage.send(jobLine("a", StageTests.clips[0]))
        #expect(try stage.next()?.id == "a")
        kill(stage.identifier, SIGTERM)
        #expect(try stage.all().isEmpty)
        #expect(stage.wait() == 143)
        // A stage that has to be ended by force, after ten seconds, leaves its folder behind.
        #expect(try folder.names().isEmpty)
    }

    /// A reader that is there but does not read must not keep the stage from ending and cleaning
    /// up.
    @Test func onSIGTERMWhileNobodyReads() throws {
        let folder = try TemporaryFolder()
        let stage = try StageProcess(["--fetch", "true {uri} {path}"], temporary: folder.path)
        // Some 300 bytes of answer each: more than a pipe holds.
        try stage.send(String(repeating: "no job\n", count: 2000))
        var seen = (bytes: 0, times: 0)
        try Self.wait {
            let bytes = stage.unread
            seen = (bytes, bytes == seen.bytes ? seen.times + 1 : 0)
            return bytes > 1 << 15 && seen.times > 10
        }
        kill(stage.identifier, SIGTERM)
        #expect(stage.wait() == 143)
        #expect(try folder.names().isEmpty)
    }

    private static func wait(until isDone: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try !isDone() {
            try #require(ContinuousClock.now < deadline, "it did not come to that")
            usleep(20_000)
        }
    }

    /// The processes that the nursery of a stage has started.
    private static func decoders(of stage: pid_t) -> [pid_t] {
        Array(descendants(of: stage).filter(isRunning).dropFirst())
    }

    /// A reader that goes must not take the scratch folder's cleaning with it.
    @Test func onAClosedPipeItCleansUp() throws {
        let folder = try TemporaryFolder()
        let stage = try StageProcess(
            ["--fetch", #"sh -c 'cp "${0#x://}" "$1"' {uri} {path}"#], temporary: folder.path)
        try stage.send(jobLine("a", "x://" + StageTests.clips[0]))
        #expect(try stage.next()?.id == "a")
        try stage.closeOutput()
        for number in 0..<3 { try? stage.send(jobLine("\(number)", "x://" + StageTests.clips[1])) }
        #expect(stage.wait() == 74)
        #expect(try folder.names().isEmpty)
        #expect(try stage.complaints().contains("whoever read them has gone"))
    }

    /// With SIGKILL nothing can be cleaned up, but no decoder may go on, and the next stage removes
    /// what was left.
    @Test func afterSIGKILLNothingGoesOn() throws {
        let folder = try TemporaryFolder()
        let fetch = ["--fetch", #"sh -c 'cp "${0#x://}" "$1"' {uri} {path}"#]
        let stage = try StageProcess(
            fetch + ["--decoder-fault", "hang:\(StageTests.clips[0])"], temporary: folder.path)
        try stage.send(jobLine("a", "x://" + StageTests.clips[0]))
        try folder.wait { try !$0.names().isEmpty }
        let deadline = ContinuousClock.now + .seconds(20)
        var workers: [pid_t] = []
        while workers.count < 2, ContinuousClock.now < deadline {
            workers = Self.descendants(of: stage.identifier)
            usleep(20_000)
        }
        #expect(workers.count == 2)
        kill(stage.identifier, SIGKILL)
        _ = stage.wait()
        while workers.contains(where: Self.isRunning), ContinuousClock.now < deadline {
            usleep(20_000)
        }
        #expect(!workers.contains(where: Self.isRunning))
        #expect(try !folder.names().isEmpty)
        _ = try StageProcess.answers(to: "", fetch, temporary: folder.path)
        #expect(try folder.names().isEmpty)
    }

    private static func isRunning(_ process: pid_t) -> Bool {
        let path = "/proc/\(process)/cmdline"
        return (try? String(contentsOfFile: path, encoding: .utf8))?.contains("decode-worker")
            ?? false
    }

    private static func descendants(of process: pid_t) -> [pid_t] {
        let tasks =
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        let children = tasks.flatMap { task -> [pid_t] in
            let path = "/proc/\(process)/task/\(task)/children"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { pid_t($0) }
        }
        return children + children.flatMap(descendants)
    }
}

/// A folder of a test's own, gone with it.
final class TemporaryFolder {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    func wait(for wanted: [String]) throws {
        try wait { folder in
            let names = try folder.names()
            return wanted.allSatisfy(names.contains)
        }
    }

    func wait(until isDone: (TemporaryFolder) throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try !isDone(self), ContinuousClock.now < deadline { usleep(20_000) }
        #expect(try isDone(self))
    }
}

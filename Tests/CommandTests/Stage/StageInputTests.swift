import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// A web server of a test's own; see `Tests/Fixtures/http/server.py`.
final class WebServer {
    private let process = Process()
    private let input = Pipe()
    let port: Int

    static let isPossible = FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")

    init(_ file: String) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = [Repository.path("Tests/Fixtures/http/server.py"), file]
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        while !text.contains("\n") {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            text += String(decoding: more, as: UTF8.self)
        }
        port = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    func address(_ path: String, host: String = "127.0.0.1") -> String {
        "http://\(host):\(port)/\(path)"
    }
}

/// Guards inputs by address against servers that are slow, endless, hostile or gone.
@Suite(.enabled(if: Tool.isBuilt && WebServer.isPossible, "no program, or no python3"))
struct StageAddressTests {
    private static let clip = Repository.path("Samples/shapes-and-cuts.mp4")

    private func answer(
        _ video: String, _ arguments: [String] = []
    ) throws -> (document: JSON, seconds: Double) {
        let start = ContinuousClock.now
        let (documents, status) = try StageProcess.answers(to: jobLine("a", video), arguments)
        #expect(status == 0)
        #expect(documents.count == 1)
        let document = try #require(documents.first)
        #expect(DocumentValidator().faults(in: document) == [])
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return (document, Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// An answer without an end is read as far as the video goes.
    @Test(arguments: ["video", "plain", "endless"])
    func aDownloadIsTheFile(path: String) throws {
        let server = try WebServer(Self.clip)
        let (remote, _) = try answer(server.address(path))
        let (local, _) = try answer(Self.clip)
        #expect(remote["segments"] == local["segments"])
        #expect(remote["sampling"] == local["sampling"])
        #expect(remote["video"]?["uri"]?.string == server.address(path))
        #expect(remote["video"]?["duration"] == local["video"]?["duration"])
    }

    @Test(arguments: [
        ("missing", "input.not_found"), ("forbidden", "input.cannot_open"),
        ("broken", "input.unreachable"), ("silent", "decode.timeout"), ("slow", "decode.timeout"),
        ("zeros", "limit.size"), ("redirect?file:///etc/passwd", "input.unreachable"),
        ("redirect?ftp://127.0.0.1/x", "input.unreachable"),
        ("redirect?http://127.0.0.1:1/", "input.unreachable"),
    ])
    func badServersCostTheirJob(path: String, code: String) throws {
        let server = try WebServer(Self.clip)
        let (document, seconds) = try answer(
            server.address(path),
            ["--stall-timeout", "2", "--decode-timeout", "6", "--max-input-size", "512KiB"])
        #expect(document.code == code, "\(document.compact)")
        #expect(seconds < 60)
    }

    @Test func tooLargeADownloadIsRefusedByItsLength() throws {
        let server = try WebServer(Self.clip)
        let (document, _) = try answer(server.address("video"), ["--max-input-size", "10KiB"])
        #expect(document.code == "limit.size")
    }

    @Test func aServerThatIsNotThere() throws {
        let (document, _) = try answer("http://127.0.0.1:1/x.mp4")
        #expect(document.code == "input.unreachable")
        #expect(document["error"]?["retryable"]?.bool == true)
    }

    /// A proxy would be asked for whatever host an answer redirects to, unseen by the list.
    @Test(arguments: ["http_proxy", "HTTP_PROXY"])
    func noProxyGoesRoundTheList(name: String) throws {
        let server = try WebServer(Self.clip)
        // A proxy that is not there: whoever uses it fails.
        let proxy = [name: "http://127.0.0.1:1/"]
        func answer(_ arguments: [String]) throws -> JSON {
            let (documents, _) = try StageProcess.answers(
                to: jobLine("a", server.address("video")), arguments, environment: proxy)
            return try #require(documents.first)
        }
        #expect(try answer(["--allow-host", "127.0.0.1"]).code == nil)
        // FFmpeg knows the name in small letters only; without a list it stays as it was.
        #expect(try answer([]).code == (name == "http_proxy" ? "input.unreachable" : nil))
    }

    /// The list holds for the address itself and for where it redirects to.
    @Test func onlyAllowedHostsAreReached() throws {
        let server = try WebServer(Self.clip)
        let allowed = ["--allow-host", "127.0.0.1"]
        #expect(try answer(server.address("video"), allowed).document.code == nil)
        let elsewhere = server.address("video", host: "localhost")
        let refused = try answer(elsewhere, allowed).document
        #expect(refused.code == "input.unsupported_url")
        #expect(refused["error"]?["message"]?.string?.contains("host localhost") == true)
        let inside = server.address("redirect?" + server.address("video"))
        #expect(try answer(inside, allowed).document.code == nil)
        let redirected = try answer(server.address("redirect?" + elsewhere), allowed).document
        #expect(redirected.code == "input.unsupported_url", "\(redirected.compact)")
        let both = allowed + ["--allow-host", "localhost"]
        #expect(
            try answer(server.address("redirect?" + elsewhere), both).document.code == nil)
    }
}

/// Guards inputs that a user's command fetches.
@Suite(.enabled(if: Tool.isBuilt, "the program is not built"))
struct StageFetchTests {
    private static let clip = "Samples/shapes-and-cuts.mp4"

    private func answer(
        _ video: String, _ arguments: [String], folder: TemporaryFolder
    ) throws -> JSON {
        let (documents, status) = try StageProcess.answers(
            to: jobLine("a", video), arguments, temporary: folder.path)
        #expect(status == 0)
        // Whatever happened, nothing stays behind.
        #expect(try folder.names().isEmpty)
        return try #require(documents.first)
    }

    @Test(arguments: ["process", "none"])
    func theDocumentNamesTheAddress(isolation: String) throws {
        let folder = try TemporaryFolder()
        let document = try answer(
            "s3://bucket/a b.mp4",
            [
                "--isolation", isolation, "--fetch",
                #"sh -c 'test "$1" = "s3://bucket/a b.mp4" && cp \#(Self.clip) "$0"' {path} {uri}"#,
            ], folder: folder)
        #expect(document.code == nil, "\(document.compact)")
        #expect(document["video"]?["uri"]?.string == "s3://bucket/a b.mp4")
        #expect(document["video"]?["sha256"]?.string?.count == 64)
        #expect(DocumentValidator().faults(in: document) == [])
    }

    @Test func aPictureIsFetchedAsOne() throws {
        let folder = try TemporaryFolder()
        let picture = "Tests/Fixtures/golden/cases/image-and-video/still.png"
        let document = try answer(
            "gs://p", ["--fetch", "sh -c 'cp \(picture) $0' {path} {uri}"], folder: folder)
        #expect(document["video"]?["duration"]?.double == 0)
    }

    @Test(arguments: [
        ("sh -c 'echo no such bucket; exit 3' {uri} {path}", "input.unreachable", "no such bucket"),
        ("true {uri} {path}", "input.unreachable", "left no file"),
        ("sh -c 'kill -9 $$' {uri} {path}", "input.unreachable", "signal 9"),
        ("/no/such/program {uri} {path}", "options.invalid", "cannot be started"),
        ("sh -c 'sleep 600' {uri} {path}", "input.unreachable", "not fetched in 1 s"),
        ("sh -c 'yes > $0' {path} {uri}", "limit.size", "larger than"),
        // As `aws s3 cp`, `gcloud storage cp` and `hdfs dfs -get` do until they are done.
        ("sh -c 'yes > $0.part' {path} {uri}", "limit.size", "larger than"),
        ("sh -c 'mkdir $0.d; yes > $0.d/x' {path} {uri}", "limit.size", "larger than"),
        ("sh -c 'echo > $0.part; exit 3' {path} {uri}", "input.unreachable", "exit code 3"),
        ("sh -c 'echo x > $0' {path} {uri}", "decode.no_video", "hdfs://h/x"),
    ])
    func failuresAreTold(command: String, code: String, words: String) throws {
        let folder = try TemporaryFolder()
        let document = try answer(
            "hdfs://h/x",
            ["--fetch", command, "--fetch-timeout", "1", "--max-input-size", "1MiB"],
            folder: folder)
        #expect(document.code == code, "\(document.compact)")
        #expect(document["error"]?["message"]?.string?.contains(words) == true)
        #expect(document["error"]?["message"]?.string?.contains(folder.path) == false)
    }

    /// Many that start at once sweep while others make their folders; none may lose its own.
    @Test func manyStartAtOnce() throws {
        let folder = try TemporaryFolder()
        let fetch = ["--fetch", "cp \(Self.clip) {path} {uri}"]
        let stages = try (0..<8).map { _ in try StageProcess(fetch, temporary: folder.path) }
        for stage in stages { try stage.closeInput() }
        for stage in stages {
            let status = stage.wait()
            let said = try stage.complaints()
            #expect(status == 0, "\(said)")
        }
        #expect(try folder.names().isEmpty)
    }

    /// A link under the name of a scratch folder leads to what is not ours to remove.
    @Test func theSweepFollowsNoLink() throws {
        let folder = try TemporaryFolder()
        let elsewhere = try TemporaryFolder()
        for name in ["lock", "precious"] {
            try Data().write(to: URL(fileURLWithPath: "\(elsewhere.path)/\(name)"))
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/reelscribe-scratch-abcdef",
            withDestinationPath: elsewhere.path)
        let abandoned = folder.path + "/reelscribe-scratch-ghijkl"
        try FileManager.default.createDirectory(
            atPath: abandoned + "/input-1", withIntermediateDirectories: true)
        for name in ["lock", "input-1/input.part"] {
            try Data().write(to: URL(fileURLWithPath: "\(abandoned)/\(name)"))
        }
        try FileManager.default.createSymbolicLink(
            atPath: abandoned + "/input-1/link", withDestinationPath: elsewhere.path)
        _ = try StageProcess.answers(
            to: "", ["--fetch", "true {uri} {path}"], temporary: folder.path)
        #expect(try elsewhere.names() == ["lock", "precious"])
        #expect(try folder.names() == ["reelscribe-scratch-abcdef"])
    }

    /// An address is data: no part of it is read as a command or as a place to write to.
    @Test func anAddressIsNoCommand() throws {
        let folder = try TemporaryFolder()
        let uri = "s3://$(touch \(folder.path)/owned);`id`{path}' \\\" x"
        let line = JSON.object(["video": .string(uri), "task": "summarize"]).compact + "\n"
        let command = #"sh -c 'printf %s "$1" > said; cp \#(Self.clip) "$0"' {path} {uri}"#
        let run = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: run.path + "/Samples", withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: Repository.path(Self.clip), toPath: "\(run.path)/\(Self.clip)")
        let (documents, _) = try StageProcess.answers(
            to: line, ["--fetch", command], in: run.path, temporary: folder.path)
        #expect(documents.first?.code == nil)
        let said = try String(contentsOfFile: run.path + "/said", encoding: .utf8)
        #expect(said == uri)
        #expect(try folder.names().isEmpty)
    }

    /// What begins like an option must not come to be one of the command.
    @Test(arguments: ["-o://x", "--config://x", "9p://x", "+a://x", "://x"])
    func anAddressIsNoOption(uri: String) throws {
        let folder = try TemporaryFolder()
        let document = try answer(
            uri, ["--fetch", "sh -c 'cp \(Self.clip) $0' {path} {uri}"], folder: folder)
        #expect(document.code?.hasPrefix("input.") == true, "\(document.compact)")
    }

    @Test(arguments: ["cp {uri}", "cp {path}", "", "cp '{uri} {path}"])
    func badCommandsAreWrongUse(command: String) throws {
        let outcome = try Tool.run("stage", "--fetch", command)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("--fetch"))
    }

    /// Times that no clock can hold would trap once a deadline is computed from them.
    @Test(
        arguments: [
            "--decode-timeout", "--stall-timeout", "--fetch-timeout", "--max-input-duration",
        ], ["inf", "-inf", "nan", "0", "-1", "1e10", "1e308"])
    func timesThatAreNoneAreWrongUse(option: String, value: String) throws {
        let outcome = try Tool.run("stage", "\(option)=\(value)")
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("\(option) must be above 0"), "\(outcome.errors)")
    }

    @Test func withoutACommandTheAddressIsRefused() throws {
        let (documents, _) = try StageProcess.answers(to: jobLine("a", "s3://b/x"))
        #expect(documents.first?.code == "input.unsupported_url")
        #expect(documents.first?["error"]?["hint"]?.string?.contains("--fetch") == true)
    }
}

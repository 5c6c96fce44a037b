import Foundation
import Hub
import Synchronization
import Testing
import VideoUnderstanding

/// A hub of a test's own; see `Tests/Fixtures/http/hub.py`.
private final class TestHub {
    private let process = Process()
    private let input = Pipe()
    let folder: String
    let port: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/reelscribe-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fixtures/http/hub.py").path
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: Self.python)
        process.arguments = [script, folder + "/log"]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        port = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }

    static let python = "/usr/bin/python3"
    static var isThere: Bool { FileManager.default.isExecutableFile(atPath: python) }

    var cache: String { folder + "/hub" }

    /// Method, path, range and token of each request so far.
    var requests: [[String]] {
        let text = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    func settings(
        token: String? = nil, free: Int? = nil, piece: Int = 4096, retries: Int = 2
    ) throws -> HubSettings {
        var settings = try HubSettings(
            endpoint: "http://127.0.0.1:\(port)/", token: token, cache: cache
        ) { _ in free }
        settings.timeout = 5
        settings.pause = 0.01
        settings.piece = piece
        settings.retries = retries
        return settings
    }

    func pull(
        _ name: String, revision: String = "main", files: [String] = [],
        settings: HubSettings? = nil,
        check: @escaping @Sendable () throws(Failure) -> Void = {},
        onEvent: @escaping @Sendable (ModelPull.Event) -> Void = { _ in }
    ) throws -> String {
        try ModelPull(
            name, revision: revision, files: files, settings: try settings ?? self.settings()
        ).run(check: check, onEvent: onEvent)
    }

    static let large = Data((0..<10000).map { UInt8(truncatingIfNeeded: $0 * 7919 / 256) })
    static let commit = "0123456789abcdef0123456789abcdef01234567"

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: cache + path) }

    func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}

@Suite(.enabled(if: TestHub.isThere, "python3 is not on this machine"), .serialized)
struct ModelPullTests {
    /// The layout is that of other tools: what they fetched, or we, is found by all.
    @Test(arguments: ["fine", "cut", "whole", "flaky"]) func wholeModel(kind: String) throws {
        let hub = try TestHub()
        let folder = try hub.pull(kind + "/x")
        #expect(folder == hub.cache + "/models--\(kind)--x/snapshots/" + TestHub.commit)
        #expect(
            hub.names(folder) == [
                "config.json", "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                "tokenizer.json",
            ])
        let shards = try [1, 2].map {
            try Data(
                contentsOf: URL(fileURLWithPath: folder + "/model-0000\($0)-of-00002.safetensors"))
        }
        #expect(shards == [TestHub.large, Data(TestHub.large.reversed())])
        let link = try FileManager.default.destinationOfSymbolicLink(
            atPath: folder + "/config.json")
        #expect(link.hasPrefix("../../blobs/"))
        let reference = try String(
            contentsOfFile: hub.cache + "/models--\(kind)--x/refs/main", encoding: .utf8)
        #expect(reference == TestHub.commit)
        #expect(hub.names(hub.cache + "/models--\(kind)--x/blobs").allSatisfy { !$0.contains(".") })
        // The search for models finds it, with no network.
        let locator = ModelLocator(
            ModelSurroundings(
                environment: ["HF_HUB_CACHE": hub.cache], executable: nil, currentFolder: "/"))
        #expect(try locator.locate(kind + "/x").path == folder)
        // A second pull asks what there is, and fetches nothing.
        let before = hub.requests.count
        _ = try hub.pull(kind + "/x")
        #expect(
            !hub.requests.dropFirst(before).contains { $0[0] == "GET" && $0[1].contains("resolve") }
        )
    }

    @Test func oneFileAndARevision() throws {
        let hub = try TestHub()
        let folder = try hub.pull("single/x", revision: "v1.0")
        #expect(hub.names(folder).contains("model.safetensors"))
        #expect(hub.exists("/models--single--x/refs/v1.0"))
        #expect(!hub.exists("/models--single--x/refs/main"))
        _ = try hub.pull("single/x", revision: "refs/pr/1")
        #expect(hub.exists("/models--single--x/refs/refs/pr/1"))
        let locator = ModelLocator(
            ModelSurroundings(
                environment: ["HF_HUB_CACHE": hub.cache], executable: nil, currentFolder: "/"))
        #expect(try locator.locate("single/x@v1.0").path == folder)
        #expect(try locator.locate("single/x@" + TestHub.commit).path == folder)
        #expect(throws: Failure.self) { try locator.locate("single/x") }
        #expect(throws: Failure.self) { try locator.locate("single/x@../../x") }
    }

    @Test func filesByName() throws {
        let hub = try TestHub()
        let folder = try hub.pull("fine/x", files: ["tokenizer.json"])
        #expect(hub.names(folder) == ["tokenizer.json"])
        #expect(throws: Failure.self) { try hub.pull("fine/x", files: ["nothing.gguf"]) }
        #expect(throws: HubError.self) { try hub.pull("fine/x", files: ["../x"]) }
    }

    /// What has come before an interruption is not fetched again.
    @Test func interruptionAndResumption() throws {
        let hub = try TestHub()
        let seen = Mutex(0)
        let stop = Failure(.interrupted, stage: .model, message: "enough")
        let failure = #expect(throws: Failure.self) {
            try hub.pull("single/x", settings: try hub.settings(piece: 1000)) {
                () throws(Failure) in
                if seen.withLock({ $0 }) >= 3000 { throw stop }
            } onEvent: { event in
                if case .fetching("model.safetensors", let done, _) = event {
                    seen.withLock { $0 = max($0, done) }
                }
            }
        }
        #expect(failure?.code == .interrupted)
        #expect(!hub.exists("/models--single--x/refs/main"))
        let kept = try #require(
            hub.names(hub.cache + "/models--single--x/blobs").first { $0.hasSuffix(".incomplete") })
        let size = try #require(
            try FileManager.default.attributesOfItem(
                atPath: hub.cache + "/models--single--x/blobs/" + kept)[.size] as? Int)
        #expect((2000..<10000).contains(size))
        let before = hub.requests.count
        let folder = try hub.pull("single/x")
        let ranges = hub.requests.dropFirst(before)
            .filter { $0[1].contains("storage") && $0[0] == "GET" }.map { $0[2] }
        #expect(ranges.first?.hasPrefix("bytes=\(size)-") == true, "\(ranges)")
        #expect(
            try Data(contentsOf: URL(fileURLWithPath: folder + "/model.safetensors"))
                == TestHub.large)
    }

    /// A partial file of other content must be noticed, not completed.
    @Test func foreignPartialFile() throws {
        let hub = try TestHub()
        let folder = try hub.pull("single/x")
        let model = folder + "/model.safetensors"
        let blob = URL(fileURLWithPath: model).resolvingSymlinksInPath().path
        try FileManager.default.removeItem(atPath: blob)
        try Data(repeating: 1, count: 5000).write(to: URL(fileURLWithPath: blob + ".incomplete"))
        let failure = #expect(throws: Failure.self) { try hub.pull("single/x") }
        #expect(failure?.message.contains("SHA-256") == true)
        _ = try hub.pull("single/x")
        #expect(try Data(contentsOf: URL(fileURLWithPath: model)) == TestHub.large)
    }

    @Test(arguments: [
        ("corrupt", "SHA-256", FailureCode.modelDamaged), ("lacks", "model-00002", .modelDamaged),
        ("loop", "too many redirections", .modelDamaged),
        ("short", "model-00001", .modelDamaged), ("nothing", "is not on the hub", .modelNotFound),
        ("denied", "status 401", .modelNotFound),
    ])
    func whatGoesWrong(kind: String, says: String, code: FailureCode) throws {
        let hub = try TestHub()
        let failure = try #require(
            #expect(throws: Failure.self) { try hub.pull(kind + "/x") })
        #expect(failure.message.contains(says) && failure.code == code, "\(failure)")
        #expect(!hub.exists("/models--\(kind)--x/refs/main"))
        #expect(!hub.exists("/models--\(kind)--x/snapshots"))
        if kind == "lacks" {
            // Known before anything large is fetched.
            #expect(!hub.requests.contains { $0[1].contains("storage") })
        }
    }

    /// Looked at before the large files, not when the disk is full.
    @Test func noSpace() throws {
        let hub = try TestHub()
        let failure = #expect(throws: Failure.self) {
            try hub.pull("fine/x", settings: try hub.settings(free: 19_999))
        }
        #expect(failure?.code == .outputUnwritable)
        #expect(
            failure?.message.contains("20000 bytes are needed") == true, "\(failure?.message ?? "")"
        )
        #expect(!hub.requests.contains { $0[1].contains("storage") && $0[0] == "GET" })
        _ = try hub.pull("fine/x", settings: try hub.settings(free: 20_000))
    }

    /// The token is for the hub, not for the storage that it points to.
    @Test func tokens() throws {
        let hub = try TestHub()
        _ = try hub.pull("fine/x", settings: try hub.settings(token: "secret"))
        for request in hub.requests {
            let isStorage = request[1].contains("storage")
            #expect(request[3] == (isStorage ? "-" : "Bearer_secret"), "\(request)")
        }
    }

    @Test func oneAtATime() throws {
        let hub = try TestHub()
        let refused = Mutex<Failure?>(nil)
        let settings = try hub.settings()
        let onEvent: @Sendable (ModelPull.Event) -> Void = { event in
            guard case .listing = event else { return }
            do {
                _ = try ModelPull("single/x", settings: settings).run(check: {}, onEvent: { _ in })
            } catch {
                refused.withLock { $0 = error as? Failure }
            }
        }
        _ = try hub.pull("single/x", onEvent: onEvent)
        #expect(refused.withLock { $0?.status } == .temporary)
    }

    @Test func nobodyThere() throws {
        let hub = try TestHub()
        var settings = try hub.settings()
        settings.endpoint = "http://127.0.0.1:1"
        let failure = #expect(throws: Failure.self) { try hub.pull("fine/x", settings: settings) }
        #expect(failure?.retryable == true && failure?.status == .temporary)
    }

    @Test(arguments: ["x", "a/b/c", "../x", "a/..", "a/b c", "", "/"]) func names(name: String)
        throws
    {
        let hub = try TestHub()
        #expect(throws: HubError.self) { try hub.pull(name) }
        #expect(throws: HubError.self) { try hub.pull("a/b", revision: "x/../y") }
        #expect(hub.requests.isEmpty)
    }
}

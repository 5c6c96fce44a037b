import Foundation
import Testing
import Video

#if canImport(Glibc)
    import Glibc
#endif

/// Inputs that are damaged, that stall, or that mean harm.
struct HostileTests {
    @Test(arguments: [
        ("script.mp4", "decode.no_video"), ("playlist.mp4", "decode.no_video"),
        ("text.mp4", "decode.no_video"),
    ])
    func `lists of other inputs are not followed`(file: String, code: String) {
        let error = #expect(throws: VideoError.self) { _ = try Reading(TestData.fixture(file)) }
        #expect(error?.code == code)
        #expect(error?.exitCode == 65)
        #expect((error?.hint?.contains("--allow-references") == true) == (file != "text.mp4"))
    }

    // Guards coverage, and that damage looks the same with any number of threads.
    @Test func `damage is survived`() throws {
        let path = TestData.fixture("damaged.mp4")
        let one = try Reading(path, SamplingOptions(fps: Rational(25)), threads: 1)
        let four = try Reading(path, SamplingOptions(fps: Rational(25)), threads: 4)
        #expect(one.codes.contains("video.damaged"))
        #expect(!one.report.coverage.unseen.isEmpty)
        #expect(!one.report.coverage.seen.isEmpty)
        #expect(one.frames == four.frames)
        #expect(one.report == four.report)
    }

    @Test func `a cut file ends where its pictures end`() throws {
        let reading = try Reading(
            TestData.fixture("cut.mp4"), SamplingOptions(needsIndices: true))
        #expect(reading.codes.contains("video.truncated"))
        #expect(reading.description.duration < 5)
        #expect(reading.report.coverage.unseen.last?.end == 6)
        #expect(reading.frames.allSatisfy { $0.drawn == $0.index })
    }

    @Test func `limits hold`() {
        let cases: [(DecodeLimits, String)] = [
            (DecodeLimits(maximumPixels: 1000), "limit.pixels"),
            (DecodeLimits(maximumDuration: 2), "limit.duration"),
        ]
        for (limits, code) in cases {
            let error = #expect(throws: VideoError.self) {
                _ = try Reading(TestData.fixture("index_open_gop.mp4"), limits: limits)
            }
            #expect(error?.code == code)
            #expect(error?.exitCode == 65)
        }
    }

    /// A named pipe, and a thread that writes `bytes` into it and then waits before closing it.
    private static func withPipe(
        _ bytes: Data, holding seconds: Double, _ body: (String) throws -> Void
    ) throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "reelscribe-\(UUID().uuidString).pipe").path
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        let writer = Thread {
            signal(SIGPIPE, SIG_IGN)
            let descriptor = open(path, O_WRONLY)
            guard descriptor >= 0 else { return }
            bytes.withUnsafeBytes { buffer in
                var sent = 0
                while sent < buffer.count {
                    let count = write(descriptor, buffer.baseAddress! + sent, buffer.count - sent)
                    if count <= 0 { break }
                    sent += count
                }
            }
            Thread.sleep(forTimeInterval: seconds)
            close(descriptor)
        }
        writer.start()
        try body(path)
    }

    // Guards pipes, with the index of the file in front, at its end, and without one.
    @Test(arguments: ["faststart.mp4", "index_open_gop.mp4", "index_offset.ts", "index_short.mp4"])
    func `a pipe gives what the file gives`(file: String) throws {
        let whole = try Reading(TestData.fixture(file))
        let data = try Data(contentsOf: URL(filePath: TestData.fixture(file)))
        try Self.withPipe(data, holding: 0) { path in
            let piped = try Reading(path)
            #expect(piped.frames == whole.frames)
            #expect(piped.description.duration == whole.description.duration)
        }
    }

    // Guards the deadline: nothing comes at all, and nothing more comes.
    @Test(arguments: [0, 100, 30000])
    func `a stalled pipe ends by the deadline`(count: Int) throws {
        let data = try Data(contentsOf: URL(filePath: TestData.fixture("index_offset.ts")))
        try Self.withPipe(data.prefix(count), holding: 3) { path in
            let clock = ContinuousClock()
            let start = clock.now
            let error = #expect(throws: VideoError.self) {
                _ = try Reading(path, limits: DecodeLimits(stallSeconds: 0.4))
            }
            #expect(error?.code == "decode.timeout")
            #expect(error?.exitCode == 75)
            #expect(error?.retryable == true)
            #expect(clock.now - start < .seconds(2.5))
        }
    }

    // Guards the spool's bound: a pipe too large to be kept cannot be read twice.
    @Test func `a large pipe is read once only`() throws {
        let data = try Data(contentsOf: URL(filePath: TestData.fixture("index_short.mp4")))
        let limits = DecodeLimits(pipeBytes: 1000)
        try Self.withPipe(data, holding: 0) { path in
            let reading = try? Reading(path, limits: limits)
            #expect(reading?.frames.count == 4)
        }
        // The reference's rule counts frames first.
        try Self.withPipe(data, holding: 0) { path in
            let error = #expect(throws: VideoError.self) {
                _ = try Reading(path, SamplingOptions(mode: .qwen), limits: limits)
            }
            #expect(error?.code == "limit.size")
        }
    }

    @Test func `an address where nothing listens`() throws {
        let input = try VideoInput.resolve("http://127.0.0.1:9/video.mp4")
        #expect(input == .url("http://127.0.0.1:9/video.mp4"))
        let error = #expect(throws: VideoError.self) {
            _ = try Reading(input, limits: DecodeLimits(stallSeconds: 2))
        }
        #expect(["input.unreachable", "decode.timeout"].contains(error?.code))
        #expect(error?.exitCode == 75)
    }
}

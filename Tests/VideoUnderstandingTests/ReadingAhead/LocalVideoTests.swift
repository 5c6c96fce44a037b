import Compute
import Foundation
import Imaging
import Isolation
import Qwen2VL
import Testing
import Video
import VideoUnderstanding

/// Frames that are decoded ahead, against the same frames decoded when they are asked for.
@Suite struct LocalVideoTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let samples = ["sample-world.mp4", "shapes-and-cuts.mp4", "street-crossing.mkv"]
        .map { "Samples/\($0)" }
    static let fixtures = ["damaged.mp4", "index_offset.ts", "index_raw.h264", "folder"]
        .map { "Tests/Fixtures/video/\($0)" }

    /// All that is seen of a reading.
    private struct Seen: Equatable {
        var opened: [ReadFacts] = []
        var frames: [SampledFrame] = []
        var promised: [Double?] = []
        var closed: [ReadFacts] = []
        var error: VideoError?
    }

    private struct ReadFacts: Equatable {
        var description: VideoDescription
        var report: DecodeReport
        var expected: Int?
        var isExact: Bool

        init(_ state: ReaderState) {
            description = state.description
            report = state.report
            expected = state.expectedFrames
            isExact = state.expectedFramesIsExact
        }
    }

    private static func read(
        _ path: String, ahead: Bool, target: PixelSize? = nil,
        limits: DecodeLimits = .standard, pause: Double = 0
    ) throws -> Seen {
        var seen = Seen()
        do throws(VideoError) {
            let video = try LocalVideo(
                VideoInput.resolve("\(root)/\(path)"), sampling: SamplingOptions(detectsCuts: true),
                limits: limits, threads: 2)
            defer { video.close() }
            seen.opened = [ReadFacts(video.state)]
            if ahead { video.begin(target: target) }
            var resizer = ahead ? nil : target.map(FrameResizer.init)
            var timing = TimingRecord()
            while let frame = try video.next(timing: &timing) {
                seen.frames.append(resizer?.resized(frame) ?? frame)
                seen.promised.append(video.state.promisedEnd)
                if pause > 0 { Thread.sleep(forTimeInterval: pause) }
            }
            let behind = try video.next(timing: &timing)
            #expect(behind == nil)
            #expect(timing.decode > 0)
            #expect((timing.preprocess > 0) == (ahead && target != nil))
            seen.closed = [ReadFacts(video.state)]
        } catch {
            seen.error = error
        }
        return seen
    }

    // Guards the promise that nobody can tell: frames, times, pixels, what is known before and
    // behind them, warnings; whole, resized, and with a slow reader.
    @Test(arguments: samples + fixtures)
    func theSameIsSeen(path: String) throws {
        let direct = try Self.read(path, ahead: false)
        #expect(direct.error == nil && direct.frames.count >= 4)
        #expect(try Self.read(path, ahead: true) == direct)
        #expect(try Self.read(path, ahead: true, pause: 0.01) == direct)
        let target = PixelSize(width: 112, height: 84)
        #expect(
            try Self.read(path, ahead: true, target: target)
                == Self.read(path, ahead: false, target: target))
    }

    // Guards errors in the middle: behind the same frames, the same error.
    @Test(arguments: [2.5, 5, 11])
    func theSameError(limit: Double) throws {
        let limits = DecodeLimits(maximumDuration: limit)
        let direct = try Self.read(Self.samples[1], ahead: false, limits: limits)
        #expect(direct.frames.count > 3)
        #expect(direct.error != nil)
        for pause in [0, 0.005] {
            let ahead = try Self.read(Self.samples[1], ahead: true, limits: limits, pause: pause)
            #expect(ahead == direct)
        }
    }

    // Guards the early end: no thread, no decoder and no file is left behind.
    @Test(arguments: [0, 1, 5])
    func nothingIsLeft(frames: Int) async throws {
        weak var left: LocalVideo?
        do {
            let video = try LocalVideo(
                VideoInput.resolve("\(Self.root)/\(Self.samples[0])"),
                sampling: SamplingOptions(fps: Rational(10)))
            left = video
            video.begin(target: nil)
            let reader = FrameReader(video, kind: .video)
            try Self.take(frames, from: reader)
        }
        // The thread lets go a moment after it said that it is through.
        for _ in 0..<500 where left != nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(left == nil)
    }

    private static func take(_ count: Int, from reader: consuming FrameReader) throws {
        var timing = TimingRecord()
        for _ in 0..<count {
            let frame = try reader.next(timing: &timing)
            #expect(frame != nil)
        }
    }

    // Guards the end of a reading that waits for bytes which may never come: it must not take as
    // long as the deadline of a stalled pipe, which is half a minute.
    @Test func aWaitingReaderIsEndedAtOnce() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-ahead-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pipe = "\(folder)/pipe"
        try #require(mkfifo(pipe, 0o600) == 0)
        let whole = [UInt8](
            try Data(contentsOf: URL(fileURLWithPath: "\(Self.root)/\(Self.samples[2])")))
        // Both ends, so that neither opening it waits.
        let end = open(pipe, O_RDWR | O_NONBLOCK)
        try #require(end >= 0)
        defer { close(end) }
        let some = whole.prefix(whole.count * 3 / 4)
        try #require(some.withUnsafeBytes { write(end, $0.baseAddress, $0.count) } == some.count)
        let video = try LocalVideo(.file(path: pipe), sampling: SamplingOptions())
        // Small, so that it is not the queue that makes it wait.
        video.begin(target: PixelSize(width: 56, height: 28))
        var timing = TimingRecord()
        let first = try video.next(timing: &timing)
        #expect(first != nil)
        Thread.sleep(forTimeInterval: 0.5)
        let start = ContinuousClock.now
        video.close()
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    // Guards the whole of reading: windows, names of pairs, visual tokens and events, where the model
    // is slower than the decoder and where it is faster, with pictures that are resized on the way
    // and without.
    @Test(arguments: samples, [(tokens: 16, isResized: true), (64, false)])
    func theSameWindows(path: String, size: (tokens: Int, isResized: Bool)) throws {
        let analyzer = try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: 2)
        var settings = Settings()
        settings.window = Rational(5)
        settings.pixels.minPixels = size.tokens * 28 * 28
        settings.pixels.maxPixels = size.tokens * 28 * 28
        try settings.validate()
        let options = AnalysisOptions(settings, model: analyzer.model.configuration)
        func watch(ahead: Bool, pause: Double) throws -> [String] {
            var timing = TimingRecord()
            var stream = try analyzer.open(
                .resolving("\(Self.root)/\(path)", settings: settings), windowed: true,
                prompts: ["What?"], decodesAhead: ahead, options: options, timing: &timing)
            #expect((stream.plan.transferSize != nil) == size.isResized)
            var seen: [String] = []
            while let visual = try stream.next(
                timing: &timing,
                onEvent: { event in
                    seen.append("\(event)")
                    if pause > 0 { Thread.sleep(forTimeInterval: pause) }
                })
            {
                seen.append("\(visual.window) \(visual.grid) \(visual.embeddings.hashValue)")
            }
            #expect(timing.decode > 0 && timing.preprocess > 0 && timing.vision > 0)
            let watched = stream.watched
            seen.append("\(watched.description) \(watched.report)")
            return seen
        }
        let direct = try watch(ahead: false, pause: 0)
        #expect(direct.count > 8)
        #expect(try watch(ahead: true, pause: 0) == direct)
        #expect(try watch(ahead: true, pause: 0.01) == direct)
    }
}

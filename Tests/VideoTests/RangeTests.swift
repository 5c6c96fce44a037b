import Foundation
import Imaging
import Testing
import Video

/// What a range, a bound or a wrong claim does to the frames and to what is said about them.
struct RangeTests {
    /// 300 pictures, 25 a second.
    static let sample = TestData.repository.appending(path: "Samples/shapes-and-cuts.mp4").path

    static func options(
        start: String? = nil, end: String? = nil, fps: String = "2"
    ) throws -> SamplingOptions {
        SamplingOptions(
            fps: try #require(Rational(text: fps)), start: start.flatMap(Rational.init(text:)),
            end: end.flatMap(Rational.init(text:)))
    }

    // Guards frames that are spread over a range too short for the rate: over the range, not over
    // what had been read; and the coverage, whose bounds are times of pictures.
    @Test(
        arguments: [
            ("1", "2", "1", [1, 1.25, 1.5, 1.75], [1, 2]),
            ("1", nil, "0.1", [1, 3.75, 6.5, 9.25], [1, 12]),
            (nil, "12", "0.1", [0, 3, 6, 9], [0, 12]),
            (nil, "99", "0.1", [0, 3, 6, 9], [0, 12]),
            ("11", "99", "1", [11, 11.25, 11.5, 11.75], [11, 12]),
            (nil, "3.2", "1", [0, 1, 2, 3], [0, 3.2]),
            ("5.5", "5.9", "1", [5.5, 5.6, 5.7, 5.8], [5.48, 5.92]),
            ("0.5", "0.9", "1", [0.5, 0.6, 0.7, 0.8], [0.48, 0.92]),
            ("2.02", "6.03", "1", [2.02, 3.02, 4.02, 5.02, 6.02], [2, 6.04]),
        ] as [(String?, String?, String, [Double], [Double])], [false, true])
    func `frames lie in the range`(
        row: (start: String?, end: String?, fps: String, instants: [Double], seen: [Double]),
        needsIndices: Bool
    ) throws {
        var options = try Self.options(start: row.start, end: row.end, fps: row.fps)
        options.needsIndices = needsIndices
        let reading = try Reading(Self.sample, options)
        #expect(reading.frames.map(\.instant) == row.instants)
        for frame in reading.frames {
            #expect(frame.time <= frame.instant && frame.instant < frame.time + 0.0401)
        }
        #expect(
            reading.report.coverage.seen == [TimeSpan(start: row.seen[0], end: row.seen[1])])
        #expect(reading.report.coverage.unseen.isEmpty)
        // The end of the range is not the end of the video.
        #expect(reading.description.duration == 12)
    }

    // Guards the coverage of the reference's rule, which reads the file to its end.
    @Test func `the reference's rule covers its range`() throws {
        let reading = try Reading(
            Self.sample,
            SamplingOptions(mode: .qwen, start: Rational(2), end: Rational(text: "4.5")))
        #expect(reading.report.coverage.seen == [TimeSpan(start: 2, end: 4.52)])
        #expect(reading.description.duration == 12)
    }

    // Guards damage outside the range, which is none of its business.
    @Test func `damage is clipped to the range`() throws {
        let whole = try Reading(TestData.fixture("damaged.mp4"), threads: 1)
        let hole = try #require(whole.report.coverage.unseen.first)
        let options = SamplingOptions(
            start: Rational(text: String(format: "%.3f", hole.end + 0.05)), needsIndices: true)
        let after = try Reading(TestData.fixture("damaged.mp4"), options, threads: 1)
        let seen = after.report.coverage.seen + after.report.coverage.unseen
        #expect(seen.allSatisfy { $0.start >= hole.end })
        #expect(!seen.isEmpty)
    }

    // Guards the number of frames that is promised: a count where a bound had the packets read.
    @Test(
        arguments: FixtureTests.indexed.map(\.file) + ["cut.mp4", "index_short.mp4"],
        [nil, "2.5"] as [String?])
    func `counted frames are exact`(file: String, end: String?) throws {
        var options = try Self.options(end: end, fps: "7")
        options.needsPictures = false
        for maximum in [6, 1000] {
            options.maxFrames = maximum
            var reader = try VideoReader.open(
                .file(path: TestData.fixture(file)), sampling: options)
            let expected = reader.expectedFrames
            let isExact = reader.expectedFramesIsExact
            var count = 0
            while let frame = try reader.next() {
                #expect(frame.image.size.area == 0)
                count += 1
            }
            #expect(count <= maximum)
            if file != "cut.mp4", file != "index_raw.h264" { #expect(isExact) }
            if isExact { #expect(expected == count) }
        }
    }

    // Guards a claim against being taken for a bound, and a measured length against the reverse.
    @Test func `claims are told from counts`() throws {
        func isExact(
            _ options: SamplingOptions, _ input: VideoInput = .file(path: Self.sample)
        ) throws -> Bool {
            try VideoReader.open(input, sampling: options).expectedFramesIsExact
        }
        #expect(try !isExact(SamplingOptions()))
        #expect(try !isExact(SamplingOptions(end: Rational(8))))
        #expect(try isExact(SamplingOptions(mode: .qwen)))
        #expect(try isExact(SamplingOptions(maxFrames: 500)))
        #expect(try isExact(SamplingOptions(maxFrames: 5)))
        #expect(try isExact(Self.options(fps: "0.1")))
        #expect(
            try isExact(SamplingOptions(), VideoInput.resolve(TestData.fixture("folder"))))
        // All of a truncated file, whose container still claims the whole.
        var reader = try VideoReader.open(.file(path: TestData.fixture("cut.mp4")))
        let before = reader.expectedFramesIsExact
        #expect(!before)
        var count = 0
        while try reader.next() != nil { count += 1 }
        let (after, expected) = (reader.expectedFramesIsExact, reader.expectedFrames)
        #expect(after)
        #expect(expected == count)
    }
}

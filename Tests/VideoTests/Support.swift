import Foundation
import OrderedJSON
import Testing
import Video

/// Where test data lies.
enum TestData {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    static let fixtures = repository.appending(path: "Tests/Fixtures/video")

    /// The media shared by developers; tests that need it are skipped without it.
    static let shared: URL = {
        if let path = ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"] {
            return URL(filePath: path)
        }
        return repository.deletingLastPathComponent().appending(path: "shared")
    }()

    static let hasShared = FileManager.default.fileExists(
        atPath: shared.appending(path: "assets/assets.json").path)

    static func fixture(_ name: String) -> String { fixtures.appending(path: name).path }
    static func asset(_ name: String) -> String { shared.appending(path: "assets/\(name)").path }

    static func json(_ url: URL) throws -> JSON {
        try JSON.parse(Array(Data(contentsOf: url)))
    }

    /// What a program prints.
    static func output(_ program: String, _ arguments: [String]) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return data
    }
}

/// Everything that reading an input gave, without the pictures.
struct Reading: Sendable {
    struct Taken: Sendable, Equatable {
        var index: Int
        var time: Double
        var instant: Double
        /// The number drawn into a picture of an index file; nil for other pictures.
        var drawn: Int?
        /// Of the pixels.
        var hash: Int
    }

    var frames: [Taken] = []
    var description: VideoDescription
    var report: DecodeReport
    var expected: Int?
    var size: [Int] = []

    var times: [Double] { frames.map(\.time) }
    /// Which pictures were shown when, apart from their numbers.
    var shown: [Taken] {
        frames.map {
            var frame = $0
            frame.index = 0
            return frame
        }
    }
    var codes: [String] { report.warnings.map(\.code) }

    init(
        _ path: String, _ sampling: SamplingOptions = SamplingOptions(),
        limits: DecodeLimits = .standard, threads: Int = 2
    ) throws {
        try self.init(
            VideoInput.resolve(path), sampling, limits: limits, threads: threads)
    }

    init(
        _ input: VideoInput, _ sampling: SamplingOptions = SamplingOptions(),
        limits: DecodeLimits = .standard, threads: Int = 2
    ) throws {
        var reader = try VideoReader.open(
            input, sampling: sampling, limits: limits, threads: threads)
        expected = reader.expectedFrames
        while let frame = try reader.next() {
            frames.append(
                Taken(
                    index: frame.index, time: frame.time, instant: frame.instant,
                    drawn: Self.number(in: frame), hash: frame.image.pixels.hashValue))
            if size.isEmpty { size = [frame.image.size.width, frame.image.size.height] }
        }
        description = reader.description
        report = reader.report
    }

    /// Index files: 12 blocks of 32 pixels, white for 1, and below them the complement.
    private static func number(in frame: SampledFrame) -> Int? {
        let size = frame.image.size
        guard size.width == 384, size.height == 216 else { return nil }
        func level(_ block: Int, _ row: Int) -> Int {
            Int(frame.image.pixels[3 * (row * size.width + block * 32 + 16)])
        }
        var number = 0
        for block in 0..<12 {
            let high = level(block, 16)
            let low = level(block, 48)
            guard (high - low).magnitude > 100 else { return nil }
            number = number * 2 + (high > low ? 1 : 0)
        }
        return number
    }
}

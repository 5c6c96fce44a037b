import Foundation
import Testing
import Video

/// Guards what people read: times as times, counts that agree, and no empty phrases.
struct WordingTests {
    @Test(arguments: [
        (VideoError.emptyRange(uri: "a", duration: 12), "the video lasts 12 s"),
        (.emptyRange(uri: "a", duration: 9.976633), "the video lasts 9.977 s"),
        (.emptyRange(uri: "a", duration: 59.9996), "the video lasts 1:00.000"),
        (.emptyRange(uri: "a", duration: 3723.4567), "the video lasts 1:02:03.457"),
        (.tooLong(uri: "a", limit: 172_800), "the limit of 48:00:00.000"),
        (
            .tooManyPixels(uri: "a", width: 9000, height: 9000, limit: 8192 * 8192),
            "9000×9000 exceed the limit of 67.1 megapixels"
        ),
        (.tooManyPixels(uri: "a", width: 9, height: 9, limit: 80), "the limit of 80 pixels"),
        (.pipeTooLarge(uri: "a", limit: 8 << 30), "larger than 8 GiB"),
        (.tooManyBytes(uri: "a", limit: 1_500_000), "the limit of 1.4 MiB"),
        (.tooManyBytes(uri: "a", limit: 1), "the limit of 1 byte"),
        (.stalled(uri: "a", seconds: 0.5), "no data for 0.5 s"),
        (
            .noVideoStream(uri: "a", container: "mov,mp4,m4a,3gp,3g2,mj2"),
            "no video in this MP4 or QuickTime file"
        ),
    ])
    func errors(error: VideoError, words: String) {
        #expect(error.description.hasPrefix("a: "))
        #expect(error.description.hasSuffix(words))
    }

    @Test func anEmptyFile() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "reelscribe-\(UUID().uuidString).mp4").path
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let error = #expect(throws: VideoError.self) {
            _ = try VideoReader.open(.file(path: path))
        }
        #expect(
            error?.description == "\(path): this is not a readable video: it is empty (0 bytes)")
        #expect(error?.code == "decode.no_video")
    }

    static func expectReadable(_ message: String) {
        #expect(message.firstMatch(of: /\b0 errors/) == nil, "\(message)")
        #expect(message.firstMatch(of: /\b1 [a-z]+s\b/) == nil, "\(message)")
        #expect(message.firstMatch(of: /[0-9]\.[0-9]{4}/) == nil, "\(message)")
        #expect(!message.contains("mov,mp4"))
    }

    @Test(arguments: ["cut.mp4", "damaged.mp4", "index_raw.h264"])
    func warnings(file: String) throws {
        let reading = try Reading(TestData.fixture(file))
        #expect(!reading.report.warnings.isEmpty)
        for warning in reading.report.warnings { Self.expectReadable(warning.message) }
    }

    @Test(
        .enabled(if: TestData.hasShared, "the shared assets are not here"),
        arguments: BrokenTests.all)
    func brokenFiles(input: BrokenTests.Observed) {
        do {
            let reading = try Reading(TestData.asset(input.file))
            for warning in reading.report.warnings { Self.expectReadable(warning.message) }
        } catch let error as VideoError {
            Self.expectReadable(error.description)
        } catch {
            Issue.record(error)
        }
    }
}

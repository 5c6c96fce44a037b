import Foundation
import Testing
import Video

/// Guards what people read: times as times, counts that agree, and no empty phrases.
struct WordingTests {
    @Test(arguments: [
        (
            VideoError.emptyRange(uri: "a", start: 99, end: nil, duration: 12),
            "there is no picture from 1:39.000 on; the video lasts 12 s"
        ),
        (
            .emptyRange(uri: "a", start: 12, end: 13.5, duration: 9.976633),
            "from 12 s to 13.5 s; the video lasts 9.977 s"
        ),
        (
            .emptyRange(uri: "a", start: nil, end: 0.5, duration: 59.9996),
            "before 0.5 s; the video lasts 1:00.000"
        ),
        (
            .emptyRange(uri: "a", start: nil, end: nil, duration: 3723.4567),
            "no picture at all; the video lasts 1:02:03.457"
        ),
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

    // What to do is another thing for each of them.
    @Test(arguments: [
        (VideoError.notAVideo(uri: "a", reason: "it is empty (0 bytes)"), "get the file again"),
        (
            .notAVideo(
                uri: "a",
                reason:
                    "its index is missing, as in a file that was cut off (FFmpeg: moov atom not found)"
            ), "let the recording or download end"
        ),
        (.notAVideo(uri: "a", reason: "its content is of no known format"), "check that it is"),
        (.noVideoStream(uri: "a", container: "wav"), "sound alone"),
        (.notFound(uri: "a"), "check the path"), (.notFound(uri: "~/a"), "write the whole path"),
        (.unsupportedURL(uri: "ftp://a"), "only http://"),
        (.unsupportedURL(uri: "FILE://host/a"), "file:///PATH"),
    ])
    func hints(error: VideoError, words: String) {
        #expect(error.hint?.contains(words) ?? false, "\(error.hint ?? "")")
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

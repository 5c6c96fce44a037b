import Foundation
import OrderedJSON
import Testing
import Video

/// Damaged and hostile files: an error that says what is wrong, or the frames that can be had.
@Suite(.enabled(if: TestData.hasShared, "the shared assets are not here"))
struct BrokenTests {
    struct Observed: Sendable, CustomTestStringConvertible {
        var file: String
        var frames: Int
        var testDescription: String { file }
    }

    static let all: [Observed] = {
        guard TestData.hasShared,
            let list = try? TestData.json(TestData.shared.appending(path: "assets/assets.json"))
        else { return [] }
        return (list["broken"]?.array ?? []).map {
            Observed(
                file: $0["path"]?.string ?? "",
                frames: $0["observed_ffmpeg_5_1"]?["frames_decoded"]?.int ?? 0)
        }
    }()

    @Test func `the table is there`() { #expect(Self.all.count > 50) }

    // Guards against crashes, hangs, lost frames, and errors without a code.
    @Test(arguments: all, [SamplingMode.pts, .qwen])
    func `an error or frames in bounded time`(input: Observed, mode: SamplingMode) throws {
        let clock = ContinuousClock()
        let start = clock.now
        do {
            let reading = try Reading(TestData.asset(input.file), SamplingOptions(mode: mode))
            #expect(input.frames > 0)
            #expect(!reading.frames.isEmpty)
            #expect(reading.times.allSatisfy { $0 >= 0 && $0.isFinite })
            #expect(reading.times == reading.times.sorted())
            #expect(reading.description.duration.isFinite)
            for spans in [reading.report.coverage.seen, reading.report.coverage.unseen] {
                #expect(spans.allSatisfy { $0.start <= $0.end && $0.start >= 0 })
                #expect(zip(spans, spans.dropFirst()).allSatisfy { $0.end < $1.start })
            }
        } catch let error as VideoError {
            #expect(input.frames == 0)
            #expect(error.exitCode == 65)
            #expect(!error.description.isEmpty)
        }
        #expect(clock.now - start < .seconds(10))
    }

    // Guards results against the order in which threads happen to finish.
    @Test(arguments: all.filter { $0.frames > 0 })
    func `damage looks the same with any threads`(input: Observed) throws {
        for needsIndices in [false, true] {
            let options = SamplingOptions(fps: Rational(30), needsIndices: needsIndices)
            let one = try Reading(TestData.asset(input.file), options, threads: 1)
            for threads in [2, 4, 7] {
                let many = try Reading(TestData.asset(input.file), options, threads: threads)
                #expect(one.report == many.report)
                #expect(one.shown == many.shown)
                if needsIndices { #expect(one.frames == many.frames) }
            }
        }
    }

    // Guards what is said of the commonest kinds of damage.
    @Test(arguments: [
        ("trunc_faststart_half.mp4", "video.truncated"),
        ("trunc_mid_cluster.mkv", "video.truncated"),
        ("corrupt_bitflips.mp4", "video.damaged"), ("corrupt_middle.ts", "video.damaged"),
        ("first_frames_zeroed.mp4", "video.damaged"), ("trunc_mid_packet.ts", "video.damaged"),
        ("invalid_nalu.mp4", "video.damaged"), ("no_timescale.mp4", "video.rotation_ignored"),
    ])
    func `damage is named and located`(file: String, warning: String) throws {
        let reading = try Reading(TestData.asset("broken/\(file)"))
        #expect(reading.codes.contains(warning))
        if warning != "video.rotation_ignored" {
            #expect(!reading.report.coverage.unseen.isEmpty)
        }
    }

    @Test(arguments: [
        ("encrypted_cenc.mp4", "decode.damaged"), ("encrypted_vp9.webm", "decode.damaged"),
        ("huge_65535.gif", "limit.pixels"), ("huge_16383_vp8.ivf", "limit.pixels"),
        ("unsupported_vvc.mp4", "decode.no_video"), ("playlist_renamed.mp4", "decode.no_video"),
        ("concat_script.mp4", "decode.no_video"), ("sdp_renamed.mp4", "decode.no_video"),
        ("text_renamed.mp4", "decode.no_video"), ("init_segment_only.mp4", "decode.damaged"),
    ])
    func `errors have the code of the contract`(file: String, code: String) {
        let error = #expect(throws: VideoError.self) {
            _ = try Reading(TestData.asset("broken/\(file)"))
        }
        #expect(error?.code == code)
        if file.hasPrefix("encrypted") { #expect(error?.description.contains("encrypted") == true) }
    }
}

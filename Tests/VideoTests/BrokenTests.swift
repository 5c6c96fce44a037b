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
                #expect(spans.allSatisfy { $0.start < $0.end && $0.start >= 0 })
                #expect(zip(spans, spans.dropFirst()).allSatisfy { $0.end < $1.start })
            }
            print("BROKEN \(input.file) \(mode) frames \(reading.report.framesDecoded)/\(input.frames) taken \(reading.frames.count) dur \(reading.description.duration) \(reading.codes) unseen \(reading.report.coverage.unseen.map { [$0.start, $0.end] }) seen \(reading.report.coverage.seen.map { [$0.start, $0.end] })")
        } catch let error as VideoError {
            print("BROKEN \(input.file) \(mode) \(error.code) \(error)")
            #expect(input.frames == 0)
            #expect(error.exitCode == 65)
            #expect(!error.description.isEmpty)
        }
        #expect(clock.now - start < .seconds(10))
    }
}

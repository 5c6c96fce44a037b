import Foundation
import OrderedJSON
import Testing
import Video

/// Every video of the shared assets against what an independent program found in it.
@Suite(.enabled(if: TestData.hasShared, "the shared assets are not here"))
struct AssetTests {
    struct Facts: Sendable, CustomTestStringConvertible {
        var file: String
        var entry: JSON
        /// Time stamps in display order, seconds.
        var times: [Double]
        var testDescription: String { file }
    }

    static let all: [Facts] = {
        guard TestData.hasShared,
            let list = try? TestData.json(TestData.shared.appending(path: "assets/assets.json")),
            let packed = try? TestData.output(
                "gzip", ["-dc", TestData.asset("frame_pts.json.gz")]),
            let stamps = try? JSON.parse(Array(packed))
        else { return [] }
        return (list["videos"]?.array ?? []).map { entry in
            let file = entry["path"]?.string?.split(separator: "/").last.map(String.init) ?? ""
            return Facts(
                file: file, entry: entry,
                times: (stamps[file]?.array ?? []).compactMap(\.double))
        }
    }()

    static let videos = all.filter { $0.entry["has_video"]?.bool == true }
    static let soundOnly = all.filter { $0.entry["has_video"]?.bool == false }

    // Guards against an empty table, with which every test here would pass.
    @Test func `the table is there`() {
        #expect(Self.videos.count > 60)
        #expect(Self.soundOnly.count == 3)
    }

    // Guards the rule of the contract: for each k/fps the frame that is shown then.
    @Test(arguments: videos)
    func `time stamps follow the rule`(facts: Facts) throws {
        let reading = try Reading(TestData.asset("videos/\(facts.file)"))
        #expect(reading.times == reading.times.sorted())
        Self.expectWhole(reading, facts)
        guard facts.times.count > 0 else {
            // Raw streams: frame i is at i / rate.
            let rate = try #require(reading.description.frameRate)
            for frame in reading.frames {
                #expect(abs(frame.time - Double(frame.index) / rate) < 1e-6)
            }
            return
        }
        let start = min(facts.entry["format_start_time"]?.double ?? .infinity, facts.times[0])
        #expect(abs(reading.description.startTime - start) < 1e-5)
        let shown = facts.times.map { $0 - start }
        let last = shown[shown.count - 1]
        // How long the last frame lasts is not in the table: what the container says of it, the
        // gap before it, or the usual gap.
        let gaps = zip(shown, shown.dropFirst()).map { $1 - $0 }.sorted()
        let lastGap = shown.count > 1 ? last - shown[shown.count - 2] : 0
        let streamEnd =
            (facts.entry["start_time"]?.double ?? 0)
            + (facts.entry["stream_duration"]?.double ?? 0) - start
        let usualGap = gaps.isEmpty ? 0 : gaps[gaps.count / 2]
        let ends = [last + lastGap, last + usualGap, streamEnd].filter { $0 > last }
        #expect(
            ends.contains { end in
                let expected = Self.times(shown, end: end, fps: 2, minimum: 4)
                return expected.count == reading.times.count
                    && zip(expected, reading.times).allSatisfy { abs($0 - $1) < 0.001 }
            }, "\(reading.times)")
    }

    /// Nothing of a sound file may be lost, or be reported as damaged.
    static func expectWhole(_ reading: Reading, _ facts: Facts) {
        #expect(reading.report.framesDecoded <= facts.entry["nb_frames"]?.int ?? 0)
        #expect(reading.report.coverage.unseen.isEmpty)
        #expect(reading.report.coverage.seen.count == 1)
        let harmless: Set = ["video.timestamps_synthesised", "video.size_changed"]
        #expect(Set(reading.codes).isSubset(of: harmless))
    }

    // Guards the count of pictures where all are decoded.
    @Test(arguments: videos)
    func `all pictures come out`(facts: Facts) throws {
        let reading = try Reading(
            TestData.asset("videos/\(facts.file)"),
            SamplingOptions(fps: Rational(1), needsIndices: true))
        #expect(reading.report.framesDecoded == facts.entry["nb_frames"]?.int)
    }

    // Guards the rule again at a rate above the video's, where frames repeat.
    @Test(
        arguments: videos.filter {
            $0.entry["pts_complete"]?.bool == true && (20..<400).contains($0.times.count)
                && ($0.entry["width"]?.int ?? 0) < 1000
        })
    func `a high rate repeats frames`(facts: Facts) throws {
        let reading = try Reading(
            TestData.asset("videos/\(facts.file)"), SamplingOptions(fps: Rational(70)))
        let start = min(facts.entry["format_start_time"]?.double ?? .infinity, facts.times[0])
        let shown = facts.times.map { $0 - start }
        let expected = Self.times(
            shown, end: .infinity, fps: 70, minimum: 1, count: reading.times.count)
        #expect(zip(expected, reading.times).allSatisfy { abs($0 - $1) < 0.001 })
        // The very last frame may be shown too briefly for an instant.
        #expect(abs((reading.times.last ?? 0) - (shown.last ?? 0)) < 0.05)
    }

    static func times(
        _ shown: [Double], end: Double, fps: Double, minimum: Int, count limit: Int = .max
    ) -> [Double] {
        func at(_ instant: Double) -> Double {
            // The table is rounded to microseconds.
            shown[max(0, shown.lastIndex { $0 <= instant + 2e-6 } ?? 0)]
        }
        var result: [Double] = []
        while result.count < limit {
            let instant = shown[0] + Double(result.count) / fps
            guard instant < end - 2e-6 else { break }
            result.append(at(instant))
        }
        guard result.count < minimum else { return result }
        return (0..<minimum).map {
            at(shown[0] + Double($0) * (end - shown[0]) / Double(minimum))
        }
    }

    // Guards orientation and the size before and after it.
    @Test(arguments: videos)
    func `pictures stand upright`(facts: Facts) throws {
        let reading = try Reading(
            TestData.asset("videos/\(facts.file)"), SamplingOptions(end: Rational(2)))
        let size = [facts.entry["upright_width"]?.int, facts.entry["upright_height"]?.int]
        #expect(reading.description.rotation == facts.entry["rotation"]?.int)
        #expect([reading.description.width, reading.description.height] == size)
        #expect(reading.size == size)
        #expect(reading.description.codec == facts.entry["codec"]?.string)
        #expect(reading.description.container == facts.entry["container"]?.string)
    }

    // Guards indices: the number drawn into each picture is its number.
    @Test(
        arguments: videos.map(\.file).filter { $0.hasPrefix("syn_index") },
        [SamplingMode.pts, .qwen])
    func `drawn numbers are indices`(file: String, mode: SamplingMode) throws {
        let reading = try Reading(
            TestData.asset("videos/\(file)"),
            SamplingOptions(mode: mode, fps: Rational(7), needsIndices: true))
        #expect(reading.frames.count > 30)
        for frame in reading.frames { #expect(frame.drawn == frame.index) }
    }

    // Guards the result's independence of threads.
    @Test(arguments: ["bottles_40s.mp4", "flower_vp8.webm", "portrait_hevc.ts"])
    func `threads change nothing`(file: String) throws {
        let path = TestData.asset("videos/\(file)")
        let one = try Reading(path, threads: 1)
        let four = try Reading(path, threads: 4)
        #expect(one.frames == four.frames)
        #expect(one.report == four.report)
    }

    static let ranges: [(String, String)] = [
        ("2", "4.5"), ("3.04", "3.9"), ("4.9", "5"), ("4.5", "100"),
    ]

    // Guards seeking: what follows a seek equals what decoding from the beginning gives.
    @Test(
        arguments: videos.filter {
            ($0.times.last ?? 0) - ($0.times.first ?? 0) > 4.9 && $0.times.count < 1500
        }.map(\.file))
    func `seeking changes nothing`(file: String) throws {
        let path = TestData.asset("videos/\(file)")
        for (start, end) in Self.ranges {
            var options = SamplingOptions(
                start: Rational(text: start), end: Rational(text: end))
            #expect(options.start != nil && options.end != nil)
            do {
                let sought = try Reading(path, options)
                options.needsIndices = true
                let whole = try Reading(path, options)
                #expect(sought.times == whole.times)
                #expect(sought.frames.map(\.hash) == whole.frames.map(\.hash))
                #expect(sought.description.duration == whole.description.duration)
                #expect(sought.description.startTime == whole.description.startTime)
            } catch VideoError.emptyRange {
                #expect(throws: VideoError.self) {
                    options.needsIndices = true
                    _ = try Reading(path, options)
                }
            }
        }
    }

    @Test(arguments: soundOnly)
    func `sound alone is no video`(facts: Facts) {
        let error = #expect(throws: VideoError.self) {
            _ = try Reading(TestData.asset("videos/\(facts.file)"))
        }
        #expect(error?.code == "decode.no_video")
        #expect(error?.exitCode == 65)
    }
}

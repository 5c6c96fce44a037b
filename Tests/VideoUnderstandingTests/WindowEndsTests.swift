import Testing
import VideoUnderstanding

/// Where windows end. A video is two sampled frames a second here, shown when they were asked for.
@Suite struct WindowEndsTests {
    struct Segment: Equatable {
        var start: Double
        var end: Double
        var frames: Int
        /// The last frame, and those that were left out.
        var last: Double
        var leftOut = 0
    }

    /// Runs the decisions as frames come in, one at a time.
    ///
    /// - Parameter cuts: where shots begin that part the video.
    static func segments(
        end: Double, cuts: [Double] = [], limit: WindowLimit, least: Double, fps: Double = 2,
        time: (Int) -> Double? = { _ in nil }
    ) -> [Segment] {
        let ends = WindowEnds(limit: limit, least: least)
        var frames: [WindowEnds.Candidate] = []
        var untold = cuts
        var number = 0
        while true {
            let instant = Double(number) / fps
            guard instant < end else { break }
            let shown = time(number) ?? instant
            var cut: Double?
            while let next = untold.first, next <= shown {
                cut = next
                untold.removeFirst()
            }
            frames.append(.init(time: shown, instant: instant, cut: number == 0 ? nil : cut))
            number += 1
        }
        var result: [Segment] = []
        var seen = 1
        var place = 0
        var start = frames[0].time
        var mostHeld = 0
        while place < frames.count {
            let first = frames[place]
            var window = WindowEnds.Window(
                start: start, instant: first.instant, lastTime: first.time, frames: 1)
            var segment = Segment(start: start, end: end, frames: 1, last: first.time)
            place += 1
            filling: while place < frames.count {
                seen = max(seen, place + 1)
                let decision = ends.decide(
                    window, frames[place..<seen], end: seen == frames.count ? end : nil)
                switch decision {
                case .wait:
                    seen += 1
                    mostHeld = max(mostHeld, seen - place)
                    guard seen <= frames.count else {
                        Issue.record("waits for frames beyond the end")
                        return []
                    }
                case .take:
                    window.frames += 1
                    window.lastTime = frames[place].time
                    segment.frames += 1
                    segment.last = window.lastTime
                    place += 1
                case .leaveOut:
                    segment.leftOut += 1
                    place += 1
                case .end(let next):
                    segment.end = next.time
                    start = next.time
                    break filling
                }
            }
            result.append(segment)
        }
        #expect(Double(mostHeld) <= 2 * (least + 1) * fps + 3)
        return result
    }

    // Guards slivers before a cut and before the end, and windows that are long enough as they are.
    @Test(
        arguments: [
            ([3.04], 9.0, 3, 2, [0, 3.04, 6.5]), ([3.04], 12, 3, 1, [0, 2, 3.04, 6.5, 9.5]),
            ([30.04], 40, 30, 2, [0, 28, 30.04]), ([32], 40, 30, 2, [0, 30, 32]),
            ([31.9], 40, 30, 2, [0, 29.5, 31.9]), ([], 61, 30, 2, [0, 30, 59]),
            ([], 62, 30, 2, [0, 30, 60]), ([], 60, 30, 2, [0, 30]),
            ([], 60.5, 30, 2, [0, 30, 58.5]),
            ([30], 40, 30, 2, [0, 30]), ([29.5], 40, 30, 2, [0, 29.5]),
            // Nothing is too short.
            ([3.04], 9, 3, 0, [0, 3, 3.04, 6.5]),
            // The least length cannot be had on both sides: the window grows up to the cut.
            ([3.04], 7, 3, 2.5, [0, 3.04]), ([4, 8], 12, 3, 4, [0, 4, 8]),
            ([], 12, 3, 100, [0, 3, 6, 9]),
        ] as [([Double], Double, Double, Double, [Double])])
    func starts(cuts: [Double], end: Double, window: Double, least: Double, expected: [Double]) {
        let limit = WindowLimit(seconds: window, frames: Int(2 * window))
        let segments = Self.segments(end: end, cuts: cuts, limit: limit, least: least)
        #expect(segments.map(\.start) == expected)
        #expect(segments.allSatisfy { $0.frames <= limit.frames })
    }

    // Guards the frames of a window that has grown: no more than the model has room for.
    @Test func aGrownWindowHoldsNoMoreFrames() {
        let segments = Self.segments(
            end: 4, limit: WindowLimit(seconds: 3, frames: 6), least: 2.5)
        #expect(segments == [Segment(start: 0, end: 4, frames: 6, last: 2.5, leftOut: 2)])
    }

    // Guards pictures that are held: a window cannot end inside one.
    @Test func heldPictures() {
        let segments = Self.segments(
            end: 200, limit: WindowLimit(seconds: 30, frames: 60), least: 2,
            time: { Double($0 / 100 * 50) })
        #expect(segments.map(\.start) == [0, 50, 100, 150])
        #expect(segments.map(\.frames) == [60, 60, 60, 60])
        #expect(segments.map(\.leftOut) == [40, 40, 40, 40])
    }

    // Guards inputs that are one window, which nothing may hold up or cut short.
    @Test func oneWindow() {
        let ends = WindowEnds(limit: WindowLimit(seconds: nil, frames: 8), least: 2)
        #expect(!ends.looksAhead)
        let window = WindowEnds.Window(start: 0, instant: 0, lastTime: 0, frames: 1)
        #expect(ends.decide(window, [.init(time: 1, instant: 1)], end: nil) == .take)
    }

    // Guards all bounds at once: lengths, frames, times of frames, nothing lost.
    @Test(arguments: 0..<300)
    func anyVideo(seed: UInt64) {
        var state = seed &* 2_862_933_555_777_941_757 &+ 3_037_000_493
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let least = Double(random(5)) / 2
        let window = 2 * least + 1 + Double(random(20)) / 2
        let end = least + Double(1 + random(4000)) / 40
        var cuts: [Double] = []
        var shots = ShotJoining(least: least)
        shots.begin(at: 0)
        for _ in 0..<random(12) { cuts.append(Double(random(Int(end * 25))) / 25) }
        // No two in one sampled frame, which shows the last only.
        cuts = cuts.sorted().filter { $0 > 0 && shots.parts(at: $0, end: end) }
        cuts = Dictionary(grouping: cuts) { ($0 * 2).rounded(.up) }.compactMap(\.value.last)
            .sorted()
        cuts.removeAll { $0 > (end * 2).rounded(.up) / 2 - 0.5 }
        let limit = WindowLimit(seconds: window, frames: 2 * Int(window.rounded(.up)))
        let segments = Self.segments(end: end, cuts: cuts, limit: limit, least: least)
        #expect(segments.first?.start == 0)
        #expect(segments.last?.end == end)
        for (segment, next) in zip(segments, segments.dropFirst()) {
            #expect(segment.end == next.start)
            #expect(segment.last < segment.end)
        }
        #expect(Set(cuts).isSubset(of: Set(segments.map(\.start))))
        for segment in segments {
            #expect(segment.frames <= limit.frames)
            #expect(segment.leftOut == 0)
            if segments.count > 1 { #expect(segment.end - segment.start >= least - 1e-6) }
            // A frame may be shown until half a second after its instant.
            #expect(segment.end - segment.start < window + 0.5)
            if !cuts.contains(segment.start) {
                #expect(segment.start == (segment.start * 2).rounded() / 2)
            }
        }
        // Pictures that are shown for uneven times.
        var times = [0.0]
        while let last = times.last, last < end {
            times.append(last + [0.04, 0.5, 1, 3, 12][random(5)])
        }
        let uneven = Self.segments(
            end: end, limit: limit, least: least,
            time: { number in times.last { $0 <= Double(number) / 2 } })
        for segment in uneven {
            #expect(segment.frames <= limit.frames)
            #expect(times.contains(segment.start))
            if uneven.count > 1 { #expect(segment.end - segment.start >= least - 1e-6) }
        }
    }
}

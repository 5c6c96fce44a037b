import OrderedJSON
import Testing
import Video

struct ReferenceSamplingTests {
    // Guards the spec's own examples; the shared vectors below hold many more.
    @Test(arguments: [
        (300, 30.0, 20), (100, 25, 8), (250, 29.97, 16), (27, 30, 4), (75, 25, 6), (10, 30, 4),
        (3, 30, 2), (2000, 25, 160), (1, 30, nil), (19, 2, 18), (7, 2, 6), (5, 2, 4),
        (100_000, 25, 768),
    ])
    func `frame counts`(total: Int, rate: Double, count: Int?) {
        #expect(ReferenceSampling.frameCount(total: total, videoRate: rate) == count)
    }

    // Guards half to even and the one rounding of product and sum.
    @Test(arguments: [
        (4, 0, 26, [0, 9, 17, 26]), (8, 0, 299, [0, 43, 85, 128, 171, 214, 256, 299]),
        (5, 0, 10, [0, 2, 5, 8, 10]), (2, 0, 1, [0, 1]), (2, 7, 9, [7, 9]),
    ])
    func `frame indices`(count: Int, first: Int, last: Int, indices: [Int]) {
        #expect(ReferenceSampling.indices(count: count, first: first, last: last) == indices)
    }

    // Guards ranges that hold fewer than two frames, and clamping.
    @Test(
        arguments: [
            (100, 10.0, nil, nil, 0...99), (100, 10, 2.05, 3.0, 21...30), (100, 10, 0, 99, 0...99),
            (100, 10, 9.9, 99, nil), (100, 10, 5, 5, nil), (0, 10, nil, nil, nil),
        ] as [(Int, Double, Double?, Double?, ClosedRange<Int>?)])
    func `ranges`(
        total: Int, rate: Double, start: Double?, end: Double?, expected: ClosedRange<Int>?
    ) {
        #expect(
            ReferenceSampling.range(total: total, videoRate: rate, start: start, end: end)
                == expected)
    }

    // Guards every vector that the reference implementation gave.
    @Test(.enabled(if: TestData.hasShared, "the shared vectors are not here"))
    func `shared vectors`() throws {
        let vectors = try TestData.json(
            TestData.shared.appending(path: "reference/sampling.json"))
        let counts = try #require(vectors["smart_nframes"]?.array)
        #expect(counts.count == 220)
        for row in counts {
            let count = ReferenceSampling.frameCount(
                total: try #require(row["total"]?.int),
                videoRate: try #require(row["video_fps"]?.double),
                rate: row["fps"]?.double ?? 2, minFrames: row["min_frames"]?.int ?? 4,
                maxFrames: row["max_frames"]?.int, exactCount: row["nframes"]?.int)
            #expect(count == row["result"]?.int, "\(row)")
        }
        let indices = try #require(vectors["frame_indices"]?.array)
        #expect(indices.count == 125)
        for row in indices {
            let taken = ReferenceSampling.indices(
                count: try #require(row["n"]?.int), first: try #require(row["first"]?.int),
                last: try #require(row["last"]?.int))
            #expect(taken == row["result"]?.array?.compactMap(\.int))
        }
        let ranges = try #require(vectors["frame_range"]?.array)
        #expect(ranges.count == 40)
        for row in ranges {
            let range = ReferenceSampling.range(
                total: try #require(row["total"]?.int),
                videoRate: try #require(row["video_fps"]?.double),
                start: row["video_start"]?.double, end: row["video_end"]?.double)
            #expect(range?.lowerBound == row["result"]?["first"]?.int)
            #expect(range?.upperBound == row["result"]?["last"]?.int)
        }
    }
}

struct TimeTests {
    @Test(arguments: [
        ("25", 25, 1), ("29.97", 2997, 100), ("30000/1001", 30000, 1001), ("0.5", 1, 2),
        ("-1.5", -3, 2), (".25", 1, 4), ("50/2", 25, 1),
    ])
    func `rates are read exactly`(text: String, numerator: Int64, denominator: Int64) {
        let value = Rational(text: text)
        #expect(value?.numerator == numerator)
        #expect(value?.denominator == denominator)
    }

    @Test(arguments: [
        "", ".", "-", "1/0", "a", "1e3", "1.2345678", "1/2/3", "99999999999", "1.5/2", " 1",
    ])
    func `other text is no rate`(text: String) {
        #expect(Rational(text: text) == nil)
    }

    @Test(arguments: [
        ("12.5", 12.5), ("02:03", 123), ("1:02:03.456", 3723.456), ("0:00.001", 0.001),
    ])
    func `time codes`(text: String, seconds: Double) {
        #expect(Rational(timecode: text)?.value == seconds)
    }

    @Test(arguments: ["1:60", "1:2:3:4", "1:-2", ":5", "1:", "1:61:00", "x"])
    func `other text is no time code`(text: String) {
        #expect(Rational(timecode: text) == nil)
    }

    // Guards exact ties: 30000/1001 a second in ticks of 1/30000 meets k/2 only rarely.
    @Test func `comparison is exact`() throws {
        let base = try #require(Rational(1001, 30000))
        let half = try #require(Rational(1, 2))
        let a = MediaTime(ticks: 15_000_000, timeBase: base)
        let b = MediaTime(ticks: 1_001_000, timeBase: half)
        #expect(a == b)
        #expect(a.hashValue == b.hashValue)
        #expect(a < b + MediaTime(ticks: 1, timeBase: base))
        // Doubles cannot tell these apart.
        let large = MediaTime(ticks: 1 << 40, timeBase: base)
        let tiny = MediaTime(ticks: 1, timeBase: try #require(Rational(1, 1_000_000_007)))
        #expect(large < large + tiny)
        #expect(large + tiny - tiny == large)
    }

    @Test(arguments: [(0, 1, 0), (1, 1, 2), (3, 2, 3), (149, 100, 3), (151, 100, 4)])
    func `instants before an end`(ticks: Int64, scale: Int64, count: Int) throws {
        let end = MediaTime(seconds: try #require(Rational(ticks, scale)))
        #expect(InstantSequence.count(from: .zero, to: end, fps: Rational(2)) == count)
    }

    // Guards time stamps that are missing, repeated, or run backwards.
    @Test func `the clock never goes back`() throws {
        let base = try #require(Rational(1, 10))
        var clock = FrameClock(
            timeBase: base, containerStart: nil, period: MediaTime(ticks: 1, timeBase: base),
            maximumDuration: 100)
        let stamps: [(Int64?, Double)] = [
            (50, 0), (51, 0.1), (nil, 0.2), (49, 0.2), (53, 0.3), (53, 0.3), (nil, 0.4), (nil, 0.5),
        ]
        for (ticks, seconds) in stamps {
            guard case .at(let time) = clock.time(ofTicks: ticks, duration: 1) else {
                Issue.record("too late")
                return
            }
            #expect(abs(time.seconds - seconds) < 1e-12)
        }
        #expect(clock.synthesised == 3)
        #expect(clock.disordered == 1)
        #expect(clock.time(ofTicks: 5000, duration: 1) == .tooLate)
        #expect(clock.start == MediaTime(ticks: 5, timeBase: Rational(1)))
    }

    // Guards hostile time stamps, whose products would overflow.
    @Test(arguments: [Int64.max, .min, .max - 1, 1 << 62])
    func `absurd time stamps are as good as none`(ticks: Int64) {
        var clock = FrameClock(
            timeBase: Rational(.max), containerStart: nil, period: MediaTime(seconds: Rational(1)),
            maximumDuration: 100)
        #expect(clock.time(ofTicks: ticks, duration: ticks) == .at(.zero))
        #expect(clock.synthesised == 1)
    }

    @Test func `spans merge and leave gaps`() {
        func time(_ second: Int32) -> MediaTime { MediaTime(seconds: Rational(second)) }
        var spans = SpanList()
        for (start, end) in [(5, 6), (1, 2), (8, 9), (6, 7), (2, 2), (9, 3)] as [(Int32, Int32)] {
            spans.insert(from: time(start), to: time(end))
        }
        #expect(
            spans.spans.map { [$0.lowerBound.seconds, $0.upperBound.seconds] }
                == [[1, 2], [5, 7], [8, 9]])
        spans.insert(from: time(0), to: time(8))
        #expect(spans.spans.count == 1)
        var holes = SpanList()
        holes.insert(from: time(1), to: time(2))
        holes.insert(from: time(4), to: time(9))
        #expect(
            holes.gaps(in: time(0)..<time(6)).seconds
                == [TimeSpan(start: 0, end: 1), TimeSpan(start: 2, end: 4)])
    }

    // Guards the late report of errors, and packets that never give a picture in sound files.
    @Test func `losses are found`() {
        var sound = LossTracker()
        for pts in [0, 3, 1, 2] as [Int64] { sound.sent(pts: pts) }
        #expect(sound.received(pts: 0) == [])
        #expect(sound.received(pts: 1) == [])
        #expect(sound.received(pts: 3) == [])
        #expect(sound.finished() == [])

        var damaged = LossTracker()
        for pts in [0, 1, 2, 3, 4] as [Int64] { damaged.sent(pts: pts) }
        #expect(damaged.received(pts: 0) == [])
        #expect(damaged.received(pts: 2) == [])
        damaged.failed()
        #expect(damaged.received(pts: 3) == [LossTracker.Loss(pts: 1, next: 2)])
        damaged.failed()
        #expect(damaged.finished() == [LossTracker.Loss(pts: 4, next: nil)])

        var middle = LossTracker()
        middle.sent(pts: 7)
        middle.sent(pts: 9)
        #expect(middle.received(pts: 9) == [LossTracker.Loss(pts: 7, next: 9)])
    }
}

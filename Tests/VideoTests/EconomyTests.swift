import Foundation
import Testing
import Video

/// Pictures that nobody needs are not decoded, and nothing else changes by that.
struct EconomyTests {
    static let sample = TestData.repository.appending(path: "Samples/shapes-and-cuts.mp4").path
    static let clips =
        [sample]
        + (FixtureTests.indexed.map(\.file) + ["index_short.mp4", "cut.mp4", "damaged.mp4"])
        .map { TestData.fixture($0) }

    /// What both ways of reading must agree on. Numbers count decoded pictures, and differ.
    static func expectSame(_ path: String, _ options: SamplingOptions) throws -> (Int, Int) {
        var all = options
        all.needsIndices = true
        let (some, every) = (try Reading(path, options), try Reading(path, all))
        #expect(some.shown == every.shown)
        #expect(some.description == every.description)
        // Damage that no frame depends on need not be found; what was found is told in full.
        if !some.report.warnings.isEmpty || every.report.warnings.isEmpty {
            #expect(some.report.coverage == every.report.coverage)
            #expect(some.report.warnings == every.report.warnings)
        }
        return (some.report.framesDecoded, every.report.framesDecoded)
    }

    // Guards the frame shown at each instant, whatever the rate.
    @Test(arguments: clips, ["0.3", "2", "7", "24", "100"])
    func `the same frames`(path: String, fps: String) throws {
        let (some, every) = try Self.expectSame(path, try RangeTests.options(fps: fps))
        #expect(some <= every)
    }

    // Guards the bounds of a range, which documents state: times of the pictures at its ends.
    @Test(
        arguments: [
            (nil, "0.9"), (nil, "3.2"), (nil, "5.98"), ("0.3", "0.9"), ("0.5", "2.5"),
            ("0.9", "2.04"),
            ("0.2", nil),
        ] as [(String?, String?)])
    func `the same range`(start: String?, end: String?) throws {
        for path in Self.clips.prefix(4) {
            let options = try RangeTests.options(start: start, end: end)
            _ = try Self.expectSame(path, options)
        }
    }

    // Guards that pictures are passed over at all, without which the tests above prove nothing,
    // and the readings that need every picture.
    @Test func `pictures are passed over`() throws {
        func decoded(_ options: SamplingOptions) throws -> Int {
            try Reading(Self.sample, options).report.framesDecoded
        }
        #expect(try decoded(SamplingOptions()) < 240)
        #expect(try decoded(SamplingOptions(fps: Rational(25))) == 300)
        #expect(try decoded(SamplingOptions(detectsCuts: true)) == 300)
        #expect(try decoded(SamplingOptions(needsIndices: true)) == 300)
        #expect(try decoded(SamplingOptions(mode: .qwen)) == 300)
    }

    // Guards the result's independence of threads.
    @Test(arguments: clips)
    func `threads change nothing`(path: String) throws {
        let one = try Reading(path, threads: 1)
        for threads in [2, 3, 5, 16, 40] {
            let more = try Reading(path, threads: threads)
            #expect(more.shown == one.shown)
            #expect(more.report == one.report)
        }
    }

    // Guards clips too short for the rate: their instants are spread over the length that was
    // measured, also where packets or the container tell another.
    @Test(arguments: ["index_short.mp4", "cut.mp4", "damaged.mp4", "index_open_gop.mp4"])
    func `short clips are spread over what there is`(file: String) throws {
        let reading = try Reading(TestData.fixture(file), SamplingOptions(minFrames: 40))
        let length = reading.description.duration - (reading.times.first ?? 0)
        #expect(reading.frames.count == 40)
        for (place, frame) in reading.frames.enumerated() {
            #expect(
                abs(frame.instant - reading.frames[0].instant - Double(place) * length / 40) < 1e-6)
        }
    }

    // Guards against reading a short clip twice.
    @Test func `a short clip is read once`() throws {
        func steps(_ options: SamplingOptions) throws -> Int {
            let activity = ReadingActivity()
            var reader = try VideoReader.open(
                .file(path: TestData.fixture("index_short.mp4")), sampling: options,
                activity: activity)
            while try reader.next() != nil {}
            return activity.count
        }
        let once = try steps(SamplingOptions(minFrames: 1))
        #expect(try steps(SamplingOptions(minFrames: 4)) <= once + 2)
    }
}

@Suite(.enabled(if: TestData.hasShared, "the shared assets are not here"))
struct EconomyAssetTests {
    // Guards real streams: reordering, edit lists, late starts, fields, open groups.
    @Test(arguments: AssetTests.videos.map(\.file))
    func `the same frames`(file: String) throws {
        _ = try EconomyTests.expectSame(TestData.asset("videos/\(file)"), SamplingOptions())
    }

    @Test(arguments: [
        ("earth_30s.mov", 0.6), ("people_one_by_one_139s.mp4", 0.55), ("portrait_hevc.ts", 0.75),
        ("bikes.mp4", 0.75), ("syn_prores422_10bit.mov", 0.8), ("syn_mjpeg.avi", 0.8),
        ("syn_opengop_h264.mp4", 0.75),
    ])
    func `pictures are passed over`(file: String, part: Double) throws {
        let (some, every) = try EconomyTests.expectSame(
            TestData.asset("videos/\(file)"), SamplingOptions())
        #expect(Double(some) < part * Double(every))
    }

    // Guards frames_decoded and all else that documents say against the number of threads.
    @Test(
        arguments: AssetTests.videos.filter { ($0.entry["width"]?.int ?? 0) < 1000 }.map(\.file))
    func `threads change nothing`(file: String) throws {
        let options = SamplingOptions(end: Rational(7), needsPictures: false)
        let one = try Reading(TestData.asset("videos/\(file)"), options, threads: 1)
        for threads in [3, 16] {
            let more = try Reading(TestData.asset("videos/\(file)"), options, threads: threads)
            #expect(more.shown == one.shown)
            #expect(more.report == one.report)
        }
    }

    @Test(
        arguments: AssetTests.videos.filter { ($0.entry["width"]?.int ?? 0) < 1000 }.map(\.file))
    func `the same range`(file: String) throws {
        let options = try RangeTests.options(start: "0.11", end: "0.97")
        do {
            _ = try EconomyTests.expectSame(TestData.asset("videos/\(file)"), options)
        } catch VideoError.emptyRange {}
    }

    // Guards damaged streams: what is passed over must not hide or add anything.
    @Test(arguments: BrokenTests.all.filter { $0.frames > 0 })
    func `damage changes nothing`(input: BrokenTests.Observed) throws {
        _ = try EconomyTests.expectSame(
            TestData.asset(input.file), try RangeTests.options(fps: "7"))
    }
}

/// The plan behind it: which packets' pictures are wanted.
struct WantedTimesTests {
    static func seconds(_ ticks: Int) -> MediaTime {
        MediaTime(ticks: Int64(ticks), timeBase: Rational(1, 1000) ?? Rational(1))
    }

    // Guards half-open intervals and instants before the first picture.
    @Test(arguments: [
        (0, 1), (1, 500), (400, 500), (400, 501), (500, 501), (501, 1000), (-100, 0), (-100, 1),
        (1999, 2001), (2001, 2600), (1_000_000_000, 1_000_000_400),
        (1_000_000_001, 1_000_000_499),
    ])
    func instants(from: Int, to: Int) {
        let endless = InstantSequence(origin: .zero, fps: Rational(2))
        let five = InstantSequence(origin: .zero, end: Self.seconds(2400), count: 5)
        let span = Self.seconds(from)..<Self.seconds(to)
        #expect(endless.hasInstant(in: span) == (max(0, (from + 499) / 500 * 500) < to))
        // At 0, 480, 960, 1440 and 1920.
        let places = [0, 480, 960, 1440, 1920]
        #expect(five.hasInstant(in: span) == places.contains { $0 >= from && $0 < to })
    }

    // Guards the pictures around the end of a range.
    @Test func theEndOfTheRange() {
        let wanted = WantedTimes(
            instants: InstantSequence(origin: .zero, fps: Rational(1)), until: Self.seconds(700))
        func includes(_ times: [Int]) -> Bool {
            wanted.includes(
                Self.seconds(times[1])..<Self.seconds(times[2]),
                surroundings: Self.seconds(times[0])..<Self.seconds(times[3]))
        }
        #expect(!includes([400, 500, 600, 700]))
        #expect(includes([400, 500, 600, 701]))
        #expect(includes([600, 650, 690, 710]))
        #expect(includes([650, 705, 720, 730]))
        #expect(!includes([710, 720, 730, 740]))
    }

    // Guards equal and unknown time stamps, and those that are known too early.
    @Test func neighbours() {
        var times = PacketTimes()
        for pts: Int64 in [0, 40, 20, 10, 30, 30, 80] { times.add(pts) }
        #expect(times.neighbours(of: 10) == .init(before: 0, next: 20, second: 30))
        #expect(times.neighbours(of: 20) == .init(before: 10, next: 30, second: 30))
        #expect(times.neighbours(of: 30) == nil)
        #expect(times.neighbours(of: 40) == nil)
        #expect(times.neighbours(of: 80) == nil)
        #expect(times.neighbours(of: 15) == nil)
        #expect(times.neighbours(of: 0) == .init(before: nil, next: 10, second: 20))
    }

    // Guards against memory that grows with the video.
    @Test func oldTimesAreForgotten() {
        var times = PacketTimes()
        for pts in 0..<1000 as Range<Int64> {
            times.add(pts)
            times.pass(pts)
        }
        #expect(times.neighbours(of: 900) == nil)
        #expect(times.neighbours(of: 990) == .init(before: 989, next: 991, second: 992))
    }

    // Guards the rule on any order and spacing: what is shown at an instant is never unwanted,
    // however little is known of what comes.
    @Test(arguments: 0..<200)
    func shownPicturesAreWanted(seed: UInt64) {
        var state = seed &* 6_364_136_223_846_793_005 &+ 1
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var shown: [Int64] = []
        var time: Int64 = 0
        for _ in 0..<120 {
            shown.append(time)
            time += Int64([1, 17, 40, 40, 40, 700][random(6)])
        }
        // Decoded in groups, each in any order.
        var decoded: [Int64] = []
        var place = 0
        while place < shown.count {
            let size = min(1 + random(6), shown.count - place)
            decoded += shown[place..<place + size].sorted { _, _ in random(2) == 0 }
            place += size
        }
        let sequence = InstantSequence(origin: .zero, fps: Rational(Int32(1 + random(9))))
        let wanted = WantedTimes(instants: sequence, until: nil)
        let ahead = random(9)
        var times = PacketTimes()
        var known = 0
        var unwanted: Set<Int64> = []
        for (number, pts) in decoded.enumerated() {
            while known < min(decoded.count, number + 1 + ahead) {
                times.add(decoded[known])
                known += 1
            }
            defer { times.pass(pts) }
            guard let around = times.neighbours(of: pts) else { continue }
            let span = Self.seconds(Int(pts))..<Self.seconds(Int(around.next))
            if !wanted.includes(span, surroundings: span) { unwanted.insert(pts) }
        }
        if ahead > 4 { #expect(!unwanted.isEmpty) }
        var instant = 0
        while sequence[instant] < Self.seconds(Int(time)) {
            let last = shown.last { Self.seconds(Int($0)) <= sequence[instant] }
            #expect(last.map { !unwanted.contains($0) } ?? false)
            instant += 1
        }
        // The last two tell where the video ends.
        #expect(unwanted.isDisjoint(with: shown.suffix(2)))
    }
}

import Foundation
import Testing
import Video

/// The detector against clips whose cuts are known, since they were drawn: through encoder, decoder
/// and reader.
@Suite struct RenderedCutTests {
    static func found(in clip: RenderedCase) throws -> [Double] {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "cuts-\(UUID().uuidString).mp4").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try clip.write(to: path)
        return try shotStarts(.file(path: path), SamplingOptions(fps: Rational(1000)))
    }

    static func shotStarts(_ input: VideoInput, _ sampling: SamplingOptions) throws -> [Double] {
        var sampling = sampling
        sampling.needsPictures = false
        sampling.detectsCuts = true
        var reader = try VideoReader.open(input, sampling: sampling, threads: 2)
        var starts: [Double] = []
        while let frame = try reader.next() {
            guard let start = frame.shotStart else { continue }
            #expect(start <= frame.time)
            starts.append(start)
        }
        return starts
    }

    // Guards what a cut is, and that its time is that of the first picture of the new shot. Every
    // clip that misleads the detector today would fail here by its name.
    @Test(arguments: RenderedCase.all)
    func cutsAreFoundWhereTheyAre(_ clip: RenderedCase) throws {
        #expect(try Self.found(in: clip) == clip.truth)
    }

    // Guards the whole against a change that trades one kind of clip for another: the figures of
    // the documentation.
    @Test func precisionAndRecall() throws {
        var (hits, found, truth) = (0, 0, 0)
        for clip in RenderedCase.all {
            let times = try Self.found(in: clip)
            hits += Set(times).intersection(clip.truth).count
            found += times.count
            truth += clip.truth.count
        }
        let (precision, recall) = (Double(hits) / Double(found), Double(hits) / Double(truth))
        print(
            "cuts in \(RenderedCase.all.count) rendered clips: precision", precision, "recall",
            recall)
        #expect(truth > 40)
        #expect(precision >= 0.95)
        #expect(recall >= 0.95)
    }

    // Guards the repository's own clips, whose cuts their maker wrote down.
    @Test(arguments: [
        ("shapes-and-cuts.mp4", [4.0, 8]), ("countdown-portrait.mov", [5.005]),
        ("street-crossing.mkv", [18]),
    ])
    func samples(file: String, cuts: [Double]) throws {
        let path = TestData.repository.appending(path: "Samples/\(file)").path
        let found = try Self.shotStarts(.file(path: path), SamplingOptions(fps: Rational(30)))
        #expect(found.map { ($0 * 1000).rounded() / 1000 } == cuts)
    }

    // Guards frames that lie far apart: the last of the shots between them is told, and no frame
    // before it belongs to it.
    @Test func sparseFrames() throws {
        let path = TestData.repository.appending(path: "Samples/shapes-and-cuts.mp4").path
        let input = VideoInput.file(path: path)
        #expect(
            try Self.shotStarts(
                input, SamplingOptions(fps: Rational(1, 6) ?? Rational(1), minFrames: 1))
                == [4])
        #expect(
            try Self.shotStarts(
                input, SamplingOptions(fps: Rational(1, 9) ?? Rational(1), minFrames: 1))
                == [8])
        // The reference's indices, which are known before anything is read.
        #expect(try Self.shotStarts(input, SamplingOptions(mode: .qwen)) == [4, 8])
        // A clip that is read twice, as it has too few instants.
        #expect(
            try Self.shotStarts(
                input, SamplingOptions(fps: Rational(1, 9) ?? Rational(1), minFrames: 6))
                == [4, 8])
        // Behind a seek.
        #expect(try Self.shotStarts(input, SamplingOptions(start: Rational(5))) == [8])
    }

    // Guards that looking for cuts changes nothing else, damaged files included.
    @Test(arguments: [
        "index_open_gop.mp4", "index_uneven.mp4", "index_vp9.mkv", "damaged.mp4", "folder",
    ])
    func readingIsTheSame(file: String) throws {
        let plain = try Reading(TestData.fixture(file), SamplingOptions(needsIndices: true))
        let looking = try Reading(TestData.fixture(file), SamplingOptions(detectsCuts: true))
        #expect(looking.frames == plain.frames)
        #expect(looking.description == plain.description)
        #expect(looking.report == plain.report)
    }

    // Guards against false cuts in real footage. Every cut listed was looked at; where none is listed
    // FFmpeg's scene filter finds none either. The detector's bounds were chosen with these clips
    // and the rendered ones in view, so that they show what it does, not how it does elsewhere.
    @Test(
        .enabled(if: TestData.hasShared, "the shared assets are not here"),
        arguments: [
            ("bikes.mp4", [1.2, 3.04, 5.48, 7.48, 9.68]), ("nasa_13013.mp4", [8.008]),
            ("bbb_1080p_60fps.mp4", [0.35]), ("portrait_hevc.ts", [3.246]),
            (
                "chrome_cartoon_30s.mp4",
                [7.441, 9.343, 10.544, 13.146, 16.149, 21.188]
            ),
            ("roadtrip_vp9_10bit.webm", [1.752, 2.878]), ("chaplin.mp4", []),
            ("gopro_walk.mp4", []), ("frog_toy.mp4", []), ("fades_mpeg4.mp4", []),
            ("publicdomain_sample.mp4", []), ("flower.mp4", []), ("people.gif", []),
            ("screen_vp8_in_mp4.mp4", []), ("space_needle_msmpeg4.avi", []),
            ("cockatoo_yuv444.mp4", []), ("h265_10bits.mp4", []), ("bottles_40s.mp4", []),
        ])
    func realFootage(file: String, cuts: [Double]) throws {
        let found = try Self.shotStarts(
            .file(path: TestData.asset("videos/\(file)")), SamplingOptions(fps: Rational(60)))
        #expect(found.map { ($0 * 1000).rounded() / 1000 } == cuts)
    }

    // Guards the cost: as much processor time as reading takes without it, whatever else runs here.
    @Test func lookingForCutsIsCheap() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "cuts-\(UUID().uuidString).mp4").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try RenderedClip.write(
            to: path, size: .init(width: 1920, height: 1080), framesPerSecond: 30, seconds: 3)
        func seconds(_ detectsCuts: Bool) throws -> Double {
            let start = clock()
            var reader = try VideoReader.open(
                .file(path: path),
                sampling: SamplingOptions(
                    needsIndices: true, needsPictures: false, detectsCuts: detectsCuts))
            while try reader.next() != nil {}
            return Double(clock() - start) / 1e6
        }
        /// Of this thread, on which all decoding is done.
        func clock() -> Int {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
        }
        var best = [Double.infinity, .infinity]
        for _ in 0..<5 {
            best[0] = min(best[0], try seconds(false))
            best[1] = min(best[1], try seconds(true))
        }
        print("decoding 90 frames of 1080p:", best[0], "s, with cuts:", best[1], "s")
        #expect(best[1] < 1.08 * best[0])
    }
}

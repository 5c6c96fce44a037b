import Foundation
import Imaging
import Isolation
import Testing
import Video

/// Guards that a video reads the same through a process of its own: a document must not tell.
@Suite(.enabled(if: Place.hasTool, "the program is not built"))
struct RemoteReadingTests {
    static let inputs =
        Place.samples + ["\(Place.root)/Samples/README.md", "\(Place.root)/no-such-file"]

    @Test(arguments: inputs, SamplingMode.allCases)
    func theSameFrames(path: String, mode: SamplingMode) {
        let sampling = SamplingOptions(mode: mode, detectsCuts: true)
        let local = Reading(local: path, sampling)
        #expect(Reading(remote: path, sampling, workers()) == local)
        #expect(local.frames.count > 3 || local.error != nil)
    }

    @Test func theSameOfAFolderOfPictures() throws {
        let folder = "\(Place.root)/Tests/Fixtures/golden/cases/odd-padded/frames"
        let local = Reading(local: folder, SamplingOptions())
        #expect(local.error == nil)
        #expect(Reading(remote: folder, SamplingOptions(), workers()) == local)
    }

    /// Whether a file is a picture is found out behind the border too.
    @Test func aPictureIsOne() throws {
        let picture = "\(Place.root)/Tests/Fixtures/golden/cases/image-and-video/still.png"
        try #require(FileManager.default.fileExists(atPath: picture))
        let video = try workers().open(try VideoInput.locate(picture))
        #expect(video.isStillImage)
        #expect(try video.next() != nil)
        #expect(Reading(local: picture, .init()) == Reading(remote: picture, .init(), workers()))
    }

    @Test func withoutPictures() {
        let sampling = SamplingOptions(needsPictures: false)
        let local = Reading(local: Place.samples[0], sampling)
        #expect(Reading(remote: Place.samples[0], sampling, workers()) == local)
        #expect(local.frames.first?.image.size.area == 0)
    }

    /// Pictures that were resized on the other side give the same patch rows as those that were
    /// not; else the model would see something else.
    @Test(arguments: Place.samples)
    func resizedThereIsResizedHere(path: String) throws {
        let target = PixelSize(width: 308, height: 196)
        let video = try workers().open(try VideoInput.locate(path))
        try video.begin(target: target)
        var reader = try VideoReader.open(try VideoInput.resolve(path))
        let size = PixelSize(width: reader.description.width, height: reader.description.height)
        let rows = PairPreprocessor(
            source: size, target: target,
            patch: PatchGeometry(patchSize: 14, temporalPatchSize: 2, mergeSize: 2, channels: 3),
            mean: [0.48, 0.46, 0.41], std: [0.27, 0.26, 0.28])
        var count = 0
        while let here = try reader.next() {
            let there = try #require(try video.next())
            #expect(there.image.size == target)
            #expect(there.time == here.time)
            #expect(rows.rows(there.image, there.image) == rows.rows(here.image, here.image))
            count += 1
        }
        #expect(count > 3)
        #expect(try video.next() == nil)
        #expect(try video.next() == nil)
    }

    /// All the media there are, whole and broken, with their errors and warnings.
    @Test(
        .enabled(if: !Place.media("broken").isEmpty, "the shared media are not there"),
        arguments: Place.media("videos") + Place.media("broken"))
    func theSameOfRealMedia(path: String) {
        let sampling = SamplingOptions(end: Rational(8))
        let here = Reading(local: path, sampling)
        let there = Reading(remote: path, sampling, Self.common)
        #expect(there.error == here.error)
        #expect(there.report == here.report)
        #expect(there == here)
    }

    private static let common = workers()

    @Test func manyAtOnce() async throws {
        let workers = workers()
        let expected = Reading(local: Place.samples[0], .init())
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { Reading(remote: Place.samples[0], .init(), workers) == expected }
            }
            for await isEqual in group { #expect(isEqual) }
        }
    }

    /// The input of this process is not another's: a stage's jobs come from there.
    @Test func standardInputStaysHere() {
        #expect(throws: VideoError.self) { try workers().open(.standardInput) }
    }
}

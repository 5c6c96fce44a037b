import Foundation
import Imaging
import OrderedJSON
import Testing
import Video

/// The whole of reading, on clips that this repository renders itself.
struct FixtureTests {
    static let indexed: [(file: String, frames: Int)] = [
        ("index_open_gop.mp4", 150), ("index_uneven.mp4", 120), ("index_offset.ts", 100),
        ("index_vp9.mkv", 120), ("index_raw.h264", 75),
    ]

    // Guards order, indices and the count: each picture carries its number.
    @Test(arguments: indexed)
    func `drawn numbers are indices`(file: String, frames: Int) throws {
        for mode in SamplingMode.allCases {
            let reading = try Reading(
                TestData.fixture(file),
                SamplingOptions(mode: mode, fps: Rational(9), needsIndices: true))
            #expect(reading.frames.count > 18)
            for frame in reading.frames { #expect(frame.drawn == frame.index) }
            #expect(reading.report.framesDecoded == frames)
            #expect(reading.report.coverage.unseen.isEmpty)
        }
    }

    // Guards uneven frame times: index and time follow from how the clip was made.
    @Test func `uneven times`() throws {
        let reading = try Reading(
            TestData.fixture("index_uneven.mp4"),
            SamplingOptions(fps: Rational(5), needsIndices: true))
        for frame in reading.frames {
            let made =
                frame.index < 40
                ? Double(frame.index) / 30
                : frame.index < 60
                    ? 40.0 / 30 + Double(frame.index - 40) / 10
                    : 40.0 / 30 + 2 + Double(frame.index - 60) / 60
            #expect(abs(frame.time - made) < 0.002)
            #expect(frame.time <= frame.instant + 1e-9)
        }
        #expect(reading.frames.map(\.instant) == (0..<reading.frames.count).map { Double($0) / 5 })
    }

    // Guards the start that is subtracted.
    @Test func `a late start is subtracted`() throws {
        let reading = try Reading(TestData.fixture("index_offset.ts"))
        #expect(reading.description.startTime > 20)
        #expect(reading.times == [0, 0.48, 1, 1.48, 2, 2.48, 3, 3.48])
        #expect(abs(reading.description.duration - 4) < 1e-9)
    }

    // Guards the spread of instants over a clip that is too short for the rate.
    @Test(arguments: [(4, [0, 2, 5, 7]), (1, [0]), (10, Array(0..<10)), (5, [0, 2, 4, 6, 8])])
    func `a short clip is spread`(minimum: Int, indices: [Int]) throws {
        let reading = try Reading(
            TestData.fixture("index_short.mp4"),
            SamplingOptions(minFrames: minimum, needsIndices: true))
        #expect(reading.frames.map(\.index) == indices)
        #expect(reading.frames.map(\.drawn) == indices)
        if minimum > 1 { #expect(reading.expected == minimum) }
    }

    // Guards the bound from above: as many instants as allowed, evenly over the whole.
    @Test func `a maximum spreads over the whole`() throws {
        let reading = try Reading(
            TestData.fixture("index_open_gop.mp4"),
            SamplingOptions(maxFrames: 6, needsIndices: true))
        #expect(reading.frames.map(\.index) == [0, 25, 50, 75, 100, 125])
        #expect(reading.frames.map(\.drawn) == [0, 25, 50, 75, 100, 125])
        #expect(reading.description.duration == 6)
        let loose = try Reading(
            TestData.fixture("index_open_gop.mp4"), SamplingOptions(maxFrames: 12))
        #expect(loose.times == (0..<12).map { (Double($0) * 12.5).rounded(.down) / 25 })
    }

    // Guards seeking, open groups included: the same pictures as from the beginning.
    @Test(arguments: indexed.map(\.file), ["1.3", "2", "2.48", "3.5"])
    func `seeking changes nothing`(file: String, start: String) throws {
        guard file != "index_raw.h264" || start < "3" else { return }
        var options = SamplingOptions(fps: Rational(10), start: Rational(text: start))
        let sought = try Reading(TestData.fixture(file), options)
        options.needsIndices = true
        let whole = try Reading(TestData.fixture(file), options)
        #expect(sought.frames.map(\.hash) == whole.frames.map(\.hash))
        #expect(sought.times == whole.times)
        #expect(whole.frames.map(\.index) == whole.frames.map(\.drawn))
        #expect(sought.frames.map(\.drawn) == whole.frames.map(\.drawn))
    }

    // Guards that seeking happens at all; without it the test above proves nothing.
    @Test func `seeking saves decoding`() throws {
        let options = SamplingOptions(start: Rational(5))
        let sought = try Reading(TestData.fixture("index_open_gop.mp4"), options)
        #expect(sought.report.framesDecoded < 80)
        #expect(sought.report.coverage.seen == [TimeSpan(start: 5, end: 6)])
    }

    @Test func `a range outside is refused`() {
        for options in [
            SamplingOptions(start: Rational(7)),
            SamplingOptions(start: Rational(2), end: Rational(1)),
            SamplingOptions(fps: Rational(0)), SamplingOptions(minFrames: 0),
        ] {
            let error = #expect(throws: VideoError.self) {
                _ = try Reading(TestData.fixture("index_open_gop.mp4"), options)
            }
            // A range that another video may have is a code of its own.
            #expect(
                error?.code == (options.start == Rational(7) ? "job.empty_range" : "job.invalid"))
            #expect(error?.exitCode == 64)
        }
    }

    // Guards orientation: the colour of each corner, by the turn.
    @Test(arguments: [
        (0, ["red", "lime", "blue", "yellow"]), (90, ["lime", "yellow", "red", "blue"]),
        (180, ["yellow", "blue", "lime", "red"]), (270, ["blue", "red", "yellow", "lime"]),
    ])
    func `corners stand upright`(turn: Int, names: [String]) throws {
        var reader = try VideoReader.open(
            .file(path: TestData.fixture("corners_rot\(turn).mp4")))
        let frame = try #require(try reader.next())
        let size = frame.image.size
        #expect((size.width > size.height) == (turn % 180 == 0))
        #expect(reader.description.rotation == [0: 0, 90: 90, 180: -180, 270: -90][turn])
        let places = [
            (8, 8), (size.width - 8, 8), (8, size.height - 8), (size.width - 8, size.height - 8),
        ]
        #expect(places.map { Self.name(of: frame.image, $0.0, $0.1) } == names)
    }

    static func name(of image: RGBImage, _ x: Int, _ y: Int) -> String {
        let place = 3 * (y * image.size.width + x)
        return switch image.pixels[place..<place + 3].map({ $0 > 127 }) {
        case [true, false, false]: "red"
        case [false, true, false]: "lime"
        case [false, false, true]: "blue"
        case [true, true, false]: "yellow"
        default: "another colour"
        }
    }

    // Guards all eight turns against each other: every one is a permutation of the pixels, and
    // the four corners land where the matrix sends them.
    @Test(arguments: [
        ([1, 0, 0, 1], 0, [0, 1, 2, 3, 4, 5]), ([-1, 0, 0, 1], -180, [2, 1, 0, 5, 4, 3]),
        ([1, 0, 0, -1], 0, [3, 4, 5, 0, 1, 2]), ([-1, 0, 0, -1], -180, [5, 4, 3, 2, 1, 0]),
        ([0, 1, -1, 0], -90, [3, 0, 4, 1, 5, 2]), ([0, -1, 1, 0], 90, [2, 5, 1, 4, 0, 3]),
        ([0, 1, 1, 0], -90, [0, 3, 1, 4, 2, 5]), ([0, -1, -1, 0], 90, [5, 2, 4, 1, 3, 0]),
    ])
    func `display matrices`(signs: [Int32], rotation: Int, order: [UInt8]) throws {
        let unit: Int32 = 1 << 16
        let matrix = [
            signs[0] * unit, signs[1] * unit, 0, signs[2] * unit, signs[3] * unit, 0, 0, 0, 1 << 30,
        ]
        let turn = try #require(Orientation(matrix: matrix))
        #expect(turn.rotation == rotation)
        let stored: [UInt8] = (0..<6).flatMap { [UInt8($0), 0, 0] }
        let upright = turn.upright(stored, width: 3, height: 2)
        #expect(stride(from: 0, to: 18, by: 3).map { upright[$0] } == order)
    }

    @Test(
        arguments: [
            [0, 0, 0, 0, 0, 0, 0, 0, 0], [46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30],
            [1 << 16, 0, 0, 0, 0, 0, 0, 0, 1 << 30], [1, 2, 3],
        ] as [[Int32]])
    func `other matrices are refused`(matrix: [Int32]) {
        #expect(Orientation(matrix: matrix) == nil)
    }

    // Guards natural order, hidden and foreign files, and one damaged picture.
    @Test func `a folder is a video`() throws {
        let input = try VideoInput.resolve(
            TestData.fixture("folder"), inputFPS: try #require(Rational(text: "4")))
        let reading = try Reading(input, SamplingOptions(fps: Rational(4)))
        #expect(reading.frames.map(\.drawn) == [0, 1, 2, 3, 3, 5, 6, 7, 8, 9, 10, 11])
        #expect(reading.times == [0, 0.25, 0.5, 0.75, 0.75, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75])
        #expect(reading.description.duration == 3)
        #expect(reading.codes == ["video.damaged"])
        #expect(reading.report.coverage.unseen == [TimeSpan(start: 1, end: 1.25)])
        let pattern = try VideoInput.resolve(TestData.fixture("folder/f1*.png"))
        #expect(try Reading(pattern).frames.map(\.drawn) == [0, 9, 10, 11])
    }

    // Guards addresses of files, which other programs write: the path without percent signs, and
    // nothing of another machine.
    @Test(
        arguments: [
            ("file:///a/b.mp4", "/a/b.mp4"), ("FILE://localhost/a", "/a"),
            ("file:///a%20b%C3%BC%25", "/a b\u{FC}%"), ("file:///a+b?c#d", "/a+b?c#d"),
            ("file://host/a", nil), ("file://", nil), ("file:/a", nil), ("file://a", nil),
            ("file:///a%", nil), ("file:///a%2", nil), ("file:///a%zz", nil),
            ("file:///a%+1", nil), ("file:///a%00b", nil), ("file:///a%FF", nil), ("/a", nil),
        ] as [(String, String?)])
    func `addresses of files`(address: String, path: String?) {
        #expect(VideoInput.path(ofFileURL: address) == path)
    }

    @Test func `a file by its address keeps its name`() throws {
        let address = "file://" + TestData.fixture("folder").replacing("folder", with: "fol%64er")
        for (name, isStill) in [("", false), ("/f1.png", true)] {
            let input = try VideoInput.resolve(address + name)
            #expect(input.uri == address + name)
            #expect(input.isStillImage == isStill)
            #expect(try Reading(input).frames.count > 0)
        }
        for missing in [address + "/none.mp4", address + "/f1*.png"] {
            #expect(throws: VideoError.notFound(uri: missing)) {
                try VideoInput.resolve(missing)
            }
        }
        #expect(throws: VideoError.unsupportedURL(uri: "file://host/a")) {
            try VideoInput.resolve("file://host/a")
        }
    }

    // Guards pixels: those of an independent reader, to the bit; alpha on white.
    @Test(arguments: ["corners.png", "rgba.png", "gray.png", "palette.png"])
    func `pictures pass through unchanged`(file: String) throws {
        let input = try VideoInput.resolve(TestData.fixture(file))
        #expect(input.isStillImage)
        var reader = try VideoReader.open(input)
        let frame = try #require(try reader.next())
        #expect(try reader.next() == nil)
        #expect(reader.description.duration == 0)
        // The command line of FFmpeg as the oracle; it is not needed otherwise.
        guard
            let raw = try? TestData.output(
                "ffmpeg",
                [
                    "-v", "error", "-i", TestData.fixture(file), "-f", "rawvideo", "-pix_fmt",
                    "rgba", "-",
                ]),
            !raw.isEmpty
        else { return }
        var expected: [UInt8] = []
        for pixel in 0..<raw.count / 4 {
            let alpha = Double(raw[4 * pixel + 3])
            for channel in 0..<3 {
                let value = Double(raw[4 * pixel + channel])
                expected.append(UInt8(((value * alpha + 255 * (255 - alpha)) / 255).rounded()))
            }
        }
        #expect(frame.image.pixels == expected)
    }

    // Guards the PNG writer and the reader against each other, odd sizes included.
    @Test(arguments: [(1, 1), (3, 2), (65, 33)])
    func `PNG files come back unchanged`(width: Int, height: Int) throws {
        let pixels = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 * 37) }
        let image = RGBImage(size: PixelSize(width: width, height: height), pixels: pixels)
        let path = FileManager.default.temporaryDirectory
            .appending(path: "reelscribe-\(UUID().uuidString).png").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(
            FileManager.default.createFile(atPath: path, contents: Data(try PNG.encode(image))))
        var reader = try VideoReader.open(try VideoInput.resolve(path))
        #expect(try reader.next()?.image == image)
    }

    @Test func `a contact sheet shows frames and times`() throws {
        var sheet = ContactSheet(columns: 3, thumbnailWidth: 160)
        var reader = try VideoReader.open(.file(path: TestData.fixture("corners_rot0.mp4")))
        while let frame = try reader.next() { sheet.append(frame) }
        let image = sheet.image()
        #expect(image.size.width > 3 * 160)
        #expect(image.size.height > 2 * 80)
        #expect(Self.name(of: image, 20, 20) == "red")
        #expect(image.pixels.contains(240))
        #expect(ContactSheet.timecode(0) == "0:00.000")
        #expect(ContactSheet.timecode(3723.4567) == "1:02:03.457")
        #expect(ContactSheet().image().size.area == 1)
    }

    // Guards the digest against an independent program.
    @Test func `digests`() throws {
        let path = TestData.fixture("index_short.mp4")
        let printed = String(decoding: try TestData.output("sha256sum", [path]), as: UTF8.self)
        #expect(
            try sha256(of: .file(path: path))
                == printed.split(separator: " ").first.map(String.init))
        #expect(try sha256(of: .standardInput) == nil)
        let folder = try #require(try sha256(of: VideoInput.resolve(TestData.fixture("folder"))))
        #expect(folder.count == 64)
    }

    // Guards a folder of videos, of which the few pictures beside them are no summary.
    @Test func `videos are no frames of one video`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "reelscribe-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(
            atPath: folder + "/not.mp4", withIntermediateDirectories: true)
        func put(_ fixture: String, _ name: String) throws {
            try FileManager.default.copyItem(
                atPath: TestData.fixture(fixture), toPath: "\(folder)/\(name)")
        }
        try put("rgba.png", "1.png")
        try put("gray.png", "2.png")
        for input in [folder, folder + "/*"] {
            guard case .imageFolder(let paths, _, _) = try VideoInput.resolve(input) else {
                Issue.record("\(input) is a folder of images")
                return
            }
            #expect(paths.count == 2)
        }
        try put("index_short.mp4", "b.MP4")
        for input in [folder, folder + "/*"] {
            #expect(
                throws: VideoError.holdsVideos(uri: input, first: "\(folder)/b.MP4")
            ) { try VideoInput.resolve(input) }
        }
        try put("index_short.mp4", "a.mkv")
        #expect(throws: VideoError.holdsVideos(uri: folder + "/[ab].*", first: folder + "/a.mkv")) {
            try VideoInput.resolve(folder + "/[ab].*")
        }
        // One is what a pattern means, and so are the pictures alone.
        #expect(try VideoInput.resolve(folder + "/a*") == .file(path: folder + "/a.mkv"))
        #expect(try VideoInput.resolve(folder + "/*.png").uri == folder + "/*.png")
    }

    // Guards names with a dash, spaces and percent signs, which are only names.
    @Test(arguments: ["-x.mp4", "a b%20c?d.mp4", "ü:é.mp4", "%d.mp4", "pipe:0", "[1].mp4"])
    func `odd names`(name: String) throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "reelscribe-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path + "/" + name
        try FileManager.default.copyItem(atPath: TestData.fixture("index_short.mp4"), toPath: path)
        #expect(try Reading(path).frames.map(\.drawn) == [0, 2, 5, 7])
    }

    @Test(arguments: [
        ("/no/such/file.mp4", "input.not_found", 66),
        ("rtsp://127.0.0.1/x", "input.unsupported_url", 66),
        ("ftp://127.0.0.1/x", "input.unsupported_url", 66),
        ("/no/such/*.png", "input.not_found", 66),
    ])
    func `inputs that are not there`(argument: String, code: String, exit: Int32) {
        let error = #expect(throws: VideoError.self) { _ = try VideoInput.resolve(argument) }
        #expect(error?.code == code)
        #expect(error?.exitCode == exit)
    }
}

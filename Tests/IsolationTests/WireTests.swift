import Imaging
import Isolation
import Testing
import Video

/// Guards the border to a process that may be in the hands of whoever made a file: what it says is
/// taken whole or not at all, and never trusted with a size.
@Suite struct WireTests {
    static let errors: [VideoError] = [
        .notFound(uri: "a"), .cannotOpen(uri: "a", reason: "b"), .unsupportedURL(uri: "a"),
        .unreachable(uri: "a", reason: "b"), .noPictures(uri: "a"),
        .holdsVideos(uri: "a", first: "b"),
        .notAVideo(uri: "ä\n", reason: ""), .namesOtherInputs(uri: "a", format: "hls"),
        .noVideoStream(uri: "a", container: "mp4"), .noDecoder(uri: "a", codec: "x"),
        .nothingDecodable(uri: "a", reason: "b", encrypted: true),
        .stalled(uri: "a", seconds: 1.5),
        .tooManyPixels(uri: "a", width: 1, height: 2, limit: 3), .tooLong(uri: "a", limit: 2),
        .tooManyStreams(uri: "a", count: 9, limit: 3), .pipeTooLarge(uri: "a", limit: 4),
        .tooManyBytes(uri: "a", limit: 5), .hostNotAllowed(uri: "a", host: "b"),
        .decoderCrashed(uri: "a", reason: "b"), .decoderTooSlow(uri: "a", seconds: 3),
        .decoderOutOfMemory(uri: "a", limit: 7),
        .emptyRange(uri: "a", start: 2, end: nil, duration: 1),
        .invalidSampling(reason: "a"), .cannotEncode(reason: "a"),
        .systemFailure(operation: "a", reason: "b"), .decoderLost(uri: "a", reason: "b"),
    ]

    @Test(arguments: errors)
    func errorsComeBack(error: VideoError) throws {
        #expect(try VideoError(wireBytes: error.wireBytes[...]) == error)
    }

    static let inputs: [VideoInput] = [
        .file(path: "a b"), .url("http://x/y"), .standardInput, .image(path: ""),
        .imageFolder(["1", "2"], framesPerSecond: Rational(5), uri: "f*"),
        .fetched(path: "p", uri: "s3://u", isImage: true),
    ]

    @Test(arguments: inputs)
    func inputsComeBack(input: VideoInput) throws {
        #expect(try VideoInput(wireBytes: input.wireBytes[...]) == input)
    }

    @Test func optionsComeBack() throws {
        var sampling = SamplingOptions(
            mode: .qwen, fps: Rational(30), minFrames: 7, maxFrames: 9, start: Rational(1),
            end: Rational(4), needsIndices: true, needsPictures: false, detectsCuts: true)
        #expect(try SamplingOptions(wireBytes: sampling.wireBytes[...]) == sampling)
        sampling = SamplingOptions()
        #expect(try SamplingOptions(wireBytes: sampling.wireBytes[...]) == sampling)
        let limits = DecodeLimits(
            maximumPixels: 1, maximumDuration: 2, maximumBytes: 3, maximumStreams: 4, probeBytes: 5,
            analyzeBytes: 6, analyzeSeconds: 7, stallSeconds: 8, undecodablePackets: 9,
            foreignPackets: 10, pipeBytes: 11)
        #expect(try DecodeLimits(wireBytes: limits.wireBytes[...]) == limits)
    }

    /// Every proper beginning is too short, and one byte more is too long: nothing is read past the
    /// end or left over in silence.
    @Test(arguments: errors)
    func onlyTheWholeIsTaken(error: VideoError) {
        let bytes = error.wireBytes
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) { try VideoError(wireBytes: bytes[..<count]) }
        }
        #expect(throws: WireError.leftover(bytes: 1)) {
            try VideoError(wireBytes: (bytes + [0])[...])
        }
    }

    private func frame(width: Int, height: Int, pixels: Int) -> [UInt8] {
        var writer = WireWriter()
        writer.put(3)
        writer.put(1.5)
        writer.put(1.5)
        writer.put(Double?(0.5))
        writer.put(width)
        writer.put(height)
        writer.append([UInt8](repeating: 7, count: pixels))
        return writer.bytes
    }

    @Test func aFrameComesBack() throws {
        let frame = try SampledFrame(wireBytes: frame(width: 2, height: 3, pixels: 18)[...])
        #expect(frame.image.size == PixelSize(width: 2, height: 3))
        #expect(frame.image.pixels == [UInt8](repeating: 7, count: 18))
        #expect(try SampledFrame(wireBytes: frame.wireBytes[...]) == frame)
    }

    /// A size that does not go with the bytes would read beyond them, or overflow.
    @Test(arguments: [
        (2, 3, 17), (2, 3, 19), (-2, -3, 18), (0, 3, 1), (1 << 40, 1 << 40, 0), (.max, 3, 0),
        (1 << 21, 0, 0), (0, 3, 0), (4, 0, 0),
    ])
    func sizesMustFit(width: Int, height: Int, pixels: Int) {
        let bytes = frame(width: width, height: height, pixels: pixels)
        #expect(throws: WireError.self) { try SampledFrame(wireBytes: bytes[...]) }
    }

    /// A frame without a picture, or of another size, where one was asked for would trap in the
    /// resampler.
    @Test(arguments: [
        (true, nil, 0, false), (true, 2, 0, false), (true, 2, 3, false), (true, 2, 2, true),
        (true, nil, 3, true), (false, nil, 0, true), (false, 2, 0, true), (false, 2, 3, false),
    ])
    func picturesAreWhatWasAskedFor(isNeeded: Bool, asked: Int?, came: Int, isAllowed: Bool) {
        let expected = ExpectedPicture(
            isNeeded: isNeeded, size: asked.map { PixelSize(width: $0, height: $0) })
        #expect(expected.allows(PixelSize(width: came, height: came)) == isAllowed)
    }

    /// Counts of frames are added and rounded up later; none may come near an overflow.
    @Test(arguments: [(7, 7), (.max, 1 << 40), (-1, nil), (.min, nil)])
    func countsAreBounded(claim: Int, taken: Int?) throws {
        var writer = WireWriter()
        for text in ["a", "mp4", "h264"] { writer.put(text) }
        for number in [2.0, 0] { writer.put(number) }
        for number in [4, 4, 0] { writer.put(number) }
        writer.put(Double?(25))
        writer.put(0)
        writer.put([TimeSpan]())
        writer.put([TimeSpan]())
        writer.put([VideoWarning]())
        writer.put(Double?.none)
        writer.put(Int?(claim))
        writer.put(true)
        writer.put(false)
        if let taken {
            #expect(try ReaderState(wireBytes: writer.bytes[...]).expectedFrames == taken)
        } else {
            #expect(throws: WireError.invalid("number of frames")) {
                try ReaderState(wireBytes: writer.bytes[...])
            }
        }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func numbersMustBeFinite(value: Double) {
        #expect(throws: WireError.self) { try Double(wireBytes: value.wireBytes[...]) }
    }

    /// A list that claims a million members must not take their memory before they are there.
    @Test func claimsReserveNothing() {
        var writer = WireWriter()
        writer.put(1 << 20)
        #expect(throws: WireError.truncated) {
            var reader = WireReader(writer.bytes[...])
            let _: [String] = try reader.array()
        }
        writer = WireWriter()
        writer.put((1 << 20) + 1)
        #expect(throws: WireError.invalid("list length 1048577")) {
            var reader = WireReader(writer.bytes[...])
            let _: [Int] = try reader.array()
        }
    }

    /// Codes of warnings go into documents whose schema knows only letters and dots.
    @Test(arguments: ["", "Video.x", "video x", "video.\"", "vidéo"])
    func warningCodesArePlain(code: String) {
        let bytes = VideoWarning(code: code, message: "m").wireBytes
        #expect(throws: WireError.self) { try VideoWarning(wireBytes: bytes[...]) }
    }

    /// Random damage ends in a value or an error, never in a trap.
    @Test func damageIsSurvived() {
        var random = SystemRandomNumberGenerator()
        let frame = frame(width: 4, height: 4, pixels: 48)
        for _ in 0..<5000 {
            var bytes =
                Bool.random() ? Self.errors[Int.random(in: Self.errors.indices)].wireBytes : frame
            for _ in 0..<Int.random(in: 1...4) {
                bytes[Int.random(in: bytes.indices)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? VideoError(wireBytes: bytes[...])
            _ = try? SampledFrame(wireBytes: bytes[...])
            _ = try? VideoInput(wireBytes: bytes[...])
        }
    }
}

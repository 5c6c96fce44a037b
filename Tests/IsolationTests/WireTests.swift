import Imaging
import Testing
import Video

/// Guards the border to a process that may be in the hands of whoever made a file: what it says is
/// taken whole or not at all, and never trusted with a size.
@Suite struct WireTests {
    static let errors: [VideoError] = [
        .notFound(uri: "a"), .cannotOpen(uri: "a", reason: "b"), .unsupportedURL(uri: "a"),
        .unreachable(uri: "a", reason: "b"), .noPictures(uri: "a"),
        .notAVideo(uri: "ä\n", reason: ""), .namesOtherInputs(uri: "a", format: "hls"),
        .noVideoStream(uri: "a", container: "mp4"), .noDecoder(uri: "a", codec: "x"),
        .nothingDecodable(uri: "a", reason: "b", encrypted: true),
        .stalled(uri: "a", seconds: 1.5),
        .tooManyPixels(uri: "a", width: 1, height: 2, limit: 3), .tooLong(uri: "a", limit: 2),
        .tooManyStreams(uri: "a", count: 9, limit: 3), .pipeTooLarge(uri: "a", limit: 4),
        .tooManyBytes(uri: "a", limit: 5), .hostNotAllowed(uri: "a", host: "b"),
        .decoderCrashed(uri: "a", reason: "b"), .decoderTooSlow(uri: "a", seconds: 3),
        .decoderOutOfMemory(uri: "a", limit: 7), .emptyRange(uri: "a", duration: 1),
        .invalidSampling(reason: "a"), .cannotEncode(reason: "a"),
        .systemFailure(operation: "a", reason: "b"),
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
        (1 << 21, 0, 0),
    ])
    func sizesMustFit(width: Int, height: Int, pixels: Int) {
        let bytes = frame(width: width, height: height, pixels: pixels)
        #expect(throws: WireError.self) { try SampledFrame(wireBytes: bytes[...]) }
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

import Glibc
import Imaging
import Video

/// What the two ends of a decoding process say to each other.
///
/// A message is one byte for its kind, four for the length of its content (little-endian), and the
/// content. The side that asks sends one `request`, then one `begin`. The side that decodes answers
/// with `opened`, then `frame`s and one `end`; or with `failed` at any time; `alive` may stand
/// anywhere. A request for subtitles is answered with one `subtitles` or `failed`.
enum MessageKind: UInt8 {
    case request = 1
    case begin, opened, frame, end, failed, alive, subtitles
}

/// The form of the messages. Both ends are the same program unless its file was replaced while it
/// ran.
let wireVersion = 2

/// Everything that the decoding side must know.
struct DecodeRequest: WireValue, Equatable {
    var input: VideoInput
    /// The subtitles of the container are wanted, and no frames.
    var wantsSubtitles: Bool
    /// Find out whether a file is a picture.
    var probes: Bool
    var sampling: SamplingOptions
    var limits: DecodeLimits
    var threads: Int
    var allowReferences: Bool
    var queuedBytes: Int
    var allowedHosts: [String]?

    init(
        input: VideoInput, wantsSubtitles: Bool = false, probes: Bool, sampling: SamplingOptions,
        limits: DecodeLimits, threads: Int, allowReferences: Bool, queuedBytes: Int,
        allowedHosts: [String]?
    ) {
        self.input = input
        self.wantsSubtitles = wantsSubtitles
        self.probes = probes
        self.sampling = sampling
        self.limits = limits
        self.threads = threads
        self.allowReferences = allowReferences
        self.queuedBytes = queuedBytes
        self.allowedHosts = allowedHosts
    }

    init(from reader: inout WireReader) throws(WireError) {
        _ = try reader.int(in: wireVersion...wireVersion, "version")
        input = try reader.value()
        wantsSubtitles = try reader.bool()
        probes = try reader.bool()
        sampling = try reader.value()
        limits = try reader.value()
        threads = try reader.int(in: 1...1024, "threads")
        allowReferences = try reader.bool()
        queuedBytes = try reader.int(in: 0...Int.max, "queue")
        allowedHosts = try reader.bool() ? try reader.array() : nil
    }

    func write(to writer: inout WireWriter) {
        writer.put(wireVersion)
        writer.put(input)
        writer.put(wantsSubtitles)
        writer.put(probes)
        writer.put(sampling)
        writer.put(limits)
        writer.put(threads)
        writer.put(allowReferences)
        writer.put(queuedBytes)
        writer.put(allowedHosts != nil)
        if let allowedHosts { writer.put(allowedHosts) }
    }
}

/// Says that pictures may come, and how large: nil as they are, else resized.
struct BeginMessage: WireValue {
    var target: PixelSize?

    init(target: PixelSize?) { self.target = target }

    init(from reader: inout WireReader) throws(WireError) {
        guard try reader.bool() else {
            target = nil
            return
        }
        let size = PixelSize(
            width: try reader.int(in: WireBounds.side, "width"),
            height: try reader.int(in: WireBounds.side, "height"))
        guard size.area > 0 else { throw .invalid("target size") }
        target = size
    }

    func write(to writer: inout WireWriter) {
        writer.put(target != nil)
        if let target {
            writer.put(target.width)
            writer.put(target.height)
        }
    }
}

/// What a reader knows about its input, at its opening and at its end.
package struct ReaderState: WireValue {
    package private(set) var description: VideoDescription
    package private(set) var report: DecodeReport
    package private(set) var promisedEnd: Double?
    /// At most `WireBounds.count`; a container may claim more.
    package private(set) var expectedFrames: Int?
    package private(set) var expectedFramesIsExact: Bool
    var isStillImage: Bool

    package init(_ reader: borrowing VideoReader, isStillImage: Bool) {
        description = reader.description
        report = reader.report
        promisedEnd = reader.promisedEnd
        expectedFrames = reader.expectedFrames
        expectedFramesIsExact = reader.expectedFramesIsExact
        self.isStillImage = isStillImage
    }

    package init(from reader: inout WireReader) throws(WireError) {
        description = try reader.value()
        report = try reader.value()
        promisedEnd = try reader.optional()
        expectedFrames = try reader.optional()
        if let expectedFrames {
            guard expectedFrames >= 0 else { throw .invalid("number of frames") }
            self.expectedFrames = min(expectedFrames, WireBounds.count.upperBound)
        }
        expectedFramesIsExact = try reader.bool()
        isStillImage = try reader.bool()
    }

    package func write(to writer: inout WireWriter) {
        writer.put(description)
        writer.put(report)
        writer.put(promisedEnd)
        writer.put(expectedFrames)
        writer.put(expectedFramesIsExact)
        writer.put(isStillImage)
    }
}

/// What a frame may look like, by what was asked for: the vision path trusts its size.
package struct ExpectedPicture {
    package var isNeeded: Bool
    /// The size that was asked for; nil: any.
    package var size: PixelSize?

    package init(isNeeded: Bool, size: PixelSize?) {
        self.isNeeded = isNeeded
        self.size = size
    }

    package func allows(_ picture: PixelSize) -> Bool {
        guard picture.area > 0 else { return !isNeeded }
        return size.map { $0 == picture } ?? true
    }
}

/// The head of a message, and what it may claim.
enum MessageHead {
    static let length = 5
    /// Content of any message but a picture.
    static let longestContent = 64 << 20

    static func bytes(_ kind: MessageKind, length: Int) -> [UInt8] {
        precondition(length <= Int(UInt32.max), "a message of \(length) bytes")
        return [kind.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    }

    /// - Parameter longestFrame: what a picture may take.
    static func parse(
        _ bytes: [UInt8], longestFrame: Int
    ) throws(WireError) -> (kind: MessageKind, length: Int) {
        guard bytes.count == Self.length, let kind = MessageKind(rawValue: bytes[0]) else {
            throw .invalid("kind of message")
        }
        let length = (1...4).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
        guard length <= (kind == .frame ? longestFrame : longestContent) else {
            throw .invalid("message of \(length) bytes")
        }
        return (kind, length)
    }
}

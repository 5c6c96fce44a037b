import Imaging

/// Picture files as a video: picture i is shown from i / rate to (i + 1) / rate.
///
/// Files are decoded only where they are sampled. One that cannot be decoded counts as damage, and
/// the nearest readable picture before it (else after it) takes its place.
struct ImageFrames: ~Copyable {
    private let paths: [String]
    private let limits: DecodeLimits
    private let activity: ReadingActivity?
    let uri: String
    let rate: Rational

    private(set) var current: PictureTiming?
    private(set) var isFinished = false
    private(set) var decoded = 0
    private(set) var firstSize: PixelSize
    private(set) var rotation: Int
    private(set) var sizeChanges = 0
    let container: String
    let codec: String
    private var damaged: Set<Int> = []
    private var unseen = SpanList()
    private var farthest = 0

    /// - Throws: the error of the first file where not one can be decoded.
    init(
        _ paths: [String], rate: Rational, uri: String, limits: DecodeLimits,
        activity: ReadingActivity?
    ) throws(VideoError) {
        self.paths = paths
        self.activity = activity
        self.rate = rate
        self.uri = uri
        self.limits = limits
        var failure: VideoError = .noPictures(uri: uri)
        for (index, path) in paths.enumerated() {
            do {
                let opened = try Self.decode(
                    path, named: paths.count == 1 ? uri : path, limits: limits, activity: activity)
                firstSize = opened.image.size
                rotation = opened.rotation
                container = paths.count == 1 ? opened.container : "images"
                codec = opened.codec
                return
            } catch {
                if index == 0 { failure = error }
                damaged.insert(index)
            }
        }
        firstSize = PixelSize(width: 0, height: 0)
        rotation = 0
        container = ""
        codec = ""
        throw failure
    }

    var count: Int { paths.count }
    var end: MediaTime { time(of: paths.count) }
    var measuredEnd: MediaTime? { farthest > 0 ? time(of: farthest) : nil }
    var damagedFiles: Int { damaged.count }

    var coverage: Coverage {
        var lost = SpanList()
        for index in damaged { lost.insert(from: time(of: index), to: time(of: index + 1)) }
        let seen = lost.gaps(in: .zero..<time(of: farthest))
        return Coverage(seen: seen.seconds, unseen: lost.seconds)
    }

    private func time(of index: Int) -> MediaTime {
        MediaTime(
            ticks: Int128(index) * Int128(rate.denominator), scale: Int128(rate.numerator))
    }

    mutating func advance() -> Bool {
        let index = current.map { $0.index + 1 } ?? 0
        guard index < paths.count else {
            current = nil
            isFinished = true
            return false
        }
        current = PictureTiming(
            index: index, time: time(of: index), end: time(of: index + 1), isDamaged: false)
        farthest = max(farthest, index + 1)
        return true
    }

    /// The current picture, after the end the last one, or what stands in for it, with its number.
    mutating func image() throws(VideoError) -> (image: RGBImage, index: Int, time: MediaTime) {
        guard let wanted = current?.index ?? (isFinished ? paths.count - 1 : nil) else {
            preconditionFailure("a picture was asked for before the first")
        }
        let order =
            stride(from: wanted, through: 0, by: -1).map(\.self)
            + Array(wanted + 1..<max(paths.count, wanted + 1))
        var failure: VideoError = .noPictures(uri: uri)
        for index in order where !damaged.contains(index) {
            do {
                let opened = try Self.decode(
                    paths[index], named: paths[index], limits: limits, activity: activity)
                decoded += 1
                if opened.image.size != firstSize { sizeChanges += 1 }
                return (opened.image, index, time(of: index))
            } catch {
                failure = error
                damaged.insert(index)
            }
        }
        throw failure
    }

    private struct Opened {
        var image: RGBImage
        var rotation: Int
        var container: String
        var codec: String
    }

    private static func decode(
        _ path: String, named name: String, limits: DecodeLimits, activity: ReadingActivity?
    ) throws(VideoError) -> Opened {
        let bytes = try ByteSource.file(
            path, named: name, limits: limits, activity: activity)
        var frames = try ContainerFrames(
            bytes, limits: limits, threads: 1, allowReferences: false, fps: Rational(1))
        guard try frames.advance() else {
            throw .nothingDecodable(uri: name, reason: "there is no picture", encrypted: false)
        }
        return Opened(
            image: try frames.image(), rotation: frames.rotation,
            container: frames.facts.container, codec: frames.facts.codec)
    }
}

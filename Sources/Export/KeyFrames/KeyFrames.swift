import Imaging
import Isolation
import Video
import VideoUnderstanding

/// Small pictures of moments of a video. Each is reached by seeking, so that the cost goes with
/// the number of pictures and not with the length of the video.
struct KeyFrames {
    let input: VideoInput
    /// Decodes in a process of its own; nil: in this one.
    let workers: DecodeWorkers?

    /// The longest sides of a thumbnail.
    static let box = PixelSize(width: 320, height: 240)
    /// Failures in a row after which the rest is not tried.
    static let patience = 3

    /// JPEG files by time, for all that can be decoded.
    ///
    /// - Parameter proceed: called before each; whoever throws ends the work.
    func pictures(
        at times: [Double], proceed: () throws(Failure) -> Void
    ) throws(Failure) -> [Double: [UInt8]] {
        var pictures: [Double: [UInt8]] = [:]
        var failures = 0
        for time in Set(times).sorted() where failures < Self.patience {
            try proceed()
            do throws(VideoError) {
                pictures[time] = try JPEG.encode(try picture(at: time))
                failures = 0
            } catch {
                failures += 1
            }
        }
        return pictures
    }

    /// The picture on the screen at a time, made small.
    private func picture(at time: Double) throws(VideoError) -> RGBImage {
        // Documents have six decimals. Rounded up, lest it fall on the picture before.
        let milliseconds = Int64((time * 1000 - 1e-6).rounded(.up))
        guard let start = Rational(milliseconds, 1000),
            let end = Rational(milliseconds + 10, 1000)
        else {
            throw .emptyRange(uri: input.uri, start: time, end: nil, duration: time)
        }
        let isStill = input.isStillImage
        let sampling = SamplingOptions(
            minFrames: 1, start: isStill ? nil : start, end: isStill ? nil : end)
        var frame: SampledFrame?
        if let workers {
            let video = try workers.open(input, sampling: sampling)
            defer { video.abandon() }
            let description = video.description
            let size = PixelSize(width: description.width, height: description.height)
            let target = Self.fitted(size)
            try video.begin(target: target)
            frame = try video.next()
        } else {
            var reader = try VideoReader.open(input, sampling: sampling)
            frame = try reader.next()
        }
        guard let image = frame?.image else {
            throw .emptyRange(uri: input.uri, start: time, end: nil, duration: time)
        }
        let target = Self.fitted(image.size)
        return image.size == target
            ? image : Resampler(from: image.size, to: target).resized(image)
    }

    /// A size that fits the box; small pictures stay as they are.
    static func fitted(_ size: PixelSize) -> PixelSize {
        guard size.width > box.width || size.height > box.height else { return size }
        let isWide = size.width * box.height >= size.height * box.width
        return isWide
            ? PixelSize(width: box.width, height: max(1, size.height * box.width / size.width))
            : PixelSize(width: max(1, size.width * box.height / size.height), height: box.height)
    }
}

import Glibc

/// How many frames, and which, the reference implementation takes from a video.
///
/// Source: spec 2.1 to 2.3, column 0.0.14.
package enum ReferenceSampling {
    private static let frameFactor = 2

    /// The number of frames, or nil where the reference refuses.
    ///
    /// - Parameters:
    ///   - total: decodable frames.
    ///   - videoRate: average frames a second of the video.
    ///   - exactCount: `nframes`; overrides the rate.
    package static func frameCount(
        total: Int, videoRate: Double, rate: Double = 2, minFrames: Int = 4,
        maxFrames: Int? = nil, exactCount: Int? = nil
    ) -> Int? {
        let count: Double
        if let exactCount {
            count = (Double(exactCount) / 2).rounded(.toNearestOrEven) * 2
        } else {
            guard videoRate > 0, videoRate.isFinite else { return nil }
            let low = (Double(minFrames) / 2).rounded(.up) * 2
            let high = (Double(maxFrames ?? min(768, total)) / 2).rounded(.down) * 2
            let wanted = Double(total) / videoRate * rate
            let bounded = min(min(max(wanted, low), high), Double(total))
            count = (bounded / 2).rounded(.down) * 2
        }
        guard count >= Double(frameFactor), count <= Double(total) else { return nil }
        return Int(count)
    }

    /// `count` indices spread evenly over `first...last`.
    ///
    /// In 32-bit arithmetic with one rounding for product and sum: anything else picks other frames
    /// now and then.
    ///
    /// - Precondition: `count` is at least 2.
    package static func indices(count: Int, first: Int, last: Int) -> [Int] {
        precondition(count >= 2, "\(count) frames cannot be spread")
        let start = Float(first)
        let stop = Float(last)
        let step = (stop - start) / Float(count - 1)
        return (0..<count).map { place in
            let position =
                place < count / 2
                ? start.addingProduct(step, Float(place))
                : stop.addingProduct(-step, Float(count - 1 - place))
            return Int(position.rounded(.toNearestOrEven))
        }
    }

    /// The first and last frame of a part of the video, or nil where the reference refuses: the
    /// part holds fewer than two frames.
    ///
    /// - Parameters:
    ///   - start, end: seconds; clamped to the video.
    package static func range(
        total: Int, videoRate: Double, start: Double?, end: Double?
    ) -> ClosedRange<Int>? {
        guard videoRate > 0, videoRate.isFinite, total > 0 else { return nil }
        let duration = Double(total) / videoRate
        var first = 0
        if let start {
            first = Int((max(0, min(start, duration)) * videoRate).rounded(.up))
        }
        var last = total - 1
        if let end {
            last = min(Int((max(0, min(end, duration)) * videoRate).rounded(.down)), total - 1)
        }
        return first < last ? first...last : nil
    }
}

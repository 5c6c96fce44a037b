import Imaging
import Video

/// When a sampled frame is shown.
package struct SampledMoment: Sendable, Equatable {
    /// Place in the order of presentation, from 0; from the key frame on after a seek.
    package var index: Int
    /// PTS less the start time, in seconds.
    package var time: Double
    /// The instant for which the frame was taken, in seconds.
    package var instant: Double
}

/// How much of a video becomes one model input.
package struct WindowLimit: Sendable, Equatable {
    /// Seconds between the first instant of a window and of the next; nil: no limit.
    package var seconds: Double?
    /// Frames of one window, even.
    package var frames: Int

    package init(seconds: Double?, frames: Int) {
        precondition(frames >= 2, "a window of \(frames) frames")
        self.seconds = seconds
        self.frames = frames - frames % 2
    }
}

/// Cuts the sampled frames of a video into consecutive windows, and each window into pairs, while
/// they are decoded.
///
/// At most one frame of a pair and the first frame of the next window are held.
package struct FrameWindows: ~Copyable {
    package var reader: FrameReader
    private let limit: WindowLimit
    private var pending: SampledFrame?

    package init(_ reader: consuming FrameReader, limit: WindowLimit) {
        self.reader = reader
        self.limit = limit
    }

    /// Gives the pairs of the next window to `onPair`, in order. The last frame of an odd number has
    /// no partner: it stands twice (spec 2.9).
    ///
    /// A window never ends while a picture is held, as its end would be no presentation time of the
    /// file: further instants of a picture that is held beyond the limit add nothing and are left
    /// out.
    ///
    /// - Returns: the moments of the window's frames, and the moment with which the next window
    ///   begins (nil at the end); nil after the last window.
    package mutating func next(
        timing: inout TimingRecord,
        onPair: (SampledFrame, SampledFrame?, inout TimingRecord) throws -> Void
    ) throws -> (moments: [SampledMoment], next: SampledMoment?)? {
        guard let first = try pending.take() ?? pull(&timing) else { return nil }
        var moments: [SampledMoment] = []
        var unpaired: SampledFrame?
        var frame: SampledFrame? = first
        while let current = frame {
            let isBeyond =
                moments.count >= limit.frames
                || limit.seconds.map { current.instant - first.instant >= $0 - 1e-9 } ?? false
            if isBeyond, let last = moments.last, current.time > last.time {
                pending = current
                break
            }
            if !isBeyond {
                moments.append(current.moment)
                if let partner = unpaired.take() {
                    try onPair(partner, current, &timing)
                } else {
                    unpaired = current
                }
            }
            try Task.checkCancellation()
            frame = try pull(&timing)
        }
        if let last = unpaired { try onPair(last, nil, &timing) }
        return (moments, pending?.moment)
    }

    private mutating func pull(_ timing: inout TimingRecord) throws -> SampledFrame? {
        let clock = ContinuousClock()
        let start = clock.now
        defer { timing.decode += (clock.now - start).seconds }
        return try reader.next()
    }
}

extension SampledFrame {
    package var moment: SampledMoment { SampledMoment(index: index, time: time, instant: instant) }
}

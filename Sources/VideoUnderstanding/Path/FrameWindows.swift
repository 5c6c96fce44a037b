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

/// One window of a video, after all of its frames were seen.
package struct FrameWindow: Sendable, Equatable {
    /// Its frames, in order.
    package var moments: [SampledMoment]
    /// Where it begins, in seconds: a presentation time of the file, not after its first frame.
    package var start: Double
    /// Where the next window begins; nil for the last one.
    package var next: WindowStart?
}

/// Where a window begins that is not the first.
package struct WindowStart: Sendable, Equatable {
    /// Seconds, a presentation time of the file.
    package var time: Double
    /// Whether a shot begins there.
    package var isCut: Bool
}

/// Cuts the sampled frames of a video into consecutive windows, and each window into pairs, while
/// they are decoded.
///
/// A window ends where a shot does, if the reader looks for cuts, or else at its limit. At most one
/// frame of a pair and the first frame of the next window are held.
package struct FrameWindows: ~Copyable {
    package var reader: FrameReader
    private let limit: WindowLimit
    private var shots: ShotJoining
    private var pending: (frame: SampledFrame, start: WindowStart)?

    /// - Parameter minShot: a shot of fewer seconds is joined to its neighbour.
    package init(_ reader: consuming FrameReader, limit: WindowLimit, minShot: Double = 0) {
        self.reader = reader
        self.limit = limit
        shots = ShotJoining(least: minShot)
    }

    /// Gives the pairs of the next window to `onPair`, in order. The last frame of an odd number has
    /// no partner: it stands twice (spec 2.9).
    ///
    /// A window never ends while a picture is held, as its end would be no presentation time of the
    /// file: further instants of a picture that is held beyond the limit add nothing and are left
    /// out.
    ///
    /// - Returns: nil after the last window.
    package mutating func next(
        timing: inout TimingRecord,
        onPair: (SampledFrame, SampledFrame?, inout TimingRecord) throws -> Void
    ) throws -> FrameWindow? {
        let first: SampledFrame
        let start: Double
        if let (frame, begin) = pending.take() {
            (first, start) = (frame, begin.time)
        } else {
            guard let frame = try pull(&timing) else { return nil }
            (first, start) = (frame, frame.time)
            shots.begin(at: frame.time)
        }
        var moments = [first.moment]
        var unpaired: SampledFrame? = first
        while let current = try pull(&timing) {
            if let cut = current.shotStart, shots.parts(at: cut, end: reader.promisedEnd) {
                pending = (current, WindowStart(time: cut, isCut: true))
                break
            }
            let isBeyond =
                moments.count >= limit.frames
                || limit.seconds.map { current.instant - first.instant >= $0 - 1e-9 } ?? false
            if isBeyond, let last = moments.last, current.time > last.time {
                pending = (current, WindowStart(time: current.time, isCut: false))
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
        }
        if let last = unpaired { try onPair(last, nil, &timing) }
        return FrameWindow(moments: moments, start: start, next: pending?.start)
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

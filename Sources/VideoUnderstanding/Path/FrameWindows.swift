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

    package init(index: Int, time: Double, instant: Double) {
        self.index = index
        self.time = time
        self.instant = instant
    }
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

    package init(moments: [SampledMoment], start: Double, next: WindowStart?) {
        self.moments = moments
        self.start = start
        self.next = next
    }
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
/// A window ends where a shot does, if the reader looks for cuts, or else at its limit (see
/// `WindowEnds`). The frames of the seconds are held that decide where a window ends, at the size
/// that the model sees.
package struct FrameWindows: ~Copyable {
    private struct Held {
        var frame: SampledFrame
        var candidate: WindowEnds.Candidate
    }

    package var reader: FrameReader
    private let ends: WindowEnds
    private let transferSize: PixelSize?
    private let seat: DecodingSeat?
    private var resampler: Resampler?
    private var shots: ShotJoining
    /// Frames that no window has yet.
    private var ahead: [Held] = []
    private var hasBegun = false
    private var hasEnded = false
    private var begin: WindowStart?

    /// - Parameters:
    ///   - minShot: seconds of the shortest shot or window that stands alone.
    ///   - transferSize: held frames are resized to this; nil: they stay as they are.
    package init(
        _ reader: consuming FrameReader, limit: WindowLimit, minShot: Double = 0,
        transferSize: PixelSize? = nil, seat: DecodingSeat? = nil
    ) {
        self.seat = seat
        self.reader = reader
        ends = WindowEnds(limit: limit, least: minShot)
        self.transferSize = transferSize
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
        if ahead.isEmpty { try lookAhead(&timing) }
        guard !ahead.isEmpty else { return nil }
        let first = ahead.removeFirst().frame
        let start = begin.take()?.time ?? first.time
        var window = WindowEnds.Window(
            start: start, instant: first.instant, lastTime: first.time, frames: 1)
        var moments = [first.moment]
        var unpaired: SampledFrame? = first
        filling: while true {
            try Task.checkCancellation()
            if ahead.isEmpty {
                if hasEnded { break }
                try lookAhead(&timing)
                continue
            }
            switch ends.decide(window, ahead.lazy.map(\.candidate), end: end) {
            case .wait: try lookAhead(&timing)
            case .end(let start):
                begin = start
                break filling
            case .leaveOut: ahead.removeFirst()
            case .take:
                let frame = ahead.removeFirst().frame
                moments.append(frame.moment)
                window.frames += 1
                window.lastTime = frame.time
                if let partner = unpaired.take() {
                    try onPair(partner, frame, &timing)
                } else {
                    unpaired = frame
                }
            }
        }
        if let last = unpaired { try onPair(last, nil, &timing) }
        return FrameWindow(moments: moments, start: start, next: begin)
    }

    /// Where the video ends, in seconds; nil before its last frame was read.
    private var end: Double? {
        hasEnded ? max(reader.report.end, ahead.last?.frame.time ?? 0) : nil
    }

    /// Reads one more frame, or finds that there is none.
    private mutating func lookAhead(_ timing: inout TimingRecord) throws {
        guard !hasEnded, var frame = try nextFrame(&timing) else {
            hasEnded = true
            return
        }
        var cut: Double?
        if hasBegun {
            if let begun = frame.shotStart, shots.parts(at: begun, end: reader.promisedEnd) {
                cut = begun
            }
        } else {
            shots.begin(at: frame.time)
            hasBegun = true
        }
        if ends.looksAhead { shrink(&frame, &timing) }
        ahead.append(
            Held(
                frame: frame,
                candidate: WindowEnds.Candidate(
                    time: frame.time, instant: frame.instant, cut: cut)))
    }

    private mutating func nextFrame(_ timing: inout TimingRecord) throws -> SampledFrame? {
        guard let seat else { return try reader.next(timing: &timing) }
        return try seat.away { try reader.next(timing: &timing) }
    }

    /// Resizes a frame as the model sees it; resizing it again changes nothing.
    private mutating func shrink(_ frame: inout SampledFrame, _ timing: inout TimingRecord) {
        let size = frame.image.size
        guard let transferSize, size.area > 0, size != transferSize else { return }
        let start = ContinuousClock.now
        if resampler?.source != size { resampler = Resampler(from: size, to: transferSize) }
        if let resampler { frame.image = resampler.resized(frame.image) }
        timing.preprocess += (ContinuousClock.now - start).seconds
    }
}

extension SampledFrame {
    package var moment: SampledMoment { SampledMoment(index: index, time: time, instant: instant) }
}

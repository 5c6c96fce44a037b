/// Decides where a window ends, from what it holds and from frames that come after it.
///
/// A window ends at a cut, or else at its limit. But a window that is full shortly before a cut, or
/// before the video ends, would leave a segment too short to be told of: then it ends earlier, so
/// that both are long enough. Where that cannot be, because the limit is less than twice the least
/// length, the window grows up to the cut instead; it never holds more frames than its limit.
package struct WindowEnds: Sendable, Equatable {
    package let limit: WindowLimit
    /// Whether frames wait until those after them were seen.
    package var looksAhead: Bool { least > 0 }
    /// Seconds of the shortest segment.
    private let least: Double

    package init(limit: WindowLimit, least: Double) {
        self.limit = limit
        // A single window has nobody to leave frames to; and no window outgrows its limit for long.
        self.least = limit.seconds.map { min(least, $0) } ?? 0
    }

    /// A frame that may become part of the window, or the first of the next one.
    package struct Candidate: Sendable, Equatable {
        package var time: Double
        package var instant: Double
        /// Where a shot begins that parts the video, at this frame or shortly before it.
        package var cut: Double?

        package init(time: Double, instant: Double, cut: Double? = nil) {
            self.time = time
            self.instant = instant
            self.cut = cut
        }
    }

    /// A window while it is filled.
    package struct Window: Sendable, Equatable {
        /// Where its segment begins, in seconds.
        package var start: Double
        /// The instant of its first frame.
        package var instant: Double
        /// Of its last frame.
        package var lastTime: Double
        package var frames: Int

        package init(start: Double, instant: Double, lastTime: Double, frames: Int) {
            self.start = start
            self.instant = instant
            self.lastTime = lastTime
            self.frames = frames
        }
    }

    package enum Decision: Sendable, Equatable {
        /// More frames have to be seen first.
        case wait
        /// The first candidate belongs to the window.
        case take
        /// It belongs to the time of the window, which has no room for it.
        case leaveOut
        /// The next window begins with it.
        case end(WindowStart)
    }

    /// What becomes of the first candidate.
    ///
    /// - Parameters:
    ///   - candidates: frames in order, not empty.
    ///   - end: where the video ends, where no more frames follow the candidates.
    package func decide(
        _ window: Window, _ candidates: some RandomAccessCollection<Candidate>, end: Double?
    ) -> Decision {
        guard let first = candidates.first, let last = candidates.last else { return .wait }
        if let cut = first.cut { return .end(WindowStart(time: cut, isCut: true)) }
        // A picture that is held.
        if first.time <= window.lastTime { return taken(window, first) }
        var before = window.lastTime
        var frames = window.frames
        var full: Candidate?
        var stop: Double?
        for candidate in candidates {
            if let cut = candidate.cut {
                stop = cut
                break
            }
            // A window never ends while a picture is held, as its end would be no presentation time.
            if full == nil, isBeyond(window, candidate, frames: frames), candidate.time > before {
                full = candidate
            }
            before = candidate.time
            frames += 1
        }
        stop = stop ?? end
        guard let full else {
            // All that was not seen yet, a cut or the end, comes after the last instant. Where the
            // second candidate leaves enough before that, the window does not end with the first.
            guard stop == nil, least > 0 else { return taken(window, first) }
            guard let second = candidates.dropFirst().first else { return .wait }
            return last.instant - second.time >= least ? taken(window, first) : .wait
        }
        guard let stop else {
            if last.instant - full.time < least, least > 0 { return .wait }
            return first == full
                ? .end(WindowStart(time: full.time, isCut: false)) : taken(window, first)
        }
        let enough = least - 1e-6
        if stop - full.time >= enough {
            return first == full
                ? .end(WindowStart(time: full.time, isCut: false)) : taken(window, first)
        }
        // The latest frame that leaves enough on both sides.
        before = window.lastTime
        var earlier: Candidate?
        for candidate in candidates where candidate.time <= full.time {
            if candidate.time > before, candidate.time - window.start >= enough,
                stop - candidate.time >= enough
            {
                earlier = candidate
            }
            before = candidate.time
        }
        if let earlier, earlier == first {
            return .end(WindowStart(time: first.time, isCut: false))
        }
        return taken(window, first)
    }

    private func taken(_ window: Window, _ candidate: Candidate) -> Decision {
        let hasRoom = window.frames < limit.frames
        // Further instants of a picture that is held beyond the limit add nothing.
        let isHeld =
            isBeyond(window, candidate, frames: window.frames)
            && candidate.time <= window.lastTime
        return hasRoom && !isHeld ? .take : .leaveOut
    }

    private func isBeyond(_ window: Window, _ candidate: Candidate, frames: Int) -> Bool {
        frames >= limit.frames
            || limit.seconds.map { candidate.instant - window.instant >= $0 - 1e-9 } ?? false
    }
}

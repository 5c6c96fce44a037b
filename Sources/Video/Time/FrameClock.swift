/// Gives every decoded frame its time since the start of the presentation.
///
/// The best-effort time stamp counts, minus the container's start time, or minus the first frame's
/// time stamp where the container states none or states a later one (so no time is negative).
/// A frame without a time stamp comes one frame period after the frame before it. Time never goes
/// backwards: a frame that claims to be earlier than its predecessor is shown at the same instant.
package struct FrameClock: Sendable {
    /// Seconds a tick of the stream.
    package let timeBase: Rational
    /// Seconds from a frame to the next where the file does not tell.
    package let period: MediaTime
    /// What is subtracted from time stamps; known once the first frame is.
    package private(set) var start: MediaTime?
    /// Frames whose time had to be made up.
    package private(set) var synthesised = 0
    /// Frames that claimed to be earlier than the frame before them.
    package private(set) var disordered = 0

    private let containerStart: MediaTime?
    private let maximum: MediaTime
    private var last: MediaTime?

    package init(
        timeBase: Rational, containerStart: MediaTime?, period: MediaTime, maximumDuration: Double
    ) {
        self.timeBase = timeBase
        self.containerStart = containerStart
        self.period = period
        let bounded = min(max(maximumDuration, 0), 1e9)
        maximum = MediaTime(ticks: Int128(bounded * 1000), scale: 1000)
    }

    /// What became of a time stamp.
    package enum Reading: Equatable {
        case at(MediaTime)
        /// Beyond `DecodeLimits.maximumDuration`.
        case tooLate
    }

    /// The time of the next frame in display order.
    ///
    /// - Parameters:
    ///   - ticks: its time stamp; nil where the file gives none.
    ///   - duration: ticks that it lasts; 0 where unknown.
    package mutating func time(ofTicks ticks: Int64?, duration: Int64) -> Reading {
        var time: MediaTime
        if let ticks, ContainerFacts.isPlausible(ticks, timeBase) {
            let absolute = MediaTime(ticks: ticks, timeBase: timeBase)
            let start = self.start ?? min(containerStart ?? absolute, absolute)
            self.start = start
            time = absolute - start
        } else {
            synthesised += 1
            start = start ?? containerStart ?? .zero
            time = last.map { $0 + lastStep } ?? .zero
        }
        lastStep =
            duration > 0 && ContainerFacts.isPlausible(duration, timeBase)
            ? MediaTime(ticks: duration, timeBase: timeBase) : period
        if let last, time < last {
            disordered += 1
            time = last
        }
        if time > maximum { return .tooLate }
        last = time
        return .at(time)
    }

    /// Period of the frame before, used for a frame without a time stamp.
    private var lastStep = MediaTime.zero

    /// The time of ticks of the stream, where the start is known.
    func time(ofTicks ticks: Int64) -> MediaTime? {
        guard let start = start ?? containerStart, ContainerFacts.isPlausible(ticks, timeBase)
        else { return nil }
        return MediaTime(ticks: ticks, timeBase: timeBase) - start
    }

    /// Goes on after a seek; order is counted anew.
    mutating func forgetOrder() { last = nil }
}

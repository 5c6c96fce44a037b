/// A moment or a length of time in seconds, exactly: ticks of a time base.
///
/// Comparisons and sums are exact whatever the time bases are, so that the question which frame is
/// shown at first + k / fps never depends on rounding.
///
/// Sums stay within 128 bits because what enters is bounded at the border: time bases and rates by
/// `Rational.largestPart`, times of frames by `DecodeLimits.maximumDuration`.
public struct MediaTime: Sendable {
    /// Seconds times `scale`.
    public let ticks: Int128
    /// Ticks a second; positive.
    public let scale: Int128

    init(ticks: Int128, scale: Int128) {
        precondition(scale > 0, "a time scale of \(scale)")
        self.ticks = ticks
        self.scale = scale
    }

    /// `ticks` units of `timeBase` seconds.
    public init(ticks: Int64, timeBase: Rational) {
        self.init(
            ticks: Int128(ticks) * Int128(timeBase.numerator), scale: Int128(timeBase.denominator))
    }

    /// Seconds that are a fraction.
    public init(seconds: Rational) {
        self.init(ticks: Int128(seconds.numerator), scale: Int128(seconds.denominator))
    }

    public static let zero = MediaTime(ticks: 0, scale: 1)

    /// The nearest double, but for one rounding of the fraction.
    public var seconds: Double {
        let (whole, rest) = ticks.quotientAndRemainder(dividingBy: scale)
        return Double(whole) + Double(rest) / Double(scale)
    }

    public static func + (left: MediaTime, right: MediaTime) -> MediaTime {
        if left.scale == right.scale {
            return MediaTime(ticks: left.ticks + right.ticks, scale: left.scale)
        }
        let shared = Int128(greatestCommonDivisor(left.scale.magnitude, right.scale.magnitude))
        let leftFactor = right.scale / shared
        return MediaTime(
            ticks: left.ticks * leftFactor + right.ticks * (left.scale / shared),
            scale: left.scale * leftFactor)
    }

    public static func - (left: MediaTime, right: MediaTime) -> MediaTime {
        left + MediaTime(ticks: -right.ticks, scale: right.scale)
    }

    static func * (time: MediaTime, factor: Int) -> MediaTime {
        MediaTime(ticks: time.ticks * Int128(factor), scale: time.scale)
    }

    static func / (time: MediaTime, divisor: Int) -> MediaTime {
        precondition(divisor > 0, "a time divided by \(divisor)")
        return MediaTime(ticks: time.ticks, scale: time.scale * Int128(divisor))
    }

    /// How many whole steps of `step` lie in this time, rounded up; 0 for a negative time.
    func steps(of step: MediaTime) -> Int {
        guard ticks > 0 else { return 0 }
        let top = ticks * step.scale
        let bottom = step.ticks * scale
        return Int(clamping: (top + bottom - 1) / bottom)
    }
}

extension MediaTime: Comparable, Hashable {
    public static func < (left: MediaTime, right: MediaTime) -> Bool {
        if left.scale == right.scale { return left.ticks < right.ticks }
        let a = left.ticks.multipliedFullWidth(by: right.scale)
        let b = right.ticks.multipliedFullWidth(by: left.scale)
        return (a.high, a.low) < (b.high, b.low)
    }

    public static func == (left: MediaTime, right: MediaTime) -> Bool {
        if left.scale == right.scale { return left.ticks == right.ticks }
        let a = left.ticks.multipliedFullWidth(by: right.scale)
        let b = right.ticks.multipliedFullWidth(by: left.scale)
        return (a.high, a.low) == (b.high, b.low)
    }

    public func hash(into hasher: inout Hasher) {
        let divisor = Int128(greatestCommonDivisor(ticks.magnitude, scale.magnitude))
        hasher.combine(ticks / divisor)
        hasher.combine(scale / divisor)
    }
}

/// Instants at equal distances: origin, origin + step, origin + 2·step …
///
/// Contract section 0: the frame shown at each of them is taken.
package struct InstantSequence: Sendable, Equatable {
    package let origin: MediaTime
    package let step: MediaTime
    /// How many there are; nil: as many as lie before the end.
    package let count: Int?

    /// Instants at `fps`, for as long as pictures last.
    package init(origin: MediaTime, fps: Rational) {
        self.origin = origin
        step = MediaTime(
            ticks: Int128(fps.denominator), scale: Int128(fps.numerator))
        count = nil
    }

    /// `count` instants spread evenly over `origin..<end`.
    package init(origin: MediaTime, end: MediaTime, count: Int) {
        self.origin = origin
        step = (end - origin) / count
        self.count = count
    }

    package subscript(_ place: Int) -> MediaTime { origin + step * place }

    /// How many instants of `fps` lie in `origin..<end`.
    package static func count(from origin: MediaTime, to end: MediaTime, fps: Rational) -> Int {
        let step = MediaTime(ticks: Int128(fps.denominator), scale: Int128(fps.numerator))
        return (end - origin).steps(of: step)
    }
}

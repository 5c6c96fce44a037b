/// A share of cases, with what chance alone may have done to it.
public struct Proportion: Sendable, Equatable {
    public var part: Int
    public var whole: Int

    public init(_ part: Int, of whole: Int) {
        precondition(part >= 0 && part <= whole, "\(part) of \(whole)")
        self.part = part
        self.whole = whole
    }

    /// Nil of nothing.
    public var value: Double? { whole > 0 ? Double(part) / Double(whole) : nil }

    /// Where the true share lies with 95 % confidence (Wilson's score interval); nil of nothing.
    public var interval: (low: Double, high: Double)? {
        guard let value else { return nil }
        let z = 1.959963984540054
        let n = Double(whole)
        let scale = 1 + z * z / n
        let centre = (value + z * z / (2 * n)) / scale
        let half = z * (value * (1 - value) / n + z * z / (4 * n * n)).squareRoot() / scale
        return (max(0, centre - half), min(1, centre + half))
    }
}

/// Decimal notation of doubles with a bounded number of decimals, the same on every platform.
enum DecimalText {
    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// `value` rounded to `decimals` decimals, without an exponent and without trailing zeros.
    ///
    /// Values too large to scale exactly are written with the shortest digits that read back.
    static func text(of value: Double, decimals: Int) -> String {
        precondition((0...15).contains(decimals), "decimals \(decimals) not in 0...15")
        let scale = powersOfTen[decimals]
        let scaled = (value * scale).rounded(.toNearestOrEven)
        guard scaled.magnitude < 9_007_199_254_740_992 else { return shortest(value) }
        let ticks = Int64(scaled)
        let negative = ticks < 0
        var digits = String(ticks.magnitude)
        guard decimals > 0 else { return (negative ? "-" : "") + digits }
        if digits.utf8.count <= decimals {
            digits = String(repeating: "0", count: decimals + 1 - digits.utf8.count) + digits
        }
        let point = digits.index(digits.endIndex, offsetBy: -decimals)
        var fraction = digits[point...]
        while fraction.last == "0" { fraction.removeLast() }
        let whole = digits[..<point]
        return (negative ? "-" : "") + whole + (fraction.isEmpty ? "" : "." + fraction)
    }

    private static func shortest(_ value: Double) -> String {
        // Swift writes 1e+20 for large doubles, which is JSON; 5e+15 has a trailing ".0" dropped.
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

/// An exact fraction in lowest terms with a positive denominator: frame rates, time bases, and
/// seconds that a person typed.
public struct Rational: Sendable, Hashable {
    public let numerator: Int64
    public let denominator: Int64

    /// The largest numerator or denominator. Time arithmetic (`MediaTime`) relies on it to stay
    /// within 128 bits.
    public static let largestPart: Int64 = 2_147_483_647

    /// Nil where the denominator is 0 or a part of the reduced fraction exceeds `largestPart`.
    public init?(_ numerator: Int64, _ denominator: Int64) {
        guard denominator != 0, numerator != .min, denominator != .min else { return nil }
        let divisor = greatestCommonDivisor(numerator.magnitude, denominator.magnitude)
        let sign: Int64 = denominator < 0 ? -1 : 1
        let top = sign * numerator / Int64(divisor)
        let bottom = sign * denominator / Int64(divisor)
        guard top.magnitude <= Self.largestPart, bottom <= Self.largestPart else { return nil }
        self.numerator = top
        self.denominator = bottom
    }

    public init(_ whole: Int32) {
        numerator = Int64(whole)
        denominator = 1
    }

    /// Reads `25`, `29.97` (at most six decimals) or `30000/1001` exactly; nil for other text.
    public init?(text: some StringProtocol) {
        let halves = text.split(separator: "/", omittingEmptySubsequences: false)
        switch halves.count {
        case 1:
            guard let value = Self(decimal: halves[0]) else { return nil }
            self = value
        case 2:
            guard let top = Self(decimal: halves[0]), let bottom = Self(decimal: halves[1]),
                top.denominator == 1, bottom.denominator == 1
            else { return nil }
            self.init(top.numerator, bottom.numerator)
        default:
            return nil
        }
    }

    /// Reads seconds (`12.5`) or a time code (`1:02:03.456`, `02:03`) exactly; nil for other text.
    public init?(timecode: some StringProtocol) {
        let fields = timecode.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(fields.count), let last = fields.last,
            let seconds = Self(decimal: last)
        else { return nil }
        guard fields.count > 1 else {
            self = seconds
            return
        }
        guard seconds.numerator >= 0, seconds.value < 60 else { return nil }
        var whole: Int64 = 0
        for (place, field) in fields.dropLast().enumerated() {
            guard !field.isEmpty, field.utf8.count <= 9, let number = Int64(field), number >= 0,
                field.utf8.allSatisfy({ (48...57).contains($0) }), place == 0 || number < 60
            else { return nil }
            whole = whole * 60 + number
        }
        self.init(
            whole * 60 * seconds.denominator + seconds.numerator, seconds.denominator)
    }

    /// The nearest double.
    public var value: Double { Double(numerator) / Double(denominator) }

    private init?(decimal text: some StringProtocol) {
        var digits = text.utf8[...]
        let negative = digits.first == UInt8(ascii: "-")
        if negative { digits = digits.dropFirst() }
        var value: Int64 = 0
        var scale: Int64 = 1
        var seenPoint = false
        var seenDigit = false
        for byte in digits {
            switch byte {
            case UInt8(ascii: "."):
                guard !seenPoint else { return nil }
                seenPoint = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                seenDigit = true
                let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
                guard !overflow, scaled < .max - 9 else { return nil }
                value = scaled + Int64(byte - 48)
                if seenPoint {
                    guard scale < 1_000_000 else { return nil }
                    scale *= 10
                }
            default:
                return nil
            }
        }
        guard seenDigit else { return nil }
        self.init(negative ? -value : value, scale)
    }
}

extension Rational: CustomStringConvertible {
    public var description: String {
        denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)"
    }
}

/// Euclid's algorithm; `greatestCommonDivisor(0, n)` is `n`, and 1 for two zeros.
func greatestCommonDivisor<Value: UnsignedInteger>(_ first: Value, _ second: Value) -> Value {
    var (a, b) = (first, second)
    while b != 0 { (a, b) = (b, a % b) }
    return a == 0 ? 1 : a
}

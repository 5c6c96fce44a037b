/// An exact fraction, as it was typed: `29.97` is 2997/100, and `30000/1001` stays what it is.
public struct Fraction: Sendable, Hashable, CustomStringConvertible {
    public let numerator: Int
    /// Greater than 0; no common factor with the numerator.
    public let denominator: Int

    /// - Precondition: `denominator` is not 0.
    public init(_ numerator: Int, _ denominator: Int = 1) {
        precondition(denominator > 0, "denominator \(denominator)")
        let divisor = max(1, Self.greatestCommonDivisor(numerator.magnitude, denominator.magnitude))
        self.numerator = numerator / Int(divisor)
        self.denominator = denominator / Int(divisor)
    }

    /// Reads digits with an optional point (`2`, `0.5`, `.5`) or two whole numbers with a slash
    /// (`30000/1001`). No sign, no exponent, at most 9 decimals; nil for anything else.
    public init?(parsing text: String) {
        let sides = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        switch sides.count {
        case 1:
            guard let (digits, decimals) = Self.decimal(sides[0]) else { return nil }
            var scale = 1
            for _ in 0..<decimals { scale *= 10 }
            self.init(digits, scale)
        case 2:
            guard let above = Self.decimal(sides[0]), let below = Self.decimal(sides[1]),
                above.decimals == 0, below.decimals == 0, below.digits > 0
            else { return nil }
            self.init(above.digits, below.digits)
        default: return nil
        }
    }

    public var value: Double { Double(numerator) / Double(denominator) }

    public var description: String {
        denominator == 1 ? "\(numerator)" : "\(numerator)/\(denominator)"
    }

    /// The digits without their point, and how many stand behind it.
    private static func decimal(_ text: Substring.UTF8View) -> (digits: Int, decimals: Int)? {
        var digits = 0
        var decimals: Int?
        var seen = 0
        for byte in text {
            if byte == UInt8(ascii: "."), decimals == nil {
                decimals = 0
                continue
            }
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (tens, overflow) = digits.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            digits = sum
            seen += 1
            if let count = decimals { decimals = count + 1 }
        }
        guard seen > 0, decimals ?? 0 <= 9 else { return nil }
        return (digits, decimals ?? 0)
    }

    private static func greatestCommonDivisor(_ first: UInt, _ second: UInt) -> UInt {
        var (a, b) = (first, second)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }
}

/// A place in a video, in seconds since the start of the presentation, exact as typed.
public struct TimePosition: Sendable, Hashable {
    public let seconds: Fraction

    public init(seconds: Fraction) { self.seconds = seconds }

    /// Reads `12`, `12.5`, `MM:SS`, `MM:SS.mmm`, `HH:MM:SS` or `HH:MM:SS.mmm`; nil for anything
    /// else. Minutes and seconds behind a colon are below 60; hours are not bounded.
    public init?(parsing text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count), !text.contains("/"), let last = parts.last,
            let fraction = Fraction(parsing: String(last)),
            fraction.value <= 1e9
        else { return nil }
        if parts.count == 1 {
            seconds = fraction
            return
        }
        guard fraction.value < 60 else { return nil }
        var whole = 0
        for (index, part) in parts.dropLast().enumerated() {
            guard part.utf8.count <= 6, part.utf8.allSatisfy({ (48...57).contains($0) }),
                let value = Int(part), index == 0 || value < 60
            else { return nil }
            whole = (whole + value) * 60
        }
        // At most 3.6e9 seconds with 9 decimals: the sum fits 64 bits.
        seconds = Fraction(
            whole * fraction.denominator + fraction.numerator, fraction.denominator)
    }
}

/// A number of bytes as people write it.
public struct ByteSize: Sendable, Hashable {
    public let bytes: Int

    public init(bytes: Int) { self.bytes = bytes }

    /// Reads digits, an optional point and a unit: `K`, `M`, `G`, `T` and `KiB`, `MiB`, `GiB`,
    /// `TiB` are powers of 1024, `kB`, `MB`, `GB`, `TB` powers of 1000, `B` or nothing is bytes.
    /// Nil for anything else, for 0, and for what does not fit 63 bits.
    public init?(parsing text: String) {
        let unit = text.drop { $0.isASCII && ($0.isNumber || $0 == ".") }
        let scale: Double
        switch unit.lowercased() {
        case "", "b": scale = 1
        case "k", "kib": scale = 0x1p10
        case "m", "mib": scale = 0x1p20
        case "g", "gib": scale = 0x1p30
        case "t", "tib": scale = 0x1p40
        case "kb": scale = 1e3
        case "mb": scale = 1e6
        case "gb": scale = 1e9
        case "tb": scale = 1e12
        default: return nil
        }
        guard let number = Fraction(parsing: String(text[..<unit.startIndex])) else { return nil }
        let bytes = number.value * scale
        guard bytes >= 1, bytes < 0x1p62 else { return nil }
        self.bytes = Int(bytes)
    }

    /// The size in the largest binary unit that keeps it at 1 or more, with one decimal.
    public var text: String {
        var value = Double(bytes)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        guard unit > 0 else { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0
            ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}

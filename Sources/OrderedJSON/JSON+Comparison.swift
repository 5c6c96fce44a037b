package enum NumberOrder: Sendable {
    case less, equal, greater
}

/// Numbers compared by value: `1`, `1.0` and `10e-1` are one number.
extension JSONNumber {
    /// No fraction, however it is written.
    package var isWhole: Bool {
        if int != nil { return true }
        return double.isFinite && double == double.rounded()
    }

    /// Exact for whole numbers of 64 bits, by the nearest doubles for all others.
    package func order(against other: JSONNumber) -> NumberOrder {
        if let first = int, let second = other.int {
            return first < second ? .less : first > second ? .greater : .equal
        }
        let (first, second) = (double, other.double)
        return first < second ? .less : first > second ? .greater : .equal
    }

    /// Exact where both numbers have at most 18 digits; else by doubles.
    package func isMultiple(of divisor: JSONNumber) -> Bool {
        if let first = decimal, let second = divisor.decimal {
            let decimals = max(first.decimals, second.decimals)
            if let whole = Self.scaled(first, to: decimals),
                let part = Self.scaled(second, to: decimals), part != 0
            {
                return whole % part == 0
            }
        }
        let quotient = double / divisor.double
        return quotient.isFinite && quotient == quotient.rounded()
    }

    private typealias Decimal = (digits: Int, decimals: Int)

    /// The literal without its point, and how many digits stood behind it.
    private var decimal: Decimal? {
        guard !literal.utf8.contains(where: { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") })
        else { return nil }
        let parts = literal.split(separator: ".")
        let fraction = parts.count == 2 ? String(parts[1]) : ""
        guard let digits = Int((parts.first ?? "") + fraction) else { return nil }
        return (digits, fraction.utf8.count)
    }

    private static func scaled(_ value: Decimal, to decimals: Int) -> Int? {
        var digits = value.digits
        for _ in value.decimals..<decimals {
            let (product, overflow) = digits.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            digits = product
        }
        return digits
    }
}

extension JSON {
    /// Equality as JSON Schema means it: numbers by value, objects without regard to order.
    package func isSame(as other: JSON) -> Bool {
        switch (self, other) {
        case (.number(let first), .number(let second)):
            return first.order(against: second) == .equal
        case (.string(let first), .string(let second)):
            return first.utf8.elementsEqual(second.utf8)
        case (.array(let first), .array(let second)):
            return first.count == second.count
                && zip(first, second).allSatisfy { $0.isSame(as: $1) }
        case (.object(let first), .object(let second)):
            return first.members.count == second.members.count
                && first.members.allSatisfy { member in
                    second[member.key].map { member.value.isSame(as: $0) } ?? false
                }
        default: return self == other
        }
    }
}

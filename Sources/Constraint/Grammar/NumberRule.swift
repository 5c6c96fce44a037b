/// The numbers between two bounds, as decimals without an exponent.
///
/// All values are whole numbers of units of 10^-decimals, so that every test is exact.
struct NumberRule: Hashable, Sendable {
    let low: Int
    let high: Int
    /// Digits behind the point, at most; 0 for whole numbers.
    let decimals: Int
    /// What values are multiples of, in units; at least 1.
    let multiple: Int

    /// Nothing is larger in magnitude: sums and one more digit still fit 64 bits.
    static let largest = 999_999_999_999_999_999

    /// How much of a number is written.
    struct Progress: Hashable, Sendable {
        enum Part: Hashable, Sendable {
            case nothing
            case whole
            /// Digits behind the point.
            case fraction(Int)
        }

        var isNegative = false
        var part = Part.nothing
        /// The digits so far, without sign and point.
        var digits = 0

        static let start = Progress()
    }

    private var unit: Int { Self.power(decimals) }

    static func power(_ exponent: Int) -> Int {
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }

    /// Magnitudes of the allowed values of one sign, 0 counting as positive; nil where there are none.
    private func magnitudes(isNegative: Bool) -> ClosedRange<Int>? {
        let (least, most) = isNegative ? (max(1, -high), -low) : (max(0, low), high)
        return least <= most ? least...most : nil
    }

    private func holdsMultiple(_ range: ClosedRange<Int>, in allowed: ClosedRange<Int>) -> Bool {
        let (least, most) = (
            max(range.lowerBound, allowed.lowerBound), min(range.upperBound, allowed.upperBound)
        )
        return least <= most && most / multiple * multiple >= least
    }

    /// Whether some value can be written.
    var isSatisfiable: Bool {
        [false, true].contains { sign in
            magnitudes(isNegative: sign).map { holdsMultiple($0, in: $0) } ?? false
        }
    }

    /// Whether the number may end here.
    func ends(_ progress: Progress) -> Bool {
        guard let value = value(progress), let allowed = magnitudes(isNegative: progress.isNegative)
        else { return false }
        return allowed.contains(value) && value % multiple == 0
    }

    private func value(_ progress: Progress) -> Int? {
        switch progress.part {
        case .nothing, .fraction(0): return nil
        case .whole: return Self.scaled(progress.digits, by: decimals)
        case .fraction(let count): return Self.scaled(progress.digits, by: decimals - count)
        }
    }

    private static func scaled(_ value: Int, by exponent: Int) -> Int? {
        let (product, overflow) = value.multipliedReportingOverflow(by: power(exponent))
        return overflow ? nil : product
    }

    /// The progress with one more byte; nil where no allowed number goes on so.
    func next(_ progress: Progress, _ byte: UInt8) -> Progress? {
        var next = progress
        switch (byte, progress.part) {
        case (UInt8(ascii: "-"), .nothing):
            guard !progress.isNegative else { return nil }
            next.isNegative = true
        case (UInt8(ascii: "."), .whole):
            guard decimals > 0 else { return nil }
            next.part = .fraction(0)
        case (0x30...0x39, .nothing):
            next.digits = Int(byte - 0x30)
            next.part = .whole
        case (0x30...0x39, .whole):
            guard progress.digits > 0, progress.digits <= Self.largest / 10 else { return nil }
            next.digits = progress.digits * 10 + Int(byte - 0x30)
        case (0x30...0x39, .fraction(let count)):
            guard count < decimals else { return nil }
            next.digits = progress.digits * 10 + Int(byte - 0x30)
            next.part = .fraction(count + 1)
        default: return nil
        }
        return isViable(next) ? next : nil
    }

    /// Whether the number can have more bytes.
    func goesOn(_ progress: Progress) -> Bool {
        "0123456789.-".utf8.contains { next(progress, $0) != nil }
    }

    /// Whether some allowed value begins so.
    private func isViable(_ progress: Progress) -> Bool {
        guard let allowed = magnitudes(isNegative: progress.isNegative) else { return false }
        switch progress.part {
        case .nothing: return holdsMultiple(allowed, in: allowed)
        case .fraction(let count):
            let width = Self.power(decimals - count)
            let (start, overflow) = progress.digits.multipliedReportingOverflow(by: width)
            return !overflow && holdsMultiple(start...start + width - 1, in: allowed)
        case .whole:
            // 0 takes no more digits before the point.
            var width = unit
            var (start, overflow) = progress.digits.multipliedReportingOverflow(by: width)
            while !overflow, start <= allowed.upperBound {
                if holdsMultiple(start...start + (width - 1), in: allowed) { return true }
                guard progress.digits > 0 else { return false }
                (width, overflow) = width.multipliedReportingOverflow(by: 10)
                guard !overflow else { return false }
                (start, overflow) = progress.digits.multipliedReportingOverflow(by: width)
                overflow = overflow || start > Int.max - width
            }
            return false
        }
    }

    /// The fewest bytes that end a number that has begun.
    ///
    /// - Precondition: an allowed value begins so.
    func shortestEnd(of progress: Progress) -> [UInt8] {
        if ends(progress) { return [] }
        if case .nothing = progress.part, !progress.isNegative {
            if let end = end(of: progress) { return end }
            return [UInt8(ascii: "-")] + shortestEnd(of: Progress(isNegative: true))
        }
        guard let end = end(of: progress) else {
            preconditionFailure("no number of \(self) begins as \(progress)")
        }
        return end
    }

    /// Of all ends, by their length, the first that leads to an allowed value.
    private func end(of progress: Progress) -> [UInt8]? {
        guard let allowed = magnitudes(isNegative: progress.isNegative) else { return nil }
        for length in 1...40 {
            switch progress.part {
            case .nothing, .whole:
                for fraction in 0...min(decimals, max(0, length - 1)) {
                    let whole = fraction == 0 ? length : length - fraction - 1
                    if let end = end(progress, whole, fraction, allowed) { return end }
                }
            case .fraction(let count):
                if length <= decimals - count, let end = end(progress, 0, count + length, allowed) {
                    return end
                }
            }
        }
        return nil
    }

    /// The end that adds so many digits before the point and leads to so many behind it.
    private func end(
        _ progress: Progress, _ whole: Int, _ fraction: Int, _ allowed: ClosedRange<Int>
    ) -> [UInt8]? {
        var written = 0
        let digits = progress.digits
        switch progress.part {
        case .nothing: guard whole > 0 else { return nil }
        case .whole: guard whole == 0 || digits > 0 else { return nil }
        case .fraction(let count): written = count
        }
        guard whole + fraction <= 18 else { return nil }
        let added = Self.power(whole + fraction - written)
        let (start, overflow) = digits.multipliedReportingOverflow(by: added)
        guard !overflow, start <= Self.largest else { return nil }
        var (least, most) = (start, start + added - 1)
        if progress.part == .nothing, whole > 1 { least = Self.power(whole - 1 + fraction) }
        // In units of the last digit.
        let width = Self.power(decimals - fraction)
        let step = multiple / Self.commonDivisor(multiple, width)
        least = max(least, (allowed.lowerBound + width - 1) / width)
        most = min(most, allowed.upperBound / width)
        guard least <= most else { return nil }
        let value = (least + step - 1) / step * step
        guard value <= most else { return nil }
        var text = Array(String(value).utf8)
        let shown = whole + fraction - written
        // Zeros in front that the number itself does not have, as in 0.05.
        while text.count < shown { text.insert(UInt8(ascii: "0"), at: 0) }
        text.removeFirst(text.count - shown)
        if fraction > 0, written == 0, progress.part != .fraction(0) {
            text.insert(UInt8(ascii: "."), at: whole)
        }
        return text
    }

    private static func commonDivisor(_ first: Int, _ second: Int) -> Int {
        second == 0 ? first : commonDivisor(second, first % second)
    }
}

/// Scalars by ranges, or all others.
package struct ScalarSet: Sendable, Equatable {
    package var ranges: [ClosedRange<UInt32>]
    package var isInverted = false
    /// Whether it was written as everything but a class such as `\d`, which languages draw
    /// differently beyond ASCII.
    package var excludesClass = false

    package init(
        ranges: [ClosedRange<UInt32>], isInverted: Bool = false, excludesClass: Bool = false
    ) {
        self.ranges = ranges
        self.isInverted = isInverted
        self.excludesClass = excludesClass
    }

    package func contains(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) } != isInverted
    }

    package var inverted: ScalarSet { ScalarSet(ranges: ranges, isInverted: !isInverted) }

    /// What `\D` is to `\d`.
    package static func allBut(_ characters: ScalarSet) -> ScalarSet {
        ScalarSet(
            ranges: characters.ranges, isInverted: !characters.isInverted, excludesClass: true)
    }

    /// The ranges that the set really covers.
    package var coveredRanges: [ClosedRange<UInt32>] {
        guard isInverted else { return ranges }
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if range.lowerBound > next { gaps.append(next...(range.lowerBound - 1)) }
            next = max(next, range.upperBound + 1)
        }
        if next <= 0x10FFFF { gaps.append(next...0x10FFFF) }
        return gaps
    }

    package static func one(_ scalar: Unicode.Scalar) -> ScalarSet {
        ScalarSet(ranges: [scalar.value...scalar.value])
    }

    package static let digit = ScalarSet(ranges: [0x30...0x39])
    package static let word = ScalarSet(ranges: [
        0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A,
    ])
    package static let space = ScalarSet(ranges: [
        0x09...0x0D, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x2000...0x200A, 0x2028...0x2029,
        0x202F...0x202F, 0x205F...0x205F, 0x3000...0x3000, 0xFEFF...0xFEFF,
    ])
    package static let lineEnd = ScalarSet(ranges: [0x0A...0x0A, 0x0D...0x0D, 0x2028...0x2029])
}

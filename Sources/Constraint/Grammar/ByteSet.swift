/// A set of bytes.
struct ByteSet: Hashable, Sendable {
    private var words = SIMD4<UInt64>()

    init() {}

    init(_ ranges: ClosedRange<UInt8>...) {
        for range in ranges { insert(range) }
    }

    mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

    /// The byte that stands for the set where any of them will do: a letter, a digit, or the first.
    var example: UInt8 {
        let preferred: [ClosedRange<UInt8>] = [0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0...0xFF]
        return preferred.lazy.compactMap { range in range.first { contains($0) } }.first ?? 0
    }
}

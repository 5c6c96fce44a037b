/// A fast hash for the tables of a tokenizer, with a seed that differs from run to run, so that no
/// file can be made whose tokens all collide.
struct SeededHash: Sendable {
    private static let shared = SeededHash(
        multiplier: UInt64.random(in: 0...UInt64.max), start: UInt64.random(in: 0...UInt64.max))

    private let multiplier: UInt64
    private let start: UInt64

    /// The hash of this process.
    init() { self = Self.shared }

    private init(multiplier: UInt64, start: UInt64) {
        // An odd number with its highest bit set spreads every bit of the value.
        self.multiplier = multiplier | 1 << 63 | 1
        self.start = start
    }

    @inline(__always)
    func value(of number: UInt64) -> UInt64 { mixed(mixed(start ^ number) ^ number) }

    @inline(__always)
    func value(of bytes: some Sequence<UInt8>) -> UInt64 {
        var hash = start
        for byte in bytes { hash = mixed(hash ^ UInt64(byte)) }
        return hash
    }

    /// Both halves of the product, folded into one.
    @inline(__always)
    private func mixed(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: multiplier)
        return product.high ^ product.low
    }
}

import Video

/// A SHA-256: the name of a content.
public struct ContentHash: Sendable, Hashable {
    public static let byteCount = 32

    public let bytes: [UInt8]

    /// Nil for another number of bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = Array(bytes)
    }

    /// 64 hexadecimal digits.
    public var text: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
    }
}

extension ContentHash: Comparable {
    public static func < (one: Self, other: Self) -> Bool {
        one.bytes.lexicographicallyPrecedes(other.bytes)
    }
}

/// Makes a hash of values of several kinds. Kind and length of each go in with it, so that no two
/// lists of values look the same.
package struct ContentDigest: ~Copyable {
    private var state: SHA256

    package init() throws(VideoError) { state = try SHA256() }

    package mutating func add(_ number: Int) {
        head(1, number)
    }

    /// By its bits: what reads as the same number is the same number.
    package mutating func add(_ number: Double) {
        head(2, Int(bitPattern: UInt(number.bitPattern)))
    }

    package mutating func add(_ text: String) {
        let bytes = Array(text.utf8)
        head(3, bytes.count)
        state.update(bytes)
    }

    package mutating func add(_ bytes: [UInt8]) {
        head(4, bytes.count)
        state.update(bytes)
    }

    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        head(4, bytes.count)
        state.update(bytes)
    }

    package mutating func add(_ hash: ContentHash?) {
        guard let hash else { return head(5, 0) }
        add(hash.bytes)
    }

    /// 32-bit numbers by their bits.
    package mutating func add(_ numbers: [Float]) {
        numbers.withUnsafeBytes { add($0) }
    }

    package mutating func add(_ numbers: [Int32]) {
        numbers.withUnsafeBytes { add($0) }
    }

    package mutating func add(_ numbers: [Int]) {
        numbers.withUnsafeBytes { add($0) }
    }

    /// The end of the digest.
    package mutating func finish() -> ContentHash {
        let bytes = state.finish()
        guard let hash = ContentHash(bytes) else {
            preconditionFailure("a SHA-256 of \(bytes.count) bytes")
        }
        return hash
    }

    private mutating func head(_ kind: UInt8, _ number: Int) {
        var bytes: [UInt8] = [kind]
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
        state.update(bytes)
    }
}

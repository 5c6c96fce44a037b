import Compute

/// A stable 128-bit name for content: FNV-1a over bytes.
///
/// It tells checkpoints apart; it is no proof against somebody who wants two to look the same.
struct Fingerprint {
    private var state: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    private static let prime: UInt128 = (1 << 88) | 0x13b

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { state = (state ^ UInt128(byte)) &* Self.prime }
    }

    /// Adds a text with its length, so that neighbours cannot run together.
    mutating func add(_ text: String) {
        add(text.utf8.count)
        add(text.utf8)
    }

    mutating func add(_ number: Int) {
        for shift in stride(from: 0, to: 64, by: 8) {
            add(CollectionOfOne(UInt8(truncatingIfNeeded: number >> shift)))
        }
    }

    /// 32 hexadecimal digits.
    var text: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 32 - digits.utf8.count) + digits
    }
}

extension Fingerprint {
    /// Bytes that are sampled at the front, in the middle and at the end of a tensor.
    private static let sampleBytes = 4096

    /// A name for this content that does not need all of it to be read.
    ///
    /// It covers the bytes of the configuration, the size of every file, and of every tensor the
    /// name, type, shape and the first, middle and last 4 KiB. Two checkpoints that differ only
    /// elsewhere have the same fingerprint; training changes nearly every weight, so this does
    /// not happen by itself.
    static func of(
        config: some Collection<UInt8>, files: [MappedFile], tensors: some Sequence<StoredTensor>
    ) -> String {
        var print = Fingerprint()
        print.add(config.count)
        print.add(config)
        for file in files { print.add(file.count) }
        // Sorted by the spelled name's bytes: independent of the order in an index.
        let all = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for tensor in all {
            print.add(tensor.name)
            print.add(tensor.scalar)
            print.add(tensor.shape.count)
            for dimension in tensor.shape { print.add(dimension) }
            let bytes = tensor.bytes
            let length = min(sampleBytes, bytes.count)
            let last = bytes.count - length
            for start in Set([0, last / 2, last]).sorted() {
                print.add(bytes[start..<start + length])
            }
        }
        return print.text
    }
}

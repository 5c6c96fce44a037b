import Compute

/// Even noise that is the same in every run.
struct Noise {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    /// In −1 ..< 1.
    mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) / Float(1 << 23) - 1
    }

    mutating func floats(_ count: Int, scale: Float = 1) -> [Float] {
        (0..<count).map { _ in next() * scale }
    }
}

/// The sets that this processor runs; scalar is always one of them.
let availableSets = InstructionSet.allCases.filter(\.isAvailable)

func buffer(_ numbers: [Float]) throws -> FloatBuffer {
    var result = try FloatBuffer(count: numbers.count)
    numbers.withUnsafeBufferPointer { result.write($0, at: 0) }
    return result
}

extension FloatBuffer {
    var all: [Float] { array(0..<count) }
}

/// A weight in any storage, and the numbers that the storage holds after rounding.
struct StoredWeight {
    let matrix: WeightMatrix
    let values: [Float]

    /// - Parameter offset: bytes before the first number; 2 makes 32-bit numbers misaligned, as in
    ///   a mapped file.
    init(_ numbers: [Float], rows: Int, columns: Int, type: ScalarType, offset: Int = 0) throws {
        var kept = numbers
        let storage = try OwnedBytes(count: numbers.count * type.size + offset) { bytes in
            for (index, number) in numbers.enumerated() {
                let at = offset + index * type.size
                switch type {
                case .f32: bytes.storeBytes(of: number, toByteOffset: at, as: Float.self)
                case .bf16:
                    let bits = UInt16(truncatingIfNeeded: number.bitPattern >> 16)
                    bytes.storeBytes(of: bits, toByteOffset: at, as: UInt16.self)
                    kept[index] = Float(bitPattern: UInt32(bits) << 16)
                case .f16:
                    let half = Float16(number)
                    bytes.storeBytes(of: half, toByteOffset: at, as: Float16.self)
                    kept[index] = Float(half)
                }
            }
        }
        matrix = WeightMatrix(
            rows: rows, columns: columns, format: WeightFormat(type), storage: storage,
            offset: offset)
        values = kept
    }
}

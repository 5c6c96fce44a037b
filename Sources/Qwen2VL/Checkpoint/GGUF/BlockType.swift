/// A block format of GGUF files: a few dozen numbers of a row with scales of their own.
package enum BlockType: String, Sendable, CaseIterable {
    case q40 = "q4_0"
    case q41 = "q4_1"
    case q50 = "q5_0"
    case q51 = "q5_1"
    case q80 = "q8_0"
    case q4K = "q4_k"
    case q5K = "q5_k"
    case q6K = "q6_k"

    /// Numbers of a block.
    package var count: Int {
        switch self {
        case .q40, .q41, .q50, .q51, .q80: 32
        case .q4K, .q5K, .q6K: 256
        }
    }

    /// Bytes of a block.
    package var size: Int {
        switch self {
        case .q40: 18
        case .q41: 20
        case .q50: 22
        case .q51: 24
        case .q80: 34
        case .q4K: 144
        case .q5K: 176
        case .q6K: 210
        }
    }

    /// The numbers of whole blocks, in 32 bits.
    package func expand(
        _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableBufferPointer<Float>
    ) {
        let blocks = target.count / count
        precondition(
            target.count == blocks * count && bytes.count == blocks * size,
            "\(bytes.count) bytes of \(self) for \(target.count) numbers")
        guard blocks > 0, var from = bytes.baseAddress, var to = target.baseAddress else { return }
        for _ in 0..<blocks {
            let block = Block(bytes: from)
            switch self {
            case .q40: block.expandFours(minimumAt: nil, highAt: nil, levelsAt: 2, into: to)
            case .q41: block.expandFours(minimumAt: 2, highAt: nil, levelsAt: 4, into: to)
            case .q50: block.expandFours(minimumAt: nil, highAt: 2, levelsAt: 6, into: to)
            case .q51: block.expandFours(minimumAt: 2, highAt: 4, levelsAt: 8, into: to)
            case .q80: block.expandBytes(into: to)
            case .q4K: block.expandSuper(highAt: nil, levelsAt: 16, into: to)
            case .q5K: block.expandSuper(highAt: 16, levelsAt: 48, into: to)
            case .q6K: block.expandSixes(into: to)
            }
            from += size
            to += count
        }
    }
}

/// The bytes of one block.
private struct Block {
    let bytes: UnsafeRawPointer

    @inline(__always)
    private func byte(_ index: Int) -> UInt8 { bytes.load(fromByteOffset: index, as: UInt8.self) }

    @inline(__always)
    private func half(_ index: Int) -> Float {
        ScalarConversion.float(
            f16: UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt16.self)))
    }

    /// 32 numbers: the low nibbles of 16 bytes, then the high ones, with a fifth bit from a word
    /// of 32 bits where there is one. Without a minimum, zero lies in the middle of the levels.
    @inline(__always)
    func expandFours(
        minimumAt: Int?, highAt: Int?, levelsAt: Int, into to: UnsafeMutablePointer<Float>
    ) {
        let scale = half(0)
        let middle: Int32 = minimumAt != nil ? 0 : highAt == nil ? 8 : 16
        let minimum = minimumAt.map { half($0) } ?? 0
        let high =
            highAt.map {
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
            } ?? 0
        for index in 0..<16 {
            let pair = UInt32(byte(levelsAt + index))
            let first = Int32(pair & 15 | (high >> UInt32(index) & 1) << 4)
            let second = Int32(pair >> 4 | (high >> UInt32(index + 16) & 1) << 4)
            to[index] = scale * Float(first - middle) + minimum
            to[index + 16] = scale * Float(second - middle) + minimum
        }
    }

    @inline(__always)
    func expandBytes(into to: UnsafeMutablePointer<Float>) {
        let scale = half(0)
        for index in 0..<32 { to[index] = scale * Float(Int8(bitPattern: byte(2 + index))) }
    }

    /// Scale and minimum of one of the eight parts of a block of 256: 6 bits each. The first four
    /// lie in bytes of their own; of the others, four bits lie together in a byte and two on top
    /// of the first four.
    @inline(__always)
    private func part(_ index: Int) -> (scale: Float, minimum: Float) {
        let at = 4
        if index < 4 {
            return (Float(byte(at + index) & 63), Float(byte(at + 4 + index) & 63))
        }
        let low = byte(at + 4 + index)
        return (
            Float(low & 15 | (byte(at + index - 4) >> 6) << 4),
            Float(low >> 4 | (byte(at + index) >> 6) << 4)
        )
    }

    /// 256 numbers in eight parts; two parts share 32 bytes of nibbles. A fifth bit comes from a
    /// bit of 32 bytes, one bit for each part.
    @inline(__always)
    func expandSuper(highAt: Int?, levelsAt: Int, into to: UnsafeMutablePointer<Float>) {
        let (scale, minimum) = (half(0), half(2))
        for index in 0..<8 {
            let part = part(index)
            let (step, offset) = (scale * part.scale, minimum * part.minimum)
            let levels = levelsAt + index / 2 * 32
            let shift = UInt8(index % 2 * 4)
            for place in 0..<32 {
                var level = byte(levels + place) >> shift & 15
                if let highAt { level |= (byte(highAt + place) >> UInt8(index) & 1) << 4 }
                to[index * 32 + place] = step * Float(level) - offset
            }
        }
    }

    /// 256 numbers of 6 bits around zero, in two halves; 16 share a scale of 8 bits.
    @inline(__always)
    func expandSixes(into to: UnsafeMutablePointer<Float>) {
        let scale = half(208)
        for index in 0..<8 {
            // Four runs of 32 in a half of 128: low nibbles of two runs, then high ones.
            let (side, run) = (index / 4, index % 4)
            let low = side * 64 + run % 2 * 32
            let high = 128 + side * 32
            for place in 0..<32 {
                let four = byte(low + place) >> UInt8(run / 2 * 4) & 15
                let two = byte(high + place) >> UInt8(run * 2) & 3
                let own = Int8(bitPattern: byte(192 + index * 2 + place / 16))
                to[index * 32 + place] = scale * Float(own) * Float(Int32(four | two << 4) - 32)
            }
        }
    }
}

import Compute

/// Exact widening and rounded narrowing between the storage types of weights.
///
/// Written without branches where it matters, so that the compiler turns the loops into vectors.
package enum ScalarConversion {
    /// The upper half of the number, rounded to nearest, ties to even; a NaN stays one.
    @inline(__always)
    package static func bf16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let rounded = (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16
        // Rounding could carry a NaN into infinity; its quiet bit keeps it.
        let isNaN = bits & 0x7FFF_FFFF > 0x7F80_0000
        return UInt16(truncatingIfNeeded: isNaN ? (bits >> 16) | 0x40 : rounded)
    }

    @inline(__always)
    package static func float(bf16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    /// Half precision, rounded to nearest, ties to even; too large becomes infinite.
    @inline(__always)
    package static func f16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = (bits >> 16) & 0x8000
        let magnitude = bits & 0x7FFF_FFFF
        // Below 2⁻¹⁴ the half is a multiple of 2⁻²⁴, which is the last place of 0.5.
        let small = (Float(bitPattern: magnitude) + 0.5).bitPattern &- 0x3F00_0000
        // From there on only the exponent's bias differs: 15 instead of 127.
        let normal = (magnitude &- 0x3800_0000 &+ 0xFFF &+ ((magnitude >> 13) & 1)) >> 13
        let large: UInt32 = magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00
        let half = magnitude < 0x3880_0000 ? small : magnitude >= 0x477F_F000 ? large : normal
        return UInt16(truncatingIfNeeded: sign | half)
    }

    @inline(__always)
    package static func float(f16 half: UInt16) -> Float {
        let magnitude = UInt32(half & 0x7FFF) << 13
        // The product moves the bias from 15 to 127, exactly, subnormal halves included.
        let scaled = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
        let infinite: UInt32 = magnitude >= 0x0F80_0000 ? 0x7F80_0000 : 0
        return Float(bitPattern: scaled | infinite | UInt32(half & 0x8000) << 16)
    }

    /// Widens numbers to 32 bits.
    ///
    /// - Parameter source: of any alignment.
    static func widen(
        _ source: UnsafeRawBufferPointer, _ type: ScalarType,
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(source.count == target.count * type.size, "\(source.count) bytes of \(type)")
        switch type {
        case .f32:
            for index in target.indices {
                target[index] = source.loadUnaligned(fromByteOffset: index &* 4, as: Float.self)
            }
        case .bf16:
            for index in target.indices {
                target[index] = float(
                    bf16: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
            }
        case .f16:
            for index in target.indices {
                target[index] = float(
                    f16: source.loadUnaligned(fromByteOffset: index &* 2, as: UInt16.self))
            }
        }
    }

    /// Turns numbers of one type into another.
    ///
    /// - Parameters:
    ///   - source: of any alignment.
    ///   - target: aligned for its type.
    /// - Returns: whether every number is finite in the narrower range of half precision, where
    ///   that is the target; true otherwise.
    @discardableResult
    static func convert(
        _ source: UnsafeRawBufferPointer, _ type: ScalarType,
        into target: UnsafeMutableRawBufferPointer, _ targetType: ScalarType
    ) -> Bool {
        let count = source.count / type.size
        precondition(target.count == count * targetType.size, "\(target.count) bytes for \(count)")
        if type == targetType {
            target.copyMemory(from: source)
            return true
        }
        if targetType == .f32 {
            widen(source, type, into: target.bindMemory(to: Float.self))
            return true
        }
        let narrow = target.bindMemory(to: UInt16.self)
        // Through a block of 32-bit numbers that stays in the cache.
        let block = 4096
        var highest: UInt16 = 0
        withUnsafeTemporaryAllocation(of: Float.self, capacity: block) { wide in
            for start in stride(from: 0, to: count, by: block) {
                let length = min(block, count - start)
                let part = UnsafeMutableBufferPointer(rebasing: wide[..<length])
                let bytes = start * type.size..<(start + length) * type.size
                widen(UnsafeRawBufferPointer(rebasing: source[bytes]), type, into: part)
                if targetType == .bf16 {
                    for index in 0..<length { narrow[start &+ index] = bf16(part[index]) }
                } else {
                    for index in 0..<length {
                        let half = f16(part[index])
                        narrow[start &+ index] = half
                        highest = max(highest, half & 0x7FFF)
                    }
                }
            }
        }
        return highest < 0x7C00
    }
}

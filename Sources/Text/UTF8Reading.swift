/// The scalar that starts at a position of valid UTF-8, and the position after it.
struct ScalarAt {
    let value: UInt32
    let end: Int
}

extension [UInt8] {
    /// The scalar that starts at `position`.
    ///
    /// The bytes must be those of a `String`, so every sequence is whole and in range.
    @inline(__always)
    func scalar(at position: Int) -> ScalarAt {
        let lead = UInt32(self[position])
        if lead < 0x80 { return ScalarAt(value: lead, end: position + 1) }
        let second = UInt32(self[position + 1] & 0x3F)
        if lead < 0xE0 {
            return ScalarAt(value: (lead & 0x1F) << 6 | second, end: position + 2)
        }
        let third = UInt32(self[position + 2] & 0x3F)
        if lead < 0xF0 {
            return ScalarAt(
                value: (lead & 0x0F) << 12 | second << 6 | third, end: position + 3)
        }
        let fourth = UInt32(self[position + 3] & 0x3F)
        return ScalarAt(
            value: (lead & 0x07) << 18 | second << 12 | third << 6 | fourth, end: position + 4)
    }

    /// Adds the UTF-8 of a scalar that came from valid text.
    mutating func append(scalar value: UInt32) {
        switch value {
        case 0..<0x80:
            append(UInt8(value))
        case 0..<0x800:
            append(0xC0 | UInt8(value >> 6))
            append(0x80 | UInt8(value & 0x3F))
        case 0..<0x10000:
            append(0xE0 | UInt8(value >> 12))
            append(0x80 | UInt8(value >> 6 & 0x3F))
            append(0x80 | UInt8(value & 0x3F))
        default:
            append(0xF0 | UInt8(value >> 18 & 0x07))
            append(0x80 | UInt8(value >> 12 & 0x3F))
            append(0x80 | UInt8(value >> 6 & 0x3F))
            append(0x80 | UInt8(value & 0x3F))
        }
    }
}

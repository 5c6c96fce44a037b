/// The printable characters that stand for bytes in tokenizer files.
///
/// Bytes that are printable in Latin-1 stand for themselves; the other 68, in ascending order, are
/// U+0100 and the characters after it.
/// - Source: spec section 6.2.
enum ByteAlphabet {
    /// By the value of a character below U+0144, the byte it stands for.
    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 0x144)
        var next = 0x100
        for byte in UInt8.min...UInt8.max {
            switch byte {
            case 33...126, 161...172, 174...255:
                bytes[Int(byte)] = byte
            default:
                bytes[next] = byte
                next += 1
            }
        }
        return bytes
    }()

    /// Adds the bytes that the characters of `text` stand for.
    ///
    /// - Returns: false where a character stands for none; part of the text may then be added.
    static func append(_ text: String.UTF8View.SubSequence, to output: inout [UInt8]) -> Bool {
        let table = bytes
        var lead: UInt8?
        for unit in text {
            let character: Int
            switch (lead, unit) {
            case (nil, 0..<0x80): character = Int(unit)
            case (nil, 0xC2...0xC5):
                lead = unit
                continue
            case (let first?, _): character = Int(first & 0x1F) << 6 | Int(unit & 0x3F)
            default: return false
            }
            lead = nil
            guard character < table.count, let byte = table[character] else { return false }
            output.append(byte)
        }
        return true
    }
}

import OrderedJSON

/// Finds the line of a value in the text it was read from.
enum JSONLocator {
    /// - Parameters:
    ///   - path: JSON pointer to a value.
    ///   - bytes: a text that is known to be one JSON value.
    /// - Returns: the line from 1 where the value starts, or the nearest value around it.
    static func line(of path: String, in bytes: [UInt8]) -> Int {
        var scanner = JSONScanner(bytes: bytes)
        for step in JSONPointer.steps(of: path) ?? [] {
            guard scanner.enter(step) else { break }
        }
        scanner.skipSpace()
        return 1 + bytes[..<min(scanner.position, bytes.count)].count { $0 == UInt8(ascii: "\n") }
    }
}

/// Walks over sound JSON text without making values of it.
private struct JSONScanner {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    private var byte: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
            position += 1
        }
    }

    /// Goes to the child `step` of the value at hand; stays where it is when there is none.
    mutating func enter(_ step: String) -> Bool {
        skipSpace()
        let start = position
        let isObject = byte == UInt8(ascii: "{")
        guard isObject || byte == UInt8(ascii: "[") else { return false }
        let wanted = Array(step.utf8)
        position += 1
        var index = 0
        while position < bytes.count {
            skipSpace()
            if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { break }
            if isObject {
                let key = stringContent()
                skipSpace()
                position += 1  // the colon
                skipSpace()
                if key == wanted { return true }
            } else if wanted == Array(String(index).utf8) {
                return true
            }
            skipValue()
            skipSpace()
            if byte == UInt8(ascii: ",") { position += 1 }
            index += 1
        }
        position = start
        return false
    }

    private mutating func skipValue() {
        var depth = 0
        repeat {
            skipSpace()
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                position += 1
            case UInt8(ascii: "\""): _ = stringContent()
            case UInt8(ascii: ","), UInt8(ascii: ":"): position += 1
            default:
                let start = position
                while position < bytes.count,
                    ![0x2C, 0x5D, 0x7D, 0x20, 0x09, 0x0A, 0x0D].contains(byte)
                {
                    position += 1
                }
                if position == start { return }
            }
        } while depth > 0 && position < bytes.count
    }

    /// The bytes between the quotation marks; a name with an escape matches none, and the line of
    /// the value around it is given instead.
    private mutating func stringContent() -> [UInt8] {
        position += 1
        let start = position
        while position < bytes.count, byte != UInt8(ascii: "\"") {
            position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        let end = min(position, bytes.count)
        position = end + 1
        return Array(bytes[start..<end])
    }
}

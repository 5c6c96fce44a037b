/// What is wrong with a JSON text, and where.
public struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
    public let reason: String
    /// Bytes before the fault.
    public let offset: Int
    /// Line of the fault, from 1.
    public let line: Int

    public var description: String { "not valid JSON: \(reason) at line \(line) (byte \(offset))" }
}

extension JSON {
    /// Reads one JSON text (RFC 8259) and nothing after it but white space.
    ///
    /// Bytes must be UTF-8; a byte order mark at the front is passed over. An escaped surrogate
    /// without its partner becomes U+FFFD.
    ///
    /// - Parameter maximumDepth: how deep arrays and objects may nest, so that a hostile text
    ///   cannot exhaust the stack.
    public static func parse(
        _ bytes: some Collection<UInt8>, maximumDepth: Int = 128
    ) throws(JSONSyntaxError) -> JSON {
        let contiguous = ContiguousArray(bytes)
        var parser = JSONParser(bytes: contiguous, maximumDepth: maximumDepth)
        return try parser.document()
    }

    /// Reads one JSON text.
    public static func parse(
        _ text: String, maximumDepth: Int = 128
    ) throws(JSONSyntaxError) -> JSON {
        try parse(Array(text.utf8), maximumDepth: maximumDepth)
    }
}

/// A recursive descent over the bytes of one text.
private struct JSONParser {
    let bytes: ContiguousArray<UInt8>
    let maximumDepth: Int
    var position = 0

    init(bytes: ContiguousArray<UInt8>, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func document() throws(JSONSyntaxError) -> JSON {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw fault("text after the end of the value") }
        return value
    }

    private func fault(_ reason: String, at offset: Int? = nil) -> JSONSyntaxError {
        let offset = min(offset ?? position, bytes.count)
        let line = 1 + bytes[..<offset].count { $0 == UInt8(ascii: "\n") }
        return JSONSyntaxError(reason: reason, offset: offset, line: line)
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(JSONSyntaxError) -> JSON {
        guard depth <= maximumDepth else { throw fault("nested deeper than \(maximumDepth)") }
        skipSpace()
        guard let byte = next else { throw fault("the text ends where a value should stand") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("unexpected character")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON
    {
        let count = text.utf8CodeUnitCount
        guard position + count <= bytes.count else { throw fault("unexpected character") }
        for index in 0..<count where bytes[position + index] != text.utf8Start[index] {
            throw fault("unexpected character")
        }
        position += count
        return value
    }

    private mutating func object(depth: Int) throws(JSONSyntaxError) -> JSON {
        position += 1
        var members: [JSONObject.Member] = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(JSONObject())
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("expected the name of a member") }
            let key = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw fault("expected ':'") }
            position += 1
            members.append(JSONObject.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
            guard let byte = next else { throw fault("the text ends inside an object") }
            position += 1
            if byte == UInt8(ascii: "}") { return .object(JSONObject(members)) }
            guard byte == UInt8(ascii: ",") else {
                throw fault("expected ',' or '}'", at: position - 1)
            }
        }
    }

    private mutating func array(depth: Int) throws(JSONSyntaxError) -> JSON {
        position += 1
        var elements: [JSON] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            guard let byte = next else { throw fault("the text ends inside an array") }
            position += 1
            if byte == UInt8(ascii: "]") { return .array(elements) }
            guard byte == UInt8(ascii: ",") else {
                throw fault("expected ',' or ']'", at: position - 1)
            }
        }
    }

    private mutating func number() throws(JSONSyntaxError) -> JSON {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        let whole = digits()
        guard whole > 0 else { throw fault("expected a digit") }
        let first = bytes[position - whole]
        guard whole == 1 || first != UInt8(ascii: "0") else {
            throw fault("a number with a leading zero", at: start)
        }
        if next == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { throw fault("expected a digit") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            guard digits() > 0 else { throw fault("expected a digit") }
        }
        let literal = String(decoding: bytes[start..<position], as: UTF8.self)
        return .number(JSONNumber(verified: literal))
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            position += 1
        }
        return position - start
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        let opening = position
        position += 1
        let start = position
        // Nearly every string has no escape: one scan, one copy.
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20
        {
            position += 1
        }
        if next == UInt8(ascii: "\"") {
            let text = try utf8(bytes[start..<position], at: start)
            position += 1
            return text
        }
        var content = Array(bytes[start..<position])
        while true {
            guard let byte = next else { throw fault("a string without an end", at: opening) }
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try utf8(content[...], at: start)
            case UInt8(ascii: "\\"): try escape(into: &content)
            case 0..<0x20: throw fault("a control character inside a string", at: position - 1)
            default: content.append(byte)
            }
        }
    }

    private func utf8(
        _ content: some Collection<UInt8>, at offset: Int
    ) throws(JSONSyntaxError) -> String {
        guard let text = String(validating: content, as: UTF8.self) else {
            throw fault("a string that is not UTF-8", at: offset)
        }
        return text
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONSyntaxError) {
        guard let byte = next else { throw fault("the text ends inside an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try hexUnit()
            var scalar = Unicode.Scalar(unit) ?? "\u{FFFD}"
            if (0xD800..<0xDC00).contains(unit), position + 1 < bytes.count,
                bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
            {
                let rewind = position
                position += 2
                let low = try hexUnit()
                if (0xDC00..<0xE000).contains(low) {
                    let value = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                    scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
                } else {
                    position = rewind
                }
            }
            content.append(contentsOf: Array(String(Character(scalar)).utf8))
        default: throw fault("an unknown escape", at: position - 2)
        }
    }

    private mutating func hexUnit() throws(JSONSyntaxError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw fault("the text ends inside an escape") }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw fault("expected four hexadecimal digits")
            }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }
}

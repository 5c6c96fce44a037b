/// Why bytes from another process are not what they should be.
package enum WireError: Error, Sendable, Equatable {
    case truncated
    case leftover(bytes: Int)
    /// A value outside of what the field allows.
    case invalid(String)
}

/// A value that can be sent to another process of this program.
///
/// Both ends are the same program, so there is one form, without tags or optional fields: whole
/// numbers and floats are 8 bytes, little-endian. The reading side trusts nothing.
package protocol WireValue {
    init(from reader: inout WireReader) throws(WireError)
    func write(to writer: inout WireWriter)
}

extension WireValue {
    package var wireBytes: [UInt8] {
        var writer = WireWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// Reads a value that fills all of `bytes`.
    package init(wireBytes bytes: ArraySlice<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        self = try Self(from: &reader)
        try reader.finish()
    }
}

/// Puts values one behind the other.
package struct WireWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func put(_ value: Int) {
        withUnsafeBytes(of: Int64(value).littleEndian) { bytes += $0 }
    }

    package mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }

    package mutating func put(_ value: Double) { put(Int(bitPattern: UInt(value.bitPattern))) }

    package mutating func put(_ value: String) {
        let text = Array(value.utf8)
        put(text.count)
        bytes += text
    }

    /// Bytes without their number, as the last part of a message.
    package mutating func append(_ more: [UInt8]) { bytes += more }

    package mutating func put(_ value: some WireValue) { value.write(to: &self) }

    package mutating func put(_ value: (some WireValue)?) {
        put(value != nil)
        if let value { put(value) }
    }

    package mutating func put(_ values: [some WireValue]) {
        put(values.count)
        for value in values { put(value) }
    }
}

/// Takes values off the front of bytes that may be anything.
package struct WireReader {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// Longest text and list that are taken.
    package static let longestText = 1 << 20
    package static let longestList = 1 << 20

    private mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
        guard rest.count >= count else { throw .truncated }
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return taken
    }

    package mutating func int() throws(WireError) -> Int {
        let bytes = try take(8)
        return Int(bytes.reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) })
    }

    package mutating func int(in range: ClosedRange<Int>, _ name: String) throws(WireError) -> Int {
        let value = try int()
        guard range.contains(value) else { throw .invalid("\(name) \(value)") }
        return value
    }

    package mutating func bool() throws(WireError) -> Bool {
        switch try take(1).first {
        case 0: false
        case 1: true
        default: throw .invalid("truth value")
        }
    }

    /// A finite number.
    package mutating func double(_ name: String) throws(WireError) -> Double {
        let value = Double(bitPattern: UInt64(UInt(bitPattern: try int())))
        guard value.isFinite else { throw .invalid("\(name) \(value)") }
        return value
    }

    package mutating func string() throws(WireError) -> String {
        let count = try int(in: 0...Self.longestText, "text length")
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw .invalid("text")
        }
        return text
    }

    package mutating func value<Value: WireValue>() throws(WireError) -> Value {
        try Value(from: &self)
    }

    package mutating func optional<Value: WireValue>() throws(WireError) -> Value? {
        try bool() ? try Value(from: &self) : nil
    }

    package mutating func array<Value: WireValue>() throws(WireError) -> [Value] {
        let count = try int(in: 0...Self.longestList, "list length")
        // No room is reserved: the claim may be far more than the bytes that follow.
        var values: [Value] = []
        for _ in 0..<count { values.append(try Value(from: &self)) }
        return values
    }

    /// What is left: the pixels of a picture.
    package mutating func remainder() -> ArraySlice<UInt8> {
        defer { rest = [] }
        return rest
    }

    package func finish() throws(WireError) {
        guard rest.isEmpty else { throw .leftover(bytes: rest.count) }
    }
}

extension String: WireValue {
    package init(from reader: inout WireReader) throws(WireError) { self = try reader.string() }
    package func write(to writer: inout WireWriter) { writer.put(self) }
}

extension Int: WireValue {
    package init(from reader: inout WireReader) throws(WireError) { self = try reader.int() }
    package func write(to writer: inout WireWriter) { writer.put(self) }
}

extension Double: WireValue {
    package init(from reader: inout WireReader) throws(WireError) {
        self = try reader.double("number")
    }
    package func write(to writer: inout WireWriter) { writer.put(self) }
}

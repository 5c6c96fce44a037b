/// A JSON value that keeps what a document says: the order of the members of an object, and the
/// digits of a number.
///
/// Documents promise an order of keys, manifests carry a user's data through untouched, and
/// checkpoint headers must not lose digits of 64-bit offsets. General JSON decoders keep none of
/// these.
public enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

/// The literal of a number, exactly as it stands in the text.
public struct JSONNumber: Sendable, Hashable {
    /// Digits, sign, point and exponent in JSON's grammar.
    public let literal: String

    /// Wraps a literal that is known to follow JSON's grammar.
    package init(verified literal: String) { self.literal = literal }

    public init(_ value: Int) { literal = String(value) }

    /// The value as a whole number, if it is one and fits 64 bits. `1.0` and `1e3` are whole too.
    public var int: Int? {
        if let exact = Int(literal) { return exact }
        guard let value = Double(literal) else { return nil }
        return Int(exactly: value)
    }

    /// The nearest double; infinite where the literal is too large.
    public var double: Double { Double(literal) ?? .nan }
}

/// The members of an object, in the order of the document.
public struct JSONObject: Sendable, Hashable {
    /// One name and its value.
    public struct Member: Sendable, Hashable {
        public var key: String
        public var value: JSON

        public init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }
    }

    /// All members in order, repeated names included.
    public var members: [Member]

    public init(_ members: [Member] = []) { self.members = members }

    /// The value of the last member called `key`, compared byte by byte, or nil.
    ///
    /// Setting replaces that member in place, appends a new one, or removes it for nil.
    /// Cost: linear; objects that are large are meant to be walked through `members`.
    public subscript(key: String) -> JSON? {
        get { lastIndex(of: key).map { members[$0].value } }
        set {
            switch (lastIndex(of: key), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The first name that stands more than once, or nil.
    public var firstRepeatedKey: String? {
        var seen = Set<[UInt8]>(minimumCapacity: members.count)
        return members.first { !seen.insert(Array($0.key.utf8)).inserted }?.key
    }

    private func lastIndex(of key: String) -> Int? {
        // String's == takes canonically equivalent texts for equal; names here are bytes.
        members.lastIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) {
        members = elements.map { Member(key: $0.0, value: $0.1) }
    }
}

// MARK: - Reading values

extension JSON {
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    public var int: Int? { if case .number(let value) = self { value.int } else { nil } }
    public var double: Double? { if case .number(let value) = self { value.double } else { nil } }
    public var isNull: Bool { self == .null }

    /// The member `key` of an object; nil for other values and missing members.
    public subscript(key: String) -> JSON? { object?[key] }

    /// The element at `index` of an array; nil for other values and beyond the end.
    public subscript(index: Int) -> JSON? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }
}

// MARK: - Making values

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(nilLiteral: ()) { self = .null }
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(
            JSONObject(elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
    }

    public static func int(_ value: Int) -> JSON { .number(JSONNumber(value)) }

    /// A number with at most `decimals` decimals, trailing zeros dropped; null where it is not
    /// finite, as JSON has no word for that.
    ///
    /// - Parameter decimals: 0 to 15. Rounds half to even on the exact value of the double.
    public static func decimal(_ value: Double, decimals: Int = 6) -> JSON {
        guard value.isFinite else { return .null }
        return .number(JSONNumber(verified: DecimalText.text(of: value, decimals: decimals)))
    }
}

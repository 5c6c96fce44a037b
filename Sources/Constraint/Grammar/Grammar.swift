/// Place of a node in a grammar.
typealias NodeID = Int32

/// One rule of a grammar over bytes.
enum GrammarNode: Hashable, Sendable {
    /// These bytes, at least one.
    case literal([UInt8])
    /// One character: an index of ``Grammar/characters``.
    case character(Int)
    case sequence([NodeID])
    /// None of them stands for nothing at all: no text fits.
    case alternatives([NodeID])
    /// - most: nil where there is no bound.
    case repetition(NodeID, least: Int, most: Int?)
    /// What a place of the schema says, which may not be read yet: an index of ``Grammar/targets``.
    case reference(Int)
    case number(NumberRule)
    /// Indices of the rules.
    case object(Int)
    case array(Int)
    case distinct(Int)
    /// One of the instants.
    case time(TimeForm)
}

/// How an instant is written.
enum TimeForm: Hashable, Sendable {
    /// Seconds.
    case number
    /// `"HH:MM:SS.mmm"`, quoted.
    case string
}

/// An object: its members in order.
struct ObjectRule: Hashable, Sendable {
    struct Property: Hashable, Sendable {
        /// The literal `"name": `, and the same behind a comma.
        var key: NodeID
        var separatedKey: NodeID
        var value: NodeID
        var isRequired: Bool
    }

    /// Members of any name that is not among the properties.
    struct Free: Hashable, Sendable {
        /// The name, its quotes and what follows up to the value.
        var key: NodeID
        var value: NodeID
    }

    var properties: [Property]
    var free: Free?
    var least: Int
    var most: Int?

    /// Required properties from an index on; one entry more than there are properties.
    var requiredFrom: [Int]

    init(properties: [Property], free: Free?, least: Int, most: Int?) {
        self.properties = properties
        self.free = free
        self.least = least
        self.most = most
        requiredFrom = [0]
        for property in properties.reversed() {
            requiredFrom.append((requiredFrom.last ?? 0) + (property.isRequired ? 1 : 0))
        }
        requiredFrom.reverse()
    }

    /// Whether the required properties are too few, and one of free name must be written.
    var needsFree: Bool { least > requiredFrom[0] }
}

/// An array: items of their own in front, then items of one kind.
struct ArrayRule: Hashable, Sendable {
    var prefix: [NodeID]
    /// Nil: nothing behind the prefix.
    var rest: NodeID?
    var least: Int
    var most: Int?
    /// Whether times never go back from item to item.
    var isOrdered: Bool

    func item(at index: Int) -> NodeID? { index < prefix.count ? prefix[index] : rest }
}

/// An array whose items are different ones of a few literals.
struct DistinctRule: Hashable, Sendable {
    /// At most ``largest``.
    var options: [NodeID]
    var least: Int
    var most: Int

    static let largest = 62
}

/// The instants at which a video was sampled, as documents write them.
public struct SampledInstants: Sendable, Equatable {
    /// A time in both of its forms.
    public struct Instant: Sendable, Equatable {
        /// Seconds, a JSON number.
        public var seconds: String
        /// `HH:MM:SS.mmm`
        public var timecode: String

        public init(seconds: String, timecode: String) {
            self.seconds = seconds
            self.timecode = timecode
        }
    }

    /// Ascending.
    public let instants: [Instant]

    public init(_ instants: [Instant]) { self.instants = instants }

    /// Stands in where a schema is only checked.
    public static let placeholder = SampledInstants([
        Instant(seconds: "0", timecode: "00:00:00.000")
    ])
}

/// What a schema allows, as rules over bytes; immutable, so any number of tasks may share one.
public struct Grammar: Sendable {
    /// How deep arrays and objects may nest.
    static let maximumDepth = 64
    /// Bytes of the shortest text of any rule.
    static let longestShortest = 1 << 20

    let nodes: [GrammarNode]
    let characters: [CharacterRule]
    let objects: [ObjectRule]
    let arrays: [ArrayRule]
    let distincts: [DistinctRule]
    /// What references stand for.
    let targets: [NodeID]
    let root: NodeID
    let marks: Punctuation
    let times: TimeNodes
    let measures: GrammarMeasures
    let classes: ByteClasses
}

/// The literals of the instants, ascending, where a rule asks for them.
struct TimeNodes: Sendable {
    var number: [NodeID]
    var string: [NodeID]
    /// Instants, however they are written.
    var count: Int

    subscript(form: TimeForm) -> [NodeID] { form == .number ? number : string }
}

/// The literals that hold JSON together, in the one style that is written: `{"a": 1, "b": [1, 2]}`.
struct Punctuation: Sendable {
    var objectStart, objectEnd, arrayStart, arrayEnd, separator: NodeID
}

/// Bytes that no rule tells apart, each group under one small number.
struct ByteClasses: Sendable {
    /// By byte.
    private(set) var classes = [UInt16](repeating: 0, count: 256)
    private(set) var count = 1

    init(_ nodes: [GrammarNode], _ characters: [CharacterRule]) {
        var single = ByteSet(0x30...0x39, 0x2D...0x2E)
        for node in nodes {
            guard case .literal(let bytes) = node else { continue }
            for byte in bytes { single.insert(byte...byte) }
        }
        for rule in characters {
            split { byte in (0..<rule.stateCount).map { rule.next($0, UInt8(byte)) } }
        }
        split { single.contains(UInt8($0)) ? $0 + 1 : 0 }
    }

    /// Parts classes whose bytes have different keys.
    private mutating func split<Key: Hashable>(_ key: (Int) -> Key) {
        var numbers: [ClassPart<Key>: UInt16] = [:]
        for byte in 0..<256 {
            let part = ClassPart(whole: classes[byte], key: key(byte))
            let number = numbers[part] ?? UInt16(numbers.count)
            numbers[part] = number
            classes[byte] = number
        }
        count = numbers.count
    }
}

private struct ClassPart<Key: Hashable>: Hashable {
    var whole: UInt16
    var key: Key
}

import Compute

/// A value of a GGUF file's metadata.
enum GGUFValue: Sendable {
    case integer(Int)
    case number(Double)
    case bool(Bool)
    case string(String)
    case array(GGUFArray)
}

/// A list in a GGUF file's metadata, walked through once but not copied.
struct GGUFArray: Sendable {
    let type: UInt32
    let count: Int
    fileprivate let file: MappedFile
    /// Of the first element.
    fileprivate let offset: Int
}

/// Reads the metadata and the list of tensors of a GGUF file.
///
/// The file is hostile until it has been through here: every count, length, offset and type is
/// checked before it is used, and what comes out lies inside the file.
///
/// Source: spec appendix C; the format's own description for the order of fields.
struct GGUFReader {
    private static let magic: UInt32 = 0x4655_4747
    private static let versions: ClosedRange<UInt32> = 2...3
    private static let entryLimit = 1 << 16
    private static let nameLimit = 1 << 10
    private static let dimensionLimit = 4
    private static let elementLimit = 1 << 24
    static let stringType: UInt32 = 8
    private static let arrayType: UInt32 = 9

    /// By the number of the type; names of those that are not read tell what a file holds.
    private static let scalars: [UInt32: String] = [
        0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
        10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS",
        17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S",
        23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
        30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]

    /// Bytes of one value of a type of metadata; nil for texts, lists and unknown types.
    fileprivate static func width(_ type: UInt32) -> Int? {
        switch type {
        case 0, 1, 7: 1
        case 2, 3: 2
        case 4, 5, 6: 4
        case 10, 11, 12: 8
        default: nil
        }
    }

    let file: MappedFile
    let name: String
    private(set) var metadata: [String: GGUFValue] = [:]
    /// By name.
    private(set) var tensors: [String: StoredTensor] = [:]
    private(set) var faults: [Fault] = []
    private var position = 0

    /// Why reading cannot go on.
    private struct Stop: Error {
        var subject: String
        var problem: Fault.Problem

        init(_ subject: String, _ problem: Fault.Problem) {
            self.subject = subject
            self.problem = problem
        }
    }

    init(file: MappedFile, name: String) {
        self.file = file
        self.name = name
        do throws(Stop) {
            try read()
        } catch {
            faults.append(Fault(name, error.subject, error.problem))
        }
    }

    // MARK: - The file

    private mutating func read() throws(Stop) {
        guard try word() == Self.magic else {
            throw Stop("", .unreadable("not a GGUF file"))
        }
        let version = try word()
        guard Self.versions.contains(version) else {
            let isSwapped = Self.versions.contains(version.byteSwapped)
            throw Stop(
                "version",
                .unreadable(
                    isSwapped
                        ? "a file for big-endian machines, which is not read"
                        : "version \(version) is not read, only 2 and 3"))
        }
        let tensorCount = try count("the number of tensors", limit: Self.entryLimit)
        let entryCount = try count("the number of metadata entries", limit: Self.entryLimit)
        for _ in 0..<entryCount {
            let key = try string("a key", limit: Self.nameLimit)
            let value = try value(key, type: try word())
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw Stop(key, .repeated)
            }
        }
        try readTensors(tensorCount)
    }

    private mutating func readTensors(_ count: Int) throws(Stop) {
        struct Entry {
            var name: String
            var shape: [Int]
            var type: UInt32
            var offset: Int
        }
        var entries: [Entry] = []
        var seen: Set<String> = []
        for _ in 0..<count {
            let name = try string("the name of a tensor", limit: Self.nameLimit)
            let dimensions = try word()
            guard dimensions <= Self.dimensionLimit else {
                throw Stop(
                    name,
                    .outOfRange(
                        value: "\(dimensions) dimensions",
                        allowed: "at most \(Self.dimensionLimit)"))
            }
            var shape: [Int] = []
            for _ in 0..<dimensions {
                shape.append(try self.count("a dimension of \(name)", limit: 1 << 40))
            }
            let type = try word()
            let offset = try self.count("the offset of \(name)", limit: 1 << 56)
            guard seen.insert(name).inserted else { throw Stop(name, .repeated) }
            // The file names the fastest dimension first.
            entries.append(Entry(name: name, shape: shape.reversed(), type: type, offset: offset))
        }
        let alignment = try alignment()
        let dataStart = (position + alignment - 1) / alignment * alignment
        var found: [StoredTensor] = []
        for entry in entries {
            guard let scalar = Self.scalars[entry.type] else {
                report(entry.name, .wrongBlocks(found: "type \(entry.type)"))
                continue
            }
            guard let size = Self.byteCount(scalar, entry.shape) else {
                report(entry.name, Self.sizeProblem(scalar, entry.shape))
                continue
            }
            guard entry.offset % alignment == 0 else {
                report(
                    entry.name,
                    .outOfRange(
                        value: "offset \(entry.offset)", allowed: "a multiple of \(alignment)"))
                continue
            }
            found.append(
                StoredTensor(
                    name: entry.name, scalar: scalar, shape: entry.shape, file: file,
                    fileName: name, offset: dataStart + entry.offset, byteCount: size))
        }
        let placed = StoredTensor.placed(
            found, in: file, name: name, dataStart: dataStart, isFilled: false, faults: &faults)
        for tensor in placed { tensors[tensor.name] = tensor }
    }

    private func alignment() throws(Stop) -> Int {
        let key = "general.alignment"
        guard let value = metadata[key] else { return 32 }
        guard case .integer(let number) = value, (8...65536).contains(number), number % 8 == 0
        else { throw Stop(key, .outOfRange(value: "\(value)", allowed: "a multiple of 8")) }
        return number
    }

    private mutating func report(_ subject: String, _ problem: Fault.Problem) {
        faults.append(Fault(name, subject, problem))
    }

    // MARK: - Sizes

    /// Bytes of a tensor; nil where its type is none of ours or its shape has no size.
    private static func byteCount(_ scalar: String, _ shape: [Int]) -> Int? {
        var elements = 1
        for dimension in shape {
            let (product, overflow) = elements.multipliedReportingOverflow(by: dimension)
            guard !overflow, product < 1 << 48 else { return nil }
            elements = product
        }
        switch scalar {
        case "F32": return elements * 4
        case "F16", "BF16": return elements * 2
        default:
            guard let type = BlockType(rawValue: scalar.lowercased()),
                let row = shape.last, row % type.count == 0
            else { return nil }
            return elements / type.count * type.size
        }
    }

    private static func sizeProblem(_ scalar: String, _ shape: [Int]) -> Fault.Problem {
        guard let type = BlockType(rawValue: scalar.lowercased()) else {
            return ["F32", "F16", "BF16"].contains(scalar)
                ? .outOfRange(value: "shape \(shape)", allowed: "of a sane size")
                : .wrongBlocks(found: scalar)
        }
        return .outOfRange(
            value: "shape \(shape)", allowed: "made of blocks of \(type.count) columns")
    }

    // MARK: - Fields

    private func bytes(_ length: Int) throws(Stop) -> UnsafeRawPointer {
        guard length <= file.count - position else {
            throw Stop("", .tooShort(bytes: file.count, expected: position + length))
        }
        return file.base + position
    }

    private mutating func word() throws(Stop) -> UInt32 {
        let word = try bytes(4).loadUnaligned(as: UInt32.self)
        position += 4
        return UInt32(littleEndian: word)
    }

    private mutating func count(_ what: String, limit: Int) throws(Stop) -> Int {
        let number = UInt64(littleEndian: try bytes(8).loadUnaligned(as: UInt64.self))
        position += 8
        guard let count = Int(exactly: number), count <= limit else {
            throw Stop(what, .outOfRange(value: "\(number)", allowed: "at most \(limit)"))
        }
        return count
    }

    private mutating func string(_ what: String, limit: Int) throws(Stop) -> String {
        let length = try count("the length of \(what)", limit: limit)
        let start = try bytes(length)
        position += length
        let text = UnsafeRawBufferPointer(start: start, count: length)
        guard let string = String(validating: text, as: UTF8.self) else {
            throw Stop(what, .unreadable("not UTF-8"))
        }
        return string
    }

    private mutating func value(_ key: String, type: UInt32) throws(Stop) -> GGUFValue {
        switch type {
        case Self.stringType: return .string(try string(key, limit: 1 << 24))
        case Self.arrayType: return .array(try array(key))
        default:
            guard let width = Self.width(type) else {
                throw Stop(key, .unreadable("of the unknown type \(type)"))
            }
            let value = Self.value(try bytes(width), type)
            position += width
            return value
        }
    }

    private mutating func array(_ key: String) throws(Stop) -> GGUFArray {
        let type = try word()
        let count = try count("the number of elements of \(key)", limit: Self.elementLimit)
        let array = GGUFArray(type: type, count: count, file: file, offset: position)
        if type == Self.stringType {
            for _ in 0..<count { _ = try string(key, limit: 1 << 20) }
            return array
        }
        guard let width = Self.width(type) else {
            throw Stop(key, .unreadable("a list of the unknown type \(type)"))
        }
        _ = try bytes(width * count)
        position += width * count
        return array
    }

    fileprivate static func value(_ at: UnsafeRawPointer, _ type: UInt32) -> GGUFValue {
        func load<T: FixedWidthInteger>(_: T.Type) -> T {
            T(littleEndian: at.loadUnaligned(as: T.self))
        }
        switch type {
        case 0: return .integer(Int(load(UInt8.self)))
        case 1: return .integer(Int(load(Int8.self)))
        case 2: return .integer(Int(load(UInt16.self)))
        case 3: return .integer(Int(load(Int16.self)))
        case 4: return .integer(Int(load(UInt32.self)))
        case 5: return .integer(Int(load(Int32.self)))
        case 6: return .number(Double(Float(bitPattern: load(UInt32.self))))
        case 7: return .bool(load(UInt8.self) != 0)
        // What is beyond 63 bits is out of every range that is asked for.
        case 10: return .integer(Int(clamping: load(UInt64.self)))
        case 11: return .integer(Int(load(Int64.self)))
        default: return .number(Double(bitPattern: load(UInt64.self)))
        }
    }
}

extension GGUFArray {
    /// The texts, where it is a list of them.
    var strings: [String]? {
        guard type == GGUFReader.stringType else { return nil }
        var result: [String] = []
        result.reserveCapacity(count)
        var position = offset
        for _ in 0..<count {
            let length = Int(
                UInt64(littleEndian: (file.base + position).loadUnaligned(as: UInt64.self)))
            let text = UnsafeRawBufferPointer(start: file.base + position + 8, count: length)
            result.append(String(decoding: text, as: UTF8.self))
            position += 8 + length
        }
        return result
    }

    /// The numbers, where it is a list of them.
    var values: [GGUFValue]? {
        guard type != GGUFReader.stringType, let width = GGUFReader.width(type) else { return nil }
        return (0..<count).map { GGUFReader.value(file.base + offset + $0 * width, type) }
    }

    var integers: [Int]? {
        values.flatMap { values in
            let numbers = values.compactMap {
                if case .integer(let number) = $0 { number } else { nil as Int? }
            }
            return numbers.count == values.count ? numbers : nil
        }
    }

    var numbers: [Double]? {
        values?.compactMap {
            switch $0 {
            case .integer(let number): Double(number)
            case .number(let number): number
            default: nil
            }
        }
    }
}

extension GGUFReader {
    func string(_ key: String) -> String? {
        if case .string(let text)? = metadata[key] { text } else { nil }
    }

    func integer(_ key: String) -> Int? {
        if case .integer(let number)? = metadata[key] { number } else { nil }
    }

    func array(_ key: String) -> GGUFArray? {
        if case .array(let list)? = metadata[key] { list } else { nil }
    }

    var architecture: String? { string("general.architecture") }
}

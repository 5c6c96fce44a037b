import Compute
import OrderedJSON

/// A tensor in a mapped file, its place checked.
package struct StoredTensor: Sendable {
    /// As the file spells it.
    package let name: String
    /// The format's word for the scalar: "BF16", "I64", …
    package let scalar: String
    package let shape: [Int]
    let file: MappedFile
    /// Name of the file in the folder, for messages.
    let fileName: String
    /// Of the first byte, from the start of the file.
    let offset: Int
    let byteCount: Int

    /// How we read the scalar; nil for types that no weight has.
    var type: ScalarType? {
        switch scalar {
        case "F32": .f32
        case "BF16": .bf16
        case "F16": .f16
        default: nil
        }
    }

    var elements: Int { shape.reduce(1, *) }
    package var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: file.base + offset, count: byteCount)
    }
}

/// Reads the header of a safetensors file: a 64-bit length, a JSON object of tensors, their bytes.
///
/// The file is hostile until it has been through here. What comes out lies inside the file, does
/// not overlap, and has as many bytes as its type and shape need.
///
/// Source: spec 1.3.
package struct SafetensorsReader {
    /// Bytes that a header may have; that of the largest published shard has a fiftieth.
    static let headerLimit = 16 << 20
    /// Dimensions that a tensor may have.
    static let dimensionLimit = 8

    private static let scalarSizes: [String: Int] = [
        "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
        "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    ]

    let file: MappedFile
    let name: String
    package private(set) var faults: [Fault] = []
    private var dataStart = 0

    package init(file: MappedFile, name: String) {
        self.file = file
        self.name = name
    }

    /// The sound tensors of the file in the order of their bytes; ``faults`` tells of the others.
    package mutating func tensors() -> [StoredTensor] {
        guard let header = header() else { return [] }
        var found: [StoredTensor] = []
        var seen = Set<String>(minimumCapacity: header.members.count)
        for member in header.members where member.key != "__metadata__" {
            guard seen.insert(member.key).inserted else {
                report(member.key, .repeated)
                continue
            }
            if let tensor = tensor(member.key, member.value) { found.append(tensor) }
        }
        return StoredTensor.placed(
            found, in: file, name: name, dataStart: dataStart, isFilled: true, faults: &faults)
    }

    private mutating func report(_ subject: String, _ problem: Fault.Problem) {
        faults.append(Fault(name, subject, problem))
    }

    private mutating func header() -> JSONObject? {
        let start = Array(UnsafeRawBufferPointer(start: file.base, count: min(file.count, 64)))
        // What a half-done download leaves in the place of a file.
        if start.starts(with: Array("version https://git-lfs".utf8)) {
            report("", .unreadable("a Git LFS pointer, not the file itself"))
            return nil
        }
        if start.starts(with: Array("<".utf8)) {
            report("", .unreadable("a web page, not the file itself"))
            return nil
        }
        guard file.count >= 8 else {
            report("", .tooShort(bytes: file.count, expected: 8))
            return nil
        }
        let length = UInt64(littleEndian: file.base.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(Self.headerLimit) else {
            report(
                "header",
                .outOfRange(
                    value: "a length of \(length)", allowed: "at most \(Self.headerLimit) bytes"))
            return nil
        }
        dataStart = 8 + Int(length)
        guard dataStart <= file.count else {
            report("", .tooShort(bytes: file.count, expected: dataStart))
            return nil
        }
        let text = UnsafeRawBufferPointer(start: file.base + 8, count: Int(length))
        do throws(JSONSyntaxError) {
            guard let object = try JSON.parse(text).object else {
                report("header", .wrongType(expected: "an object"))
                return nil
            }
            return object
        } catch {
            report("header", .unreadable(error.description))
            return nil
        }
    }

    private mutating func tensor(_ name: String, _ value: JSON) -> StoredTensor? {
        guard let scalar = value["dtype"]?.string, let size = Self.scalarSizes[scalar] else {
            report(name, .wrongScalarType(found: value["dtype"]?.compact ?? "nothing"))
            return nil
        }
        let dimensions = value["shape"]?.array
        let shape = dimensions?.compactMap(\.int) ?? []
        guard let dimensions, dimensions.count == shape.count, shape.count <= Self.dimensionLimit,
            shape.allSatisfy({ $0 >= 0 })
        else {
            report(
                name,
                .wrongType(expected: "given a shape of up to \(Self.dimensionLimit) whole numbers"))
            return nil
        }
        var expected = size
        for dimension in shape {
            let (product, overflow) = expected.multipliedReportingOverflow(by: dimension)
            guard !overflow else {
                report(name, .outOfRange(value: "shape \(shape)", allowed: "of a size in 64 bits"))
                return nil
            }
            expected = product
        }
        let offsets = value["data_offsets"]?.array?.compactMap(\.int) ?? []
        // A bound on the end keeps every later sum within 64 bits.
        guard offsets.count == 2, value["data_offsets"]?.array?.count == 2, offsets[0] >= 0,
            offsets[0] <= offsets[1], offsets[1] <= 1 << 56
        else {
            report(
                name,
                .outOfRange(
                    value: "data_offsets \(value["data_offsets"]?.compact ?? "missing")",
                    allowed: "a begin and an end"))
            return nil
        }
        guard offsets[1] - offsets[0] == expected else {
            report(name, .wrongByteCount(bytes: offsets[1] - offsets[0], expected: expected))
            return nil
        }
        return StoredTensor(
            name: name, scalar: scalar, shape: shape, file: file, fileName: self.name,
            offset: dataStart + offsets[0], byteCount: expected)
    }
}

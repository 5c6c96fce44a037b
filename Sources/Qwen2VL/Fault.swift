/// One thing that is wrong with the files of a checkpoint.
public struct Fault: Error, Sendable, Equatable {
    /// File in the checkpoint's folder.
    public let file: String
    /// Key or tensor in that file; empty for the file as a whole.
    public let subject: String
    public let problem: Problem

    public enum Problem: Sendable, Equatable {
        case missing
        case unreadable(String)
        case wrongType(expected: String)
        /// A value outside the range that is possible or sane.
        case outOfRange(value: String, allowed: String)
        /// Two values that must agree and do not.
        case disagrees(value: String, with: String, expected: String)
        case wrongShape(found: [Int], expected: [Int])
        case wrongScalarType(found: String)
        /// A part of a quantized matrix in another type than its format has.
        case wrongPacking(found: String, expected: String)
        /// A type of tensor in a GGUF file that no weight of ours is read from.
        case wrongBlocks(found: String)
        case tooShort(bytes: Int, expected: Int)
        case tooLarge(bytes: Int, limit: Int)
        case repeated
        case overlaps(other: String)
        case wrongByteCount(bytes: Int, expected: Int)
        /// A name in an index that would lead out of the folder.
        case unsafeName(String)
        /// A tensor that the index promises in a file that does not hold it.
        case notInFile(String)
    }

    init(_ file: String, _ subject: String, _ problem: Problem) {
        self.file = file
        self.subject = subject
        self.problem = problem
    }

    init(_ file: String, _ problem: Problem) { self.init(file, "", problem) }
}

extension Fault: CustomStringConvertible {
    public var description: String {
        (subject.isEmpty ? file : "\(file): \(subject)") + ": " + problem.description
    }
}

extension Fault.Problem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing: "missing"
        case .unreadable(let reason): reason
        case .wrongType(let expected): "must be \(expected)"
        case .outOfRange(let value, let allowed): "\(value) is not \(allowed)"
        case .disagrees(let value, let other, let expected):
            "\(value), but \(other) makes it \(expected)"
        case .wrongShape(let found, let expected): "shape \(found), expected \(expected)"
        case .wrongScalarType(let found): "stored as \(found); only F32, F16 and BF16 are read"
        case .wrongPacking(let found, let expected): "stored as \(found), must be \(expected)"
        case .wrongBlocks(let found):
            "stored as \(found); only F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and "
                + "Q6_K are read"
        case .tooShort(let bytes, let expected): "\(bytes) bytes, expected \(expected) (cut short)"
        case .tooLarge(let bytes, let limit): "\(bytes) bytes, more than the limit of \(limit)"
        case .repeated: "stands more than once"
        case .overlaps(let other): "overlaps the bytes of \(other)"
        case .wrongByteCount(let bytes, let expected):
            "holds \(bytes) bytes, but its type and shape need \(expected)"
        case .unsafeName(let name): "\"\(name)\" is not a plain file name"
        case .notInFile(let file): "the index places it in \(file), which does not hold it"
        }
    }
}

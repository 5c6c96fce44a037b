internal import CKernels

/// How the matrices of a model are stored in memory.
public enum WeightFormat: String, Sendable, CaseIterable {
    case bf16
    case f16
    case f32
    /// 8 bits, a scale for 64 columns of a row: 8.5 bits a weight. Activations are rounded to 8
    /// bits in the same groups; a group's products are summed exactly.
    case int8
    /// 4 bits, a scale and a minimum for 64 columns of a row: 4.5 bits a weight. Activations as
    /// with ``int8``.
    case int4

    public init(_ type: ScalarType) {
        switch type {
        case .f32: self = .f32
        case .bf16: self = .bf16
        case .f16: self = .f16
        }
    }

    /// The type of single numbers; nil where they are stored in groups.
    public var scalar: ScalarType? {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .f16: .f16
        case .int8, .int4: nil
        }
    }

    /// Whether numbers are stored in groups.
    public var isPacked: Bool { scalar == nil }

    /// Bytes of a matrix.
    ///
    /// - Precondition: sizes are positive, and `rows · columns` numbers of 32 bits have a size.
    public func byteCount(rows: Int, columns: Int) -> Int {
        switch kernelFormat {
        case .scalar: rows * columns * (self == .f32 ? 4 : 2)
        case .group(let type): rs_quant_bytes(type, rows, columns)
        }
    }

    /// Bits of one weight, the scales of its group included.
    public var bitsPerWeight: Double {
        let columns = Int(RS_QUANT_GROUP)
        let rows = Int(RS_QUANT_OUTPUTS)
        return Double(8 * byteCount(rows: rows, columns: columns)) / Double(rows * columns)
    }

    enum KernelFormat {
        case scalar(rs_type)
        case group(rs_quant)
    }

    var kernelFormat: KernelFormat {
        switch self {
        case .f32: .scalar(RS_F32)
        case .bf16: .scalar(RS_BF16)
        case .f16: .scalar(RS_F16)
        case .int8: .group(RS_INT8)
        case .int4: .group(RS_INT4)
        }
    }
}

internal import CKernels

/// Vector instructions that the kernels are compiled for.
public enum InstructionSet: String, Sendable, CaseIterable {
    /// Plain loops: slow, and the measure of the others in tests.
    case scalar
    /// With FMA and F16C.
    case avx2
    /// F, BW, DQ and VL.
    case avx512
    case neon

    /// Whether this processor can run them.
    public var isAvailable: Bool { rs_level_available(level) }

    /// The best ones here, or those that the environment's `REELSCRIBE_ISA` asks for.
    public static var current: InstructionSet { InstructionSet(rs_default_level()) }

    var level: rs_level {
        switch self {
        case .scalar: RS_SCALAR
        case .avx2: RS_AVX2
        case .avx512: RS_AVX512
        case .neon: RS_NEON
        }
    }

    init(_ level: rs_level) {
        switch level {
        case RS_AVX2: self = .avx2
        case RS_AVX512: self = .avx512
        case RS_NEON: self = .neon
        default: self = .scalar
        }
    }
}

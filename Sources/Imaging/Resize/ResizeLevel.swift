internal import CKernels

/// Versions of the resampling kernels. All give the same bits.
package enum ResizeLevel: String, Sendable, CaseIterable {
    case scalar, avx2, avx512

    /// The fastest that this processor runs and `REELSCRIBE_ISA` allows; looked up once.
    package static let best: ResizeLevel = {
        let level = rs_resize_best()
        return allCases.first { $0.level == level } ?? .scalar
    }()

    /// Whether this processor runs it.
    package var isSupported: Bool { rs_resize_supported(level) != 0 }

    var level: rs_resize_isa {
        switch self {
        case .scalar: RS_RESIZE_SCALAR
        case .avx2: RS_RESIZE_AVX2
        case .avx512: RS_RESIZE_AVX512
        }
    }
}

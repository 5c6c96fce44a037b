internal import CKernels

/// How activations are rounded before products with weights.
public enum Activations: String, Sendable, CaseIterable {
    /// Weights of single numbers (bf16, f16, f32) are multiplied with 32-bit activations, those in
    /// groups of 8 and 4 bits with activations rounded to 8 bits in groups of 64. The same on every
    /// processor.
    case full
    /// To what this processor multiplies fastest: to BF16 for products of many rows with bf16 weights
    /// where there is AVX512_BF16, to 7 bits with int8 weights where there is AVX2 and no VNNI.
    /// Elsewhere the very same as ``full``. Results depend on the processor.
    case fast

    var rounding: rs_activations {
        switch self {
        case .full: RS_FULL
        case .fast: RS_FAST
        }
    }

    init(_ rounding: rs_activations) { self = rounding == RS_FAST ? .fast : .full }
}

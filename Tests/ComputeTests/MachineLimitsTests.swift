import Compute
import Testing

@Suite struct MachineLimitsTests {
    /// Operations that no processor exceeds in a cycle: two vector units, four with NEON; the compiler
    /// makes vectors of four lanes of the plain version.
    private static func most(_ set: InstructionSet) -> (float: Double, integer: Double) {
        switch set {
        case .scalar: (32, 32)
        case .avx2: (32, 128)
        case .avx512: (64, 256)
        case .neon: (32, 32)
        }
    }

    // A compiler that sees through a loop in registers leaves it out, or a chain of it, and the machine
    // seems faster than it is; 8-bit products on the wrong level are slower than those of floats.
    @Test(arguments: InstructionSet.allCases.filter(\.isAvailable))
    func peaksAreThoseOfAProcessor(set: InstructionSet) {
        let pool = ThreadPool(threads: 1, instructionSet: set)
        let (float, integer) = (MachineLimits.peak(pool), MachineLimits.integerPeak(pool))
        let cycles = 7e9
        #expect(float > 1e8 && float < Self.most(set).float * cycles)
        #expect(integer > 1e8 && integer < Self.most(set).integer * cycles)
        if set == .avx2 || set == .avx512 { #expect(integer > float) }
    }
}

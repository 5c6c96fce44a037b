import Compute
import Video

extension MachineProbes {
    /// What the libraries that the program is linked with say about themselves.
    public static var linked: MachineProbes {
        MachineProbes(
            libraries: LinkedFFmpeg.libraries.map {
                LibraryRecord(name: $0.name, version: $0.version)
            },
            hasDecoder: { LinkedFFmpeg.hasDecoder($0) },
            instructionSet: InstructionSet.current.rawValue,
            blas: "OpenBLAS, kernels for \(MachineLimits.openBLASCore)")
    }
}

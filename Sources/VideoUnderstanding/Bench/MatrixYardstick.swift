import Compute
import Foundation

/// The rate of OpenBLAS's SGEMM with the kernels that fit the instruction set in use.
///
/// OpenBLAS chooses its kernels when it is loaded, by a list of processors that ends at its release:
/// on a newer one it falls back to very old kernels, and a comparison with those would flatter us.
/// Then the rate is measured in a child process that is told the right kind.
public struct MatrixYardstick: Sendable {
    /// Operations a second.
    public let flops: Double
    /// The kernels that were measured.
    public let core: String

    /// Kernels of OpenBLAS that use what a processor has: those with AVX-512, those with AVX2.
    private static let wide: Set<String> = ["skylakex", "cooperlake", "sapphirerapids"]
    private static let fast: Set<String> = ["haswell", "zen", "excavator"]

    /// - Parameter executable: this program, for the child process; nil measures as it is.
    public static func measure(
        threads: Int, repeats: Int, executable: String? = ModelSurroundings.process.executable
    ) -> MatrixYardstick {
        let chosen = MachineLimits.openBLASCore.lowercased()
        // Like is compared with like, also where `REELSCRIBE_ISA` holds our own kernels back.
        let better: String? =
            switch InstructionSet.current {
            case .avx512: wide.contains(chosen) ? nil : "SkylakeX"
            case .avx2: fast.contains(chosen) ? nil : "Haswell"
            case .scalar, .neon: nil
            }
        if let better, let executable,
            let told = inChild(executable, core: better, threads: threads, repeats: repeats)
        {
            return told
        }
        return here(threads: threads, repeats: repeats)
    }

    /// Measures in this process, with the kernels that OpenBLAS has chosen.
    public static func here(threads: Int, repeats: Int) -> MatrixYardstick {
        MatrixYardstick(
            flops: MachineLimits.openBLAS(
                threads: threads, m: 512, n: 8960, k: 1536, repeats: repeats),
            core: MachineLimits.openBLASCore)
    }

    /// What ``inChild(_:core:threads:repeats:)`` reads back.
    public var line: String { "\(flops) \(core)" }

    private static func inChild(
        _ executable: String, core: String, threads: Int, repeats: Int
    ) -> MatrixYardstick? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = ["yardstick", "--threads", "\(threads)", "--repeats", "\(repeats)"]
        process.environment = ProcessInfo.processInfo.environment
            .merging(["OPENBLAS_CORETYPE": core]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let words = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard process.terminationStatus == 0, words.count == 2, let flops = Double(words[0]),
            flops > 0
        else { return nil }
        return MatrixYardstick(flops: flops, core: String(words[1]))
    }
}

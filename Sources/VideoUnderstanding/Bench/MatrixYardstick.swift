import Compute
import Foundation

/// The shape of a product of rows with a matrix: `[rows, columns] · [outputs, columns]ᵀ`.
public struct MatrixShape: Sendable, Hashable, LosslessStringConvertible {
    public let rows: Int
    public let columns: Int
    public let outputs: Int

    public init(rows: Int, columns: Int, outputs: Int) {
        self.rows = rows
        self.columns = columns
        self.outputs = outputs
    }

    /// - Parameter text: as in ``description``; nil where it is none.
    public init?(_ text: String) {
        let sizes = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sizes.count == 3, let rows = sizes[0], let columns = sizes[1],
            let outputs = sizes[2], min(rows, columns, outputs) > 0,
            max(rows, columns, outputs) <= 1 << 20
        else { return nil }
        self.init(rows: rows, columns: columns, outputs: outputs)
    }

    /// Such as `512x1536x8960`.
    public var description: String { "\(rows)x\(columns)x\(outputs)" }

    /// A multiply-add counts as two.
    var operations: Double { 2 * Double(rows) * Double(columns) * Double(outputs) }
}

/// The rates of OpenBLAS's SGEMM with the kernels that fit the instruction set in use.
///
/// OpenBLAS chooses its kernels when it is loaded, by a list of processors that ends at its release:
/// on a newer one it falls back to very old kernels, and a comparison with those would flatter us.
/// Then the rate is measured in a child process that is told the right kind.
public struct MatrixYardstick: Sendable {
    /// Operations a second, one for each shape.
    public let flops: [Double]
    /// The kernels that were measured.
    public let core: String

    /// The shape that stands for the machine: a product of the 2B model's largest matrix.
    public static let standard = MatrixShape(rows: 512, columns: 1536, outputs: 8960)

    /// Kernels of OpenBLAS that use what a processor has: those with AVX-512, those with AVX2.
    private static let wide: Set<String> = ["skylakex", "cooperlake", "sapphirerapids"]
    private static let fast: Set<String> = ["haswell", "zen", "excavator"]

    /// - Parameter executable: this program, for the child process; nil measures as it is.
    public static func measure(
        _ shapes: [MatrixShape], threads: Int, repeats: Int,
        executable: String? = ModelSurroundings.process.executable
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
            let told = inChild(
                executable, core: better, shapes, threads: threads, repeats: repeats)
        {
            return told
        }
        return here(shapes, threads: threads, repeats: repeats)
    }

    /// Measures in this process, with the kernels that OpenBLAS has chosen.
    public static func here(
        _ shapes: [MatrixShape], threads: Int, repeats: Int
    ) -> MatrixYardstick {
        MatrixYardstick(
            flops: shapes.map {
                MachineLimits.openBLAS(
                    threads: threads, m: $0.rows, n: $0.outputs, k: $0.columns, repeats: repeats)
            },
            core: MachineLimits.openBLASCore)
    }

    /// What ``inChild(_:core:_:threads:repeats:)`` reads back.
    public var line: String { flops.map { "\($0) " }.joined() + core }

    private static func inChild(
        _ executable: String, core: String, _ shapes: [MatrixShape], threads: Int, repeats: Int
    ) -> MatrixYardstick? {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments =
            ["yardstick", "--threads", "\(threads)", "--repeats", "\(repeats)"]
            + shapes.flatMap { ["--shape", $0.description] }
        process.environment = ProcessInfo.processInfo.environment
            .merging(["OPENBLAS_CORETYPE": core]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let words = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        let flops = words.dropLast().compactMap { Double($0) }.filter { $0 > 0 }
        guard process.terminationStatus == 0, words.count == shapes.count + 1,
            flops.count == shapes.count
        else { return nil }
        return MatrixYardstick(flops: flops, core: String(words[shapes.count]))
    }
}

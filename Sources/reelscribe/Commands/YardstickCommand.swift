import ArgumentParser
import VideoUnderstanding

/// Measures OpenBLAS alone, in a process whose environment chose its kernels; see
/// ``MatrixYardstick``.
struct YardstickCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "yardstick", abstract: "Measure OpenBLAS's SGEMM.", shouldDisplay: false)

    @Option var threads: Int
    @Option var repeats: Int
    @Option var shape: [MatrixShape] = [MatrixYardstick.standard]

    func run() { print(MatrixYardstick.here(shape, threads: threads, repeats: repeats).line) }
}

extension MatrixShape: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

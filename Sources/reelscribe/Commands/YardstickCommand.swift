import ArgumentParser
import VideoUnderstanding

/// Measures OpenBLAS alone, in a process whose environment chose its kernels; see
/// ``MatrixYardstick``.
struct YardstickCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "yardstick", abstract: "Measure OpenBLAS's SGEMM.", shouldDisplay: false)

    @Option var threads: Int
    @Option var repeats: Int

    func run() { print(MatrixYardstick.here(threads: threads, repeats: repeats).line) }
}

import Foundation
import Synchronization

/// The built program, run as a user runs it.
struct Tool {
    struct Outcome {
        var status: Int32
        var output: String
        var errors: String
    }

    /// The program beside the tests that run; nil where it was not built.
    static let path: String? = {
        let tests =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
        let beside = URL(fileURLWithPath: tests).deletingLastPathComponent()
            .appendingPathComponent("reelscribe").path
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : nil
    }()

    static var isBuilt: Bool { path != nil }

    private let process = Process()
    private let folder: URL

    /// Starts the program; its output goes to files, so that nothing blocks on a full pipe.
    ///
    /// - Parameter input: text for standard input; nil keeps it open without a word.
    init(
        _ arguments: [String], input: String? = "", environment: [String: String] = [:],
        in currentFolder: String? = nil
    ) throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in ["out", "err"] {
            try Data().write(to: folder.appendingPathComponent(name))
        }
        process.executableURL = URL(fileURLWithPath: Tool.path ?? "")
        process.arguments = arguments
        if let currentFolder {
            process.currentDirectoryURL = URL(fileURLWithPath: currentFolder)
        }
        process.environment = ["HOME": folder.path, "PATH": "/usr/bin:/bin"]
            .merging(environment) { $1 }
        process.standardOutput = try FileHandle(
            forWritingTo: folder.appendingPathComponent("out"))
        process.standardError = try FileHandle(forWritingTo: folder.appendingPathComponent("err"))
        let pipe = Pipe()
        process.standardInput = pipe
        try process.run()
        if let input {
            try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try pipe.fileHandleForWriting.close()
        }
    }

    var identifier: Int32 { process.processIdentifier }

    var isRunning: Bool { process.isRunning }

    func outcome() throws -> Outcome {
        process.waitUntilExit()
        let texts = try ["out", "err"].map { name in
            String(
                decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
        }
        try? FileManager.default.removeItem(at: folder)
        let status =
            process.terminationReason == .exit
            ? process.terminationStatus : 128 + process.terminationStatus
        return Outcome(status: status, output: texts[0], errors: texts[1])
    }

    static func run(
        _ arguments: String..., input: String = "", environment: [String: String] = [:]
    ) throws -> Outcome {
        try Tool(arguments, input: input, environment: environment).outcome()
    }

    static func run(_ arguments: [String], in folder: String? = nil) throws -> Outcome {
        try Tool(arguments, in: folder).outcome()
    }
}

import Foundation
import OrderedJSON
import Testing

/// A running `reelscribe stage`, spoken to line by line.
final class StageProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors: URL
    private var rest = Data()

    /// - Parameters:
    ///   - folder: where it runs.
    ///   - temporary: its `TMPDIR`.
    ///   - environment: what it has besides.
    init(
        _ arguments: [String] = [], in folder: String = Repository.root, temporary: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        errors = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-stage-\(UUID().uuidString)")
        try Data().write(to: errors)
        process.executableURL = URL(fileURLWithPath: Tool.path ?? "")
        process.arguments =
            ["stage", "--no-timing", "--max-new-tokens", "4", "--threads", "2"] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.environment = ["PATH": "/usr/bin:/bin", "TMPDIR": temporary ?? "/tmp"]
            .merging(environment) { _, new in new }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errors)
        // A stage that ended must not end the tests.
        signal(SIGPIPE, SIG_IGN)
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(at: errors)
    }

    var identifier: pid_t { process.processIdentifier }

    func send(_ text: String) throws { try send(Data(text.utf8)) }

    func send(_ data: Data) throws { try input.fileHandleForWriting.write(contentsOf: data) }

    func closeInput() throws { try input.fileHandleForWriting.close() }

    func closeOutput() throws { try output.fileHandleForReading.close() }

    /// Bytes that were written to us and not read yet.
    var unread: Int {
        var count: CInt = 0
        _ = ioctl(output.fileHandleForReading.fileDescriptor, UInt(FIONREAD), &count)
        return Int(count)
    }

    /// The next document; nil at the end.
    func next() throws -> JSON? {
        while true {
            if let end = rest.firstIndex(of: 10) {
                let line = Data(rest[rest.startIndex..<end])
                rest = Data(rest[(end + 1)...])
                return try JSON.parse(Array(line))
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            rest += more
        }
    }

    func all() throws -> [JSON] {
        var documents: [JSON] = []
        while let document = try next() { documents.append(document) }
        return documents
    }

    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationReason == .exit
            ? process.terminationStatus : 128 + process.terminationStatus
    }

    func complaints() throws -> String {
        String(decoding: try Data(contentsOf: errors), as: UTF8.self)
    }

    /// Everything that a stage answers to a text.
    static func answers(
        to lines: String, _ arguments: [String] = [], in folder: String = Repository.root,
        temporary: String? = nil, environment: [String: String] = [:]
    ) throws -> (documents: [JSON], status: Int32) {
        let stage = try StageProcess(
            arguments, in: folder, temporary: temporary, environment: environment)
        try stage.send(lines)
        try stage.closeInput()
        let documents = try stage.all()
        return (documents, stage.wait())
    }
}

/// A job as a line.
func jobLine(_ id: String, _ video: String, task: String = #""task":"summarize""#) -> String {
    #"{"id":"\#(id)","video":"\#(video)",\#(task)}"# + "\n"
}

extension JSON {
    var id: String? { self["id"]?.string }
    var code: String? { self["error"]?["code"]?.string }
}

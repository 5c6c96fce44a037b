import Foundation

/// Where things lie that tests need.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    static func path(_ relative: String) -> String { "\(root)/\(relative)" }

    static let sampleModel = path("Samples/model")

    static let clips = ["shapes-and-cuts.mp4", "countdown-portrait.mov", "street-crossing.mkv"]
        .map { path("Samples/\($0)") }

    /// A path among the reference data that may lie beside the checkout.
    static func shared(_ relative: String) -> String {
        let folder = ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"] ?? "\(root)/../shared"
        return "\(folder)/\(relative)"
    }
}

/// A folder of a test's own, gone with it.
final class Scratch {
    let folder: String

    init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-batch-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        folder = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        try text.write(toFile: path(name), atomically: false, encoding: .utf8)
        return path(name)
    }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path(name))), as: UTF8.self)
    }

    /// The lines of a file, without the empty one behind the last line feed.
    func lines(_ name: String) throws -> [String] {
        try text(name).split(separator: "\n").map(String.init)
    }
}

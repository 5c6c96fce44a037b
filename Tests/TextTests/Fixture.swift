import Foundation
import OrderedJSON
import Testing
import Text

/// Files that the tests read.
enum Fixture {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Our own small tokenizer and what the reference makes of it; see `make_tokenizer.py` there.
    static let folder = root.appendingPathComponent("Tests/Fixtures/text").path

    /// Large material beside the checkout, which a fresh clone does not have.
    static let shared =
        ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"]
        ?? root.deletingLastPathComponent().appendingPathComponent("shared").path

    static let publishedTokenizer = shared + "/assets/tokenizer"
    static let reference = shared + "/reference"

    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    static func bytes(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    static func json(_ path: String) throws -> JSON { try JSON.parse(try bytes(path)) }

    /// The rows of a file of JSON lines.
    static func rows(_ path: String) throws -> [JSON] {
        try bytes(path).split(separator: UInt8(ascii: "\n")).map { try JSON.parse($0) }
    }

    /// Runs `body` with a new folder that holds these files, and removes it.
    static func withFolder<Result>(
        _ files: [String: [UInt8]], _ body: (String) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("text-tests-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, bytes) in files {
            try Data(bytes).write(to: folder.appendingPathComponent(name))
        }
        return try body(folder.path)
    }

    /// Runs `body` with a new folder that holds a symbolic link, and removes it.
    static func withLink(
        named name: String, to target: String, _ body: (String) throws -> Void
    ) throws {
        try withFolder([:]) { folder in
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/" + name, withDestinationPath: target)
            try body(folder)
        }
    }
}

extension JSON {
    /// A list of token ids.
    var ids: [TokenID]? { array?.compactMap(\.int) }
}

/// Strings compared byte by byte; `==` takes canonically equivalent ones for equal.
func expectSame(
    _ found: String, _ expected: String, _ comment: @autoclosure () -> String = "",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    if !found.utf8.elementsEqual(expected.utf8) {
        Issue.record(
            """
            \(JSON.string(found).compact) instead of \(JSON.string(expected).compact) \(comment())
            """, sourceLocation: sourceLocation)
    }
}

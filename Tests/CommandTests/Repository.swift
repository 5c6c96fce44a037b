import Foundation

/// Where this checkout lies.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    static func path(_ relative: String) -> String { "\(root)/\(relative)" }

    /// A path among the reference data that may lie beside the checkout.
    static func shared(_ relative: String) -> String {
        let folder = ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"] ?? "\(root)/../shared"
        return "\(folder)/\(relative)"
    }

    static func hasShared(_ relative: String) -> Bool {
        FileManager.default.fileExists(atPath: shared(relative))
    }
}

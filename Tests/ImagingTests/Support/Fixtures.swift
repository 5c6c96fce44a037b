import Foundation
import OrderedJSON

/// Where test data lies. Nothing here is a fixed path of a machine.
enum Fixtures {
    /// The root of the repository, from the place of this file.
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static let folder = root.appending(path: "Tests/Fixtures/imaging")

    /// Reference cases kept outside the repository: `REELSCRIBE_SHARED`, else beside the checkout.
    static let reference: URL = {
        let named = ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"]
        let shared = named.map { URL(filePath: $0) } ?? root.appending(path: "../shared")
        return shared.appending(path: "reference")
    }()

    static let hasReference = FileManager.default.fileExists(
        atPath: reference.appending(path: "sampling.json").path)

    /// The `ffmpeg` program, which reads PNG files for these tests; the module under test has no
    /// decoder.
    static let ffmpeg: URL? = (ProcessInfo.processInfo.environment["PATH"] ?? "")
        .split(separator: ":").map { URL(filePath: String($0)).appending(path: "ffmpeg") }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }

    static let hasReferencePictures = hasReference && ffmpeg != nil

    static func json(_ url: URL) throws -> JSON { try JSON.parse(Array(Data(contentsOf: url))) }

    /// Names of the entries of a folder, `f2` before `f10`.
    static func names(in folder: URL, suffix: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(suffix) }
            .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    }
}

struct FixtureFault: Error, CustomStringConvertible {
    let description: String
}

/// A safetensors file that tests trust.
struct TensorFile {
    private let header: JSONObject
    private let body: Data

    init(_ url: URL) throws {
        let data = try Data(contentsOf: url)
        let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard let header = try JSON.parse(Array(data.dropFirst(8).prefix(length))).object else {
            throw FixtureFault(description: "\(url.path): no header")
        }
        self.header = header
        body = Data(data.dropFirst(8 + length))
    }

    var names: [String] { header.members.map(\.key) }

    func shape(_ name: String) throws -> [Int] {
        guard let shape = header[name]?["shape"]?.array else {
            throw FixtureFault(description: "no tensor \(name)")
        }
        return shape.compactMap(\.int)
    }

    /// The numbers of a tensor, which are of the type asked for.
    func values<Number: BitwiseCopyable>(_ name: String, as type: Number.Type) throws -> [Number] {
        guard let range = header[name]?["data_offsets"]?.array?.compactMap(\.int), range.count == 2
        else { throw FixtureFault(description: "no tensor \(name)") }
        return body[range[0]..<range[1]].withUnsafeBytes { bytes in
            (0..<bytes.count / MemoryLayout<Number>.stride).map {
                bytes.loadUnaligned(
                    fromByteOffset: $0 * MemoryLayout<Number>.stride, as: type)
            }
        }
    }
}

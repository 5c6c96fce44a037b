import Foundation
import Imaging
import Qwen2VL
import Testing
import Video
import VideoIndex
import VideoUnderstanding

/// Where this checkout lies, and what tests make of it.
enum Places {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    static let model = "\(root)/Samples/model"

    static func clip(_ name: String) -> String { "\(root)/Samples/\(name)" }

    static func input(_ name: String) throws -> VideoInput {
        try .resolving(clip(name), settings: Settings())
    }

    static func analyzer() throws -> Analyzer {
        try Analyzer(folder: model, weights: WeightFormats(), threads: 1)
    }
}

/// A folder that ends with its owner.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-index-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }
}

/// A folder of pictures as a video that can grow.
struct PictureVideo {
    static let size = PixelSize(width: 112, height: 84)
    let folder: String

    init(in place: TemporaryFolder, pictures: Int, named name: String = "pictures") throws {
        folder = place.file(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try grow(to: pictures)
    }

    /// Pictures are a second apart in noise, and every third pair repeats the one before.
    func grow(to count: Int, salt: UInt32 = 1) throws {
        for index in 0..<count {
            let path = "\(folder)/\(1000 + index).png"
            guard !FileManager.default.fileExists(atPath: path) else { continue }
            var state = UInt32(index / 2 % 3 == 2 ? index - 2 : index) &* 2_654_435_761 &+ salt
            let image = RGBImage(
                size: Self.size,
                pixels: (0..<3 * Self.size.area).map { _ in
                    state = state &* 1_664_525 &+ 1_013_904_223
                    return UInt8(truncatingIfNeeded: state >> 24)
                })
            try Data(try PNG.encode(image)).write(to: URL(fileURLWithPath: path))
        }
    }

    var input: VideoInput {
        get throws { try .resolving(folder, settings: Settings()) }
    }
}

extension Analyzer {
    /// Documents without what differs between equal runs.
    func answers(
        _ input: VideoInput, _ questions: [String], _ settings: Settings,
        cache: IndexCache? = nil
    ) throws -> [String] {
        var answers: [String] = []
        try ask(input, questions: questions, settings: settings, cache: cache) { _, document in
            answers.append(Self.stable(document))
        }
        return answers
    }

    func answers(
        _ index: IndexedVideo, _ questions: [String], _ settings: Settings
    ) throws -> [String] {
        var answers: [String] = []
        try ask(index, questions: questions, settings: settings) { _, document in
            answers.append(Self.stable(document))
        }
        return answers
    }

    static func stable(_ document: AnswerDocument) -> String {
        var document = document
        document.provenance.timing = nil
        return document.json.compact
    }

    static func stable(_ document: SummaryDocument) -> String {
        var document = document
        document.provenance.timing = nil
        return document.json.compact
    }
}

/// The hash of all that an index holds.
func content(of path: String) throws -> String {
    try #require(try IndexDocument.verifying(try IndexedVideo(path: path)).json["content"]?.string)
}

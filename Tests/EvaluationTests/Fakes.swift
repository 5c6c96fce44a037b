import Evaluation
import Foundation
import Imaging
import OrderedJSON
import VideoUnderstanding

/// Documents as a model would have written them.
enum Fakes {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    private static func video(_ uri: String) -> VideoRecord {
        VideoRecord(
            uri: uri, sha256: nil, container: "mp4", codec: "h264", duration: 60, startTime: 0,
            size: PixelSize(width: 64, height: 64), rotation: 0, frameRate: 25, framesDecoded: 1500,
            coverage: CoverageRecord(seen: [TimeRange(start: 0, end: 60)]))
    }

    private static let provenance = Provenance(
        sampling: SamplingRecord(
            mode: "pts", fps: 2, frameSize: PixelSize(width: 56, height: 56),
            grids: [PatchGrid(time: 1, height: 4, width: 4)], timestamps: [0, 0.5]),
        model: ModelRecord(name: "fake", fingerprint: "f00d", weights: "bf16", mrope: "max"),
        settings: Settings().json(for: .answer),
        usage: UsageRecord(visualTokens: 4, promptTokens: 20, generatedTokens: 3),
        finishReason: .stop, warnings: [WarningRecord(code: "decode.damaged", message: "torn")])

    static func answer(about uri: String, _ question: String, _ text: String, _ confidence: Double)
        -> AnswerDocument
    {
        AnswerDocument(
            video: video(uri), question: question, answer: .string(text), confidence: confidence,
            provenance: provenance)
    }

    static func summary(
        of uri: String, _ text: String, segments: [(Double, Double, String)]
    ) -> SummaryDocument {
        SummaryDocument(
            video: video(uri), summary: text,
            segments: segments.map {
                SegmentRecord(
                    range: TimeRange(start: $0.0, end: $0.1), boundary: .window, summary: $0.2,
                    keyframe: $0.0, confidence: 0.5)
            }, provenance: provenance)
    }
}

/// A folder that is gone after the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-eval-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    /// Writes a file and gives its path.
    @discardableResult
    func write(_ text: String, _ name: String = "set.jsonl") throws -> String {
        let file = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: file).deletingLastPathComponent().path,
            withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

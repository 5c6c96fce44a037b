import Foundation
import Imaging
import Video

/// A 1080p clip for the speed of sampling, rendered anew and removed with its owner.
public struct BenchmarkClip: ~Copyable {
    private let path: String

    /// Renders four seconds at 30 frames a second.
    /// - Throws: `Failure`.
    public init() throws(Failure) {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-bench-\(UUID().uuidString).mp4").path
        do {
            try RenderedClip.write(
                to: path, size: PixelSize(width: 1920, height: 1080), framesPerSecond: 30,
                seconds: 4)
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw Failure(error, stage: .tool)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public var input: VideoInput { .file(path: path) }
}

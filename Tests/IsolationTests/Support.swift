import Foundation
import Isolation
import Video

/// Where things lie that tests need.
enum Place {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    static let samples = ["shapes-and-cuts.mp4", "countdown-portrait.mov", "street-crossing.mkv"]
        .map { "\(root)/Samples/\($0)" }

    static let shared: String =
        ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"] ?? "\(root)/../shared"

    /// All files of a folder of the shared media, none where it is not there.
    static func media(_ folder: String) -> [String] {
        let path = "\(shared)/assets/\(folder)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.sorted().map { "\(path)/\($0)" }
    }

    /// The program beside the tests that run; nil where it was not built.
    static let tool: String? = {
        let tests =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            ?? CommandLine.arguments[0]
        let beside = URL(fileURLWithPath: tests).deletingLastPathComponent()
            .appendingPathComponent("reelscribe").path
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : nil
    }()

    /// Whether the kernel has seccomp, which the confinement of a decoder does without elsewhere.
    static let filtersCalls: Bool = {
        #if arch(x86_64) || arch(arm64)
            let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            return status?.contains("\nSeccomp:") == true
        #else
            return false
        #endif
    }()

    static var hasTool: Bool { tool != nil }
}

/// Workers that run the built program.
func workers(_ budget: DecodeBudget = DecodeBudget(), fault: String? = nil) -> DecodeWorkers {
    DecodeWorkers(
        executable: Place.tool ?? "",
        arguments: ["decode-worker"] + (fault.map { ["--fault", $0] } ?? []), budget: budget)
}

/// Everything that reading an input gave.
struct Reading: Equatable {
    var frames: [SampledFrame] = []
    var description: VideoDescription?
    var report: DecodeReport?
    var expected: Int?
    var isExact: Bool?
    var promisedEnd: Double?
    var error: VideoError?

    /// In this process.
    init(local path: String, _ sampling: SamplingOptions) {
        do throws(VideoError) {
            var reader = try VideoReader.open(
                VideoInput.resolve(path), sampling: sampling, threads: 2)
            expected = reader.expectedFrames
            isExact = reader.expectedFramesIsExact
            promisedEnd = reader.promisedEnd
            while let frame = try reader.next() { frames.append(frame) }
            description = reader.description
            report = reader.report
        } catch {
            self.error = error
        }
    }

    /// In another.
    init(remote path: String, _ sampling: SamplingOptions, _ workers: DecodeWorkers) {
        do throws(VideoError) {
            let video = try workers.open(
                VideoInput.locate(path), sampling: sampling, threads: 2)
            expected = video.expectedFrames
            isExact = video.expectedFramesIsExact
            promisedEnd = video.promisedEnd
            while let frame = try video.next() { frames.append(frame) }
            description = video.description
            report = video.report
        } catch {
            self.error = error
        }
    }
}

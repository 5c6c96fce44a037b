import Foundation
import Imaging

/// Random numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension RGBImage {
    static func noise(_ width: Int, _ height: Int, seed: UInt64) -> RGBImage {
        var generator = SeededGenerator(seed: seed)
        let size = PixelSize(width: width, height: height)
        return RGBImage(
            size: size,
            pixels: (0..<3 * size.area).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// Reads a PNG file with the `ffmpeg` program.
    init(png url: URL) throws {
        guard let ffmpeg = Fixtures.ffmpeg else {
            throw FixtureFault(description: "no ffmpeg on PATH")
        }
        let header = try Data(contentsOf: url).prefix(24)
        func number(at offset: Int) -> Int {
            header[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = ffmpeg
        process.arguments = [
            "-v", "error", "-i", url.path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
        ]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        let pixels = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let size = PixelSize(width: number(at: 16), height: number(at: 20))
        guard pixels.count == 3 * size.area else {
            throw FixtureFault(description: "\(url.path): \(pixels.count) bytes for \(size)")
        }
        self.init(size: size, pixels: Array(pixels))
    }
}

extension PatchGeometry {
    /// The geometry of the published models.
    static let published = PatchGeometry(
        patchSize: 14, temporalPatchSize: 2, mergeSize: 2, channels: 3)
}

/// Mean and deviation of the published preprocessor configuration.
enum Published {
    static let mean: [Float] = [0.48145466, 0.4578275, 0.40821073]
    static let std: [Float] = [0.26862954, 0.26130258, 0.27577711]
}

/// Places where two arrays differ in their bits.
func differences(_ a: [Float], _ b: [Float]) -> Int {
    a.count == b.count
        ? zip(a, b).count { $0.bitPattern != $1.bitPattern } : max(a.count, b.count)
}

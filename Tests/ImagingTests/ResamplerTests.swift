import Foundation
import Imaging
import Testing

/// Every version of the kernels that this machine runs.
private let versions = ResizeLevel.allCases.filter(\.isSupported)

@Suite("Resampler")
struct ResamplerTests {
    /// Guards the order and the rounding of every operation: weights, taps, passes.
    @Test("equal to the reference to the bit", arguments: versions)
    func fixture(version: ResizeLevel) throws {
        let named = ProcessInfo.processInfo.environment["REELSCRIBE_RESIZE_FIXTURE"]
        let file = try TensorFile(
            named.map { URL(filePath: $0) }
                ?? Fixtures.folder.appending(path: "resize.safetensors"))
        let cases = file.names.filter { $0.hasSuffix(".rgb") }.map { $0.dropLast(4) }
        #expect(cases.count >= 15)
        for name in cases {
            let from = try file.shape("\(name).rgb")
            let to = try file.shape("\(name).f32")
            let image = RGBImage(
                size: PixelSize(width: from[1], height: from[0]),
                pixels: try file.values("\(name).rgb", as: UInt8.self))
            let resampler = Resampler(
                from: image.size, to: PixelSize(width: to[2], height: to[1]),
                instructions: version)
            let wrong = differences(
                resampler.planes(of: image), try file.values("\(name).f32", as: Float.self))
            #expect(wrong == 0, "case \(name): \(from) to \(to)")
        }
    }

    @Test(
        "equal to the reference pictures", .enabled(if: Fixtures.hasReferencePictures),
        arguments: versions)
    func pictures(version: ResizeLevel) throws {
        let folder = Fixtures.reference.appending(path: "resize")
        let names = try Fixtures.names(in: folder, suffix: ".png")
        #expect(names.count >= 8)
        for name in names {
            let image = try RGBImage(png: folder.appending(path: name))
            let file = try TensorFile(
                folder.appending(path: name.replacing(".png", with: ".safetensors")))
            let shape = try file.shape("resized_f32")
            let resampler = Resampler(
                from: image.size, to: PixelSize(width: shape[2], height: shape[1]),
                instructions: version)
            let wrong = differences(
                resampler.planes(of: image), try file.values("resized_f32", as: Float.self))
            #expect(wrong == 0, "\(name)")

            let levels = try file.values("resized_u8", as: UInt8.self)
            let pixels = resampler.resized(image).pixels
            let area = resampler.target.area
            let misplaced = (0..<area).count { i in
                (0..<3).contains { pixels[3 * i + $0] != levels[$0 * area + i] }
            }
            #expect(misplaced == 0, "\(name)")
        }
    }

    /// Guards the edges of the vector versions: blocks of 16 rows, tiles of 64 columns, rows kept
    /// in a ring, windows wider than a tile, pictures smaller than a vector.
    @Test("every version gives the bits of the scalar one", arguments: versions.dropFirst())
    func equalVersions(version: ResizeLevel) {
        var generator = SeededGenerator(seed: 11)
        func sample(_ top: Int) -> Int { Int.random(in: 1...top, using: &generator) }
        var sizes = (0..<120).map { round in
            let top = [20, 70, 200][round % 3]
            return [sample(top), sample(top), sample(top), sample(top)]
        }
        sizes += [
            [1, 1, 300, 1], [1, 8192, 3, 5], [8192, 1, 5, 3], [8192, 2, 1, 2], [1, 1, 1, 2000],
            [64, 64, 64, 64], [65, 17, 64, 16], [2000, 3, 129, 40], [15, 16, 16, 15],
        ]
        for size in sizes {
            let image = RGBImage.noise(size[0], size[1], seed: UInt64(size[2]))
            let target = PixelSize(width: size[2], height: size[3])
            let scalar = Resampler(from: image.size, to: target, instructions: .scalar)
            let other = Resampler(from: image.size, to: target, instructions: version)
            #expect(
                differences(scalar.planes(of: image), other.planes(of: image)) == 0, "\(size)")
        }
    }

    /// Guards levels against wrapping around where the cubic overshoots 0…255.
    @Test("overshoot is clamped")
    func overshoot() {
        var pixels = [UInt8](repeating: 0, count: 3 * 8 * 8)
        for i in pixels.indices where i % 24 >= 12 { pixels[i] = 255 }
        let image = RGBImage(size: PixelSize(width: 8, height: 8), pixels: pixels)
        let resampler = Resampler(from: image.size, to: PixelSize(width: 40, height: 8))
        let planes = resampler.planes(of: image)
        #expect(planes.contains { $0 < -1 } && planes.contains { $0 > 256 })
        let levels = resampler.resized(image).pixels
        for row in 0..<8 {
            let reds = (0..<40).map { levels[3 * (row * 40 + $0)] }
            #expect(reds.prefix(17).allSatisfy { $0 < 64 })
            #expect(reds.suffix(17).allSatisfy { $0 > 191 })
        }
    }

    @Test("a picture of its own size is returned as it is")
    func identity() {
        let image = RGBImage.noise(45, 31, seed: 5)
        #expect(Resampler(from: image.size, to: image.size).resized(image) == image)
    }
}

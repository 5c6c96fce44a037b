import Imaging
import Testing

private let versions = ResizeLevel.allCases.filter(\.isSupported)

/// The formula of the layout, index by index, on levels that are already resized.
private func naiveRows(_ frames: [RGBImage], _ patch: PatchGeometry) -> [Float] {
    let size = frames[0].size
    let grid = patch.grid(of: size, pairs: 1)
    let side = patch.patchSize
    let merge = patch.mergeSize
    var rows: [Float] = []
    for blockDown in 0..<grid.height / merge {
        for blockAcross in 0..<grid.width / merge {
            for down in 0..<merge {
                for across in 0..<merge {
                    for channel in 0..<3 {
                        for frame in frames {
                            for y in 0..<side {
                                for x in 0..<side {
                                    let row = (blockDown * merge + down) * side + y
                                    let column = (blockAcross * merge + across) * side + x
                                    let level = frame.pixels[
                                        (row * size.width + column) * 3 + channel]
                                    rows.append(
                                        (Float(level) - Published.mean[channel] * 255)
                                            / (Published.std[channel] * 255))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    return rows
}

private func preprocessor(
    _ source: PixelSize, _ target: PixelSize, _ patch: PatchGeometry = .published,
    _ version: ResizeLevel = .best
) -> PairPreprocessor {
    PairPreprocessor(
        source: source, target: target, patch: patch, mean: Published.mean, std: Published.std,
        instructions: version)
}

@Suite("PairPreprocessor")
struct PairPreprocessorTests {
    /// Guards the order of patches in a merge block, of frames and channels in a row, and a side
    /// of a patch that is no multiple of a vector.
    @Test(
        "rows follow the formula",
        arguments: versions, [(14, 2, 84, 56), (16, 2, 64, 96), (4, 3, 36, 24), (8, 1, 40, 16)])
    func layout(version: ResizeLevel, shape: (Int, Int, Int, Int)) {
        let patch = PatchGeometry(
            patchSize: shape.0, temporalPatchSize: 2, mergeSize: shape.1, channels: 3)
        let target = PixelSize(width: shape.2, height: shape.3)
        let frames = (0..<2).map { RGBImage.noise(101, 67, seed: $0) }
        let resampler = Resampler(from: frames[0].size, to: target)
        let made = preprocessor(frames[0].size, target, patch, version)
        let rows = made.rows(frames[0], frames[1])
        #expect(rows.count == patch.grid(of: target, pairs: 1).patches * patch.patchLength)
        #expect(differences(rows, naiveRows(frames.map(resampler.resized), patch)) == 0)
    }

    /// Guards the normalisation of every level, to the bit: neither a reciprocal nor fused.
    @Test("every level is normalised exactly", arguments: versions)
    func levels(version: ResizeLevel) {
        let size = PixelSize(width: 28, height: 28)
        let image = RGBImage(
            size: size, pixels: (0..<3 * size.area).map { UInt8($0 / 3 % 256) })
        let rows = preprocessor(size, size, .published, version).rows(image, image)
        #expect(differences(rows, naiveRows([image, image], .published)) == 0)
        for channel in 0..<3 {
            let plane = rows.indices.filter { $0 % 1176 / 392 == channel }.map { rows[$0] }
            #expect(Set(plane).count == 256)
        }
    }

    @Test("a still picture is the same frame twice")
    func still() {
        let image = RGBImage.noise(60, 50, seed: 9)
        let copy = RGBImage(size: image.size, pixels: image.pixels.map { $0 })
        let target = PixelSize(width: 56, height: 56)
        let made = preprocessor(image.size, target)
        let resized = Resampler(from: image.size, to: target).resized(image)
        let expected = naiveRows([resized, resized], .published)
        #expect(differences(made.rows(image, image), expected) == 0)
        #expect(differences(made.rows(image, copy), expected) == 0)
    }

    /// Guards videos that change their size on the way, with more sizes than are remembered.
    @Test("a frame of another size reaches the same target")
    func otherSizes() {
        let target = PixelSize(width: 56, height: 28)
        let usual = RGBImage.noise(60, 30, seed: 1)
        let made = preprocessor(usual.size, target)
        for round in 0..<3 {
            for width in 40..<47 {
                let other = RGBImage.noise(width, 31, seed: UInt64(width + round))
                let expected = naiveRows(
                    [
                        Resampler(from: usual.size, to: target).resized(usual),
                        Resampler(from: other.size, to: target).resized(other),
                    ], .published)
                #expect(differences(made.rows(usual, other), expected) == 0, "width \(width)")
            }
        }
    }

    /// Guards the use from several threads, with frames of their own sizes.
    @Test("threads share one preprocessor")
    func shared() async {
        let target = PixelSize(width: 84, height: 56)
        let made = preprocessor(PixelSize(width: 100, height: 80), target)
        let images = (0..<12).map { RGBImage.noise(100 + $0 % 6, 80, seed: UInt64($0)) }
        let expected = images.map { made.rows($0, $0) }
        await withTaskGroup(of: (Int, [Float]).self) { group in
            for (index, image) in images.enumerated() {
                group.addTask { (index, made.rows(image, image)) }
            }
            for await (index, rows) in group { #expect(rows == expected[index]) }
        }
    }

    @Test(
        "frames pair up, the last one standing in for a missing one",
        arguments: [
            (0, []), (1, [[0, 0]]), (2, [[0, 1]]), (3, [[0, 1], [2, 2]]),
            (6, [[0, 1], [2, 3], [4, 5]]),
        ] as [(Int, [[Int]])])
    func pairing(frames: Int, expected: [[Int]]) {
        #expect(FramePairing.pairs(ofFrames: frames).map { [$0.0, $0.1] } == expected)
    }
}

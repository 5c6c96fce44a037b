import Foundation
import Imaging
import OrderedJSON
import Testing

/// The whole module on the reference's cases: from the sampled frames to `pixel_values`.
@Suite("Reference cases", .enabled(if: Fixtures.hasReferencePictures))
struct ReferenceCaseTests {
    /// Guards the budget of each kind of input, padding to pairs, and the order of several inputs.
    @Test("pixel values are equal to the bit")
    func pixelValues() throws {
        let folder = Fixtures.reference.appending(path: "cases")
        let names = try Fixtures.names(in: folder)
        #expect(names.count >= 13)
        for name in names {
            let description = try Fixtures.json(folder.appending(path: "\(name)/case.json"))
            let golden = try TensorFile(folder.appending(path: "\(name)/golden.safetensors"))
            let (rows, grids) = try preprocess(
                description, indices: try golden.values("frame_indices", as: Int64.self))
            #expect(
                grids.flatMap { [$0.time, $0.height, $0.width] }
                    == (try golden.values("grid_thw", as: Int64.self)).map(Int.init), "\(name)")
            let expected = try golden.values("pixel_values", as: Float.self)
            #expect(differences(rows, expected) == 0, "\(name)")
        }
    }

    private func preprocess(
        _ description: JSON, indices: [Int64]
    ) throws -> (rows: [Float], grids: [PatchGrid]) {
        let budget = VisualBudget(
            minPixels: description["min_pixels"]?.double,
            maxPixels: description["max_pixels"]?.double)
        // Indices rise within an input and start again with the next one.
        var runs: [[Int]] = []
        for index in indices.map(Int.init) {
            if let last = runs.last?.last, index > last {
                runs[runs.count - 1].append(index)
            } else {
                runs.append([index])
            }
        }
        var rows: [Float] = []
        var grids: [PatchGrid] = []
        let inputs = try #require(description["inputs"]?.array)
        try #require(inputs.count == runs.count)
        for (input, run) in zip(inputs, runs) {
            let path = Fixtures.reference.appending(path: try #require(input["path"]?.string))
            let isImage = input["kind"]?.string == "image"
            let files =
                isImage
                ? [path]
                : try Fixtures.names(in: path, suffix: ".png").map { path.appending(path: $0) }
            let frames = try run.map { try RGBImage(png: files[$0]) }
            let source = frames[0].size
            let target =
                isImage
                ? try budget.imageSize(of: source, factor: 28)
                : try budget.videoFrameSize(of: source, frames: frames.count, factor: 28)
            let preprocessor = PairPreprocessor(
                source: source, target: target, patch: .published, mean: Published.mean,
                std: Published.std)
            let pairs = FramePairing.pairs(ofFrames: frames.count)
            for (first, second) in pairs {
                rows += preprocessor.rows(frames[first], frames[second])
            }
            grids.append(PatchGeometry.published.grid(of: target, pairs: pairs.count))
        }
        return (rows, grids)
    }
}

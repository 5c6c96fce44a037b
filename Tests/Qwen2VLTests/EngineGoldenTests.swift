import Compute
import Foundation
import Imaging
import OrderedJSON
import Qwen2VL
import Testing

/// The reference implementation's own tensors for small random checkpoints, where they are at hand.
enum Reference {
    static let folder: URL = {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let shared =
            ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"].map {
                URL(fileURLWithPath: $0)
            } ?? root.deletingLastPathComponent().appendingPathComponent("shared")
        return shared.appendingPathComponent("reference")
    }()

    static let cases: [String] = {
        let found = try? FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent("cases").path)
        return (found ?? []).sorted()
    }()
}

/// A case: its checkpoint and its golden tensors.
private struct GoldenCase {
    let model: Model
    let rule: MRoPERule
    /// Decoded greedily, without a penalty on repetition.
    let isPlainGreedy: Bool
    private let tensors: [String: StoredTensor]

    init(_ name: String) throws {
        let folder = Reference.folder.appendingPathComponent("cases/\(name)")
        let text = try String(
            contentsOf: folder.appendingPathComponent("case.json"), encoding: .utf8)
        let description = try JSON.parse(text)
        let checkpoint = try #require(description["checkpoint"]?.string)
        model = try Model.load(folder: Reference.folder.appendingPathComponent(checkpoint).path)
        rule = try #require(description["mrope"]?.string.flatMap(MRoPERule.init(rawValue:)))
        isPlainGreedy = description["decoding"]?["repetition_penalty"]?.double == 1
        let file = try MappedFile(path: folder.appendingPathComponent("golden.safetensors").path)
        var reader = SafetensorsReader(file: file, name: name)
        tensors = Dictionary(uniqueKeysWithValues: reader.tensors().map { ($0.name, $0) })
    }

    func floats(_ name: String) throws -> [Float] {
        try #require(tensors[name]).bytes.withMemoryRebound(to: Float.self) { Array($0) }
    }

    func integers(_ name: String) throws -> [Int] {
        try #require(tensors[name]).bytes.withMemoryRebound(to: Int64.self) { $0.map(Int.init) }
    }

    func grids() throws -> [PatchGrid] {
        let numbers = try integers("grid_thw")
        return stride(from: 0, to: numbers.count, by: 3).map {
            PatchGrid(time: numbers[$0], height: numbers[$0 + 1], width: numbers[$0 + 2])
        }
    }

    /// The parts of the prompt, found by its runs of pads.
    func pieces() throws -> [PositionPiece] {
        let tokens = model.configuration.tokens
        let ids = try integers("input_ids")
        var grids = try grids()[...]
        let merge = model.configuration.vision.mergeSize
        var pieces: [PositionPiece] = []
        var text = 0
        var index = 0
        while index < ids.count {
            if ids[index] == tokens.imagePad || ids[index] == tokens.videoPad {
                if text > 0 { pieces.append(.text(text)) }
                text = 0
                let next = grids.popFirst()
                let grid = try #require(next)
                pieces.append(.visual(grid))
                index += grid.patches / (merge * merge)
            } else {
                text += 1
                index += 1
            }
        }
        if text > 0 { pieces.append(.text(text)) }
        return pieces
    }
}

/// Largest difference, relative to the largest golden number.
private func relativeError(_ values: [Float], _ golden: [Float]) -> Float {
    guard values.count == golden.count else { return .infinity }
    let scale = golden.reduce(0) { max($0, abs($1)) }
    let worst = zip(values, golden).reduce(Float(0)) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference)
    }
    return worst / scale
}

@Suite(
    .enabled(
        if: !Reference.cases.isEmpty,
        "needs ../shared/reference, or REELSCRIBE_SHARED, beside the project"))
struct EngineGoldenTests {
    /// Everything from the rotary pairs to the order of the merger's rows.
    @Test(arguments: Reference.cases) func visionTowerEqualsReference(_ name: String) throws {
        let golden = try GoldenCase(name)
        let encoder = VisionEncoder(model: golden.model, pool: ThreadPool(threads: 2))
        let pixels = try golden.floats("pixel_values")
        var embeddings: [Float] = []
        var start = 0
        for grid in try golden.grids() {
            let end = start + grid.patches * golden.model.configuration.vision.patchVolume
            embeddings += try encoder.encode(Array(pixels[start..<end]), grid: grid)
            start = end
        }
        #expect(start == pixels.count)
        #expect(relativeError(embeddings, try golden.floats("vision_embeds")) < 1e-5)
    }

    /// The prompt through the language model in one chunk and in many, then tokens one by one.
    @Test(arguments: Reference.cases, [512, 17])
    func languageModelEqualsReference(_ name: String, chunk: Int) throws {
        let golden = try GoldenCase(name)
        let ids = try golden.integers("input_ids")
        let positions = RotaryPositions.of(
            try golden.pieces(), merge: golden.model.configuration.vision.mergeSize,
            rule: golden.rule)
        let axes = positions.time + positions.height + positions.width
        #expect(axes.map(Int.init) == (try golden.integers("position_ids")))

        let embeddings = try golden.floats("vision_embeds")
        let width = golden.model.configuration.text.hidden
        var spans: [VisualSpan] = []
        var at = 0
        var used = 0
        for piece in try golden.pieces() {
            switch piece {
            case .text(let count): at += count
            case .visual(let grid, _):
                let merge = golden.model.configuration.vision.mergeSize
                let count = grid.patches / (merge * merge)
                let end = used + count * width
                spans.append(
                    VisualSpan(range: at..<at + count, embeddings: Array(embeddings[used..<end])))
                at += count
                used = end
            }
        }
        #expect(used == embeddings.count)

        let generated = try golden.integers("generated_ids")
        var session = try Session(
            model: golden.model, pool: ThreadPool(threads: 2),
            capacity: ids.count + generated.count, chunk: chunk)
        let logits = try session.prefill(
            ids: ids, visual: spans, positions: positions, wantAllLogits: true)
        #expect(relativeError(logits, try golden.floats("logits")) < 1e-5)

        // Greedy decoding without a penalty takes the reference's tokens.
        guard golden.isPlainGreedy else { return }
        var last = Array(logits.suffix(golden.model.configuration.text.vocabulary))
        for (step, token) in generated.enumerated() {
            #expect(last.indices.max { last[$0] < last[$1] } == token, "token \(step)")
            last = try session.step(token, position: positions.next + step)
        }
    }
}

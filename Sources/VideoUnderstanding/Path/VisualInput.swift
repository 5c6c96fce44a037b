import Imaging
import Qwen2VL
import Text
import Video

/// One visual input of a prompt, seen and encoded.
package struct VisualInput: Sendable {
    package var kind: VisualKind
    /// The part of the video that it stands for, and the frames in it before a last odd one was
    /// repeated.
    package var window: FrameWindow
    package var grid: PatchGrid
    /// `[tokens, hidden]`.
    package var embeddings: [Float]
    /// Positions that it takes in the language model.
    package var tokens: Int

    package var moments: [SampledMoment] { window.moments }
}

/// Turns pairs of frames into visual tokens, a bounded number of pairs at a time.
package struct VisualInputBuilder {
    private let encoder: VisionEncoder
    private let preprocessor: PairPreprocessor
    private let target: PixelSize
    private let geometry: PatchGeometry
    private let pairsPerPass: Int
    /// Sees every batch of patch rows before it is encoded; for traces.
    private let tap: (([Float]) -> Void)?
    private var rows: [Float] = []
    private var waiting = 0
    private var pairs = 0
    private var embeddings: [Float] = []

    package init(
        encoder: VisionEncoder, plan: VisualPlan, model: ModelConfiguration,
        tap: (([Float]) -> Void)? = nil
    ) {
        self.encoder = encoder
        target = plan.target
        self.tap = tap
        geometry = PatchGeometry(model.vision)
        preprocessor = PairPreprocessor(
            source: plan.source, target: plan.target, patch: geometry,
            mean: model.preprocessor.mean, std: model.preprocessor.std)
        pairsPerPass = max(1, VisionEncoder.chunkRows / preprocessor.patches)
    }

    /// Takes the next pair.
    package mutating func add(
        _ first: RGBImage, _ second: RGBImage, timing: inout TimingRecord
    ) throws {
        let preprocessor = preprocessor
        rows += timing.measure(\.preprocess) { preprocessor.rows(first, second) }
        waiting += 1
        pairs += 1
        if waiting == pairsPerPass { try flush(&timing) }
    }

    /// Ends the input and starts the next one.
    package mutating func finish(
        kind: VisualKind, window: FrameWindow, timing: inout TimingRecord
    ) throws -> VisualInput {
        try flush(&timing)
        let grid = grid(of: pairs)
        defer {
            embeddings = []
            pairs = 0
        }
        return VisualInput(
            kind: kind, window: window, grid: grid,
            embeddings: embeddings,
            tokens: grid.patches / (geometry.mergeSize * geometry.mergeSize))
    }

    private mutating func flush(_ timing: inout TimingRecord) throws {
        guard waiting > 0 else { return }
        tap?(rows)
        let (encoder, batch, grid) = (encoder, rows, grid(of: waiting))
        embeddings += try timing.measure(\.vision) { try encoder.encode(batch, grid: grid) }
        rows.removeAll(keepingCapacity: true)
        waiting = 0
    }

    private func grid(of pairs: Int) -> PatchGrid { geometry.grid(of: target, pairs: pairs) }
}

extension PatchGeometry {
    /// The geometry of a model's patches.
    package init(_ vision: VisionConfiguration) {
        self.init(
            patchSize: vision.patchSize, temporalPatchSize: vision.temporalPatchSize,
            mergeSize: vision.mergeSize, channels: vision.channels)
    }
}

import Compute
import Imaging
import OrderedJSON
import Qwen2VL
import Text
import Video

/// What would be sampled from a video, without a look at its content unless tokens are left out by it.
public struct FramesTask: Sendable {
    private let model: ModelConfiguration

    /// - Parameter model: decides patch size and budgets; its weights are not needed.
    public init(model: ModelConfiguration) { self.model = model }

    /// Samples a video and lists what was taken.
    ///
    /// - Parameter onFrame: gets each frame, for contact sheets.
    /// - Throws: `Failure`.
    public func run(
        _ input: VideoInput, settings: Settings, onEvent: (AnalysisEvent) throws -> Void = { _ in },
        onFrame: ((SampledFrame) throws -> Void)? = nil
    ) throws(Failure) -> FramesDocument {
        do {
            return try running(
                input, settings, AnalysisOptions(settings, model: model), onEvent, onFrame)
        } catch {
            throw Failure(error, stage: .decode)
        }
    }

    private func running(
        _ input: VideoInput, _ settings: Settings, _ options: AnalysisOptions,
        _ onEvent: (AnalysisEvent) throws -> Void, _ onFrame: ((SampledFrame) throws -> Void)?
    ) throws -> FramesDocument {
        var timing = TimingRecord()
        let start = ContinuousClock.now
        // All instants of the video, unless a bound was asked for: a long video is several inputs.
        var sampling = options.sampling
        sampling.maxFrames = settings.sampling.maxFrames
        sampling.needsPictures = onFrame != nil || options.prune != nil
        var reader = try FrameReader(input, sampling: sampling, options: options)
        timing.open = (ContinuousClock.now - start).seconds
        try onEvent(.opened(duration: reader.description.duration))
        let kind = reader.kind
        func plan(_ description: VideoDescription, frames: Int?) throws -> VisualPlan {
            try VisualPlan(
                kind: kind, source: description.uprightSize, frames: frames,
                fps: options.sampling.fps.value, windowSeconds: nil,
                maxFrames: options.maxFramesPerInput, budget: options.budget, model: model,
                room: nil)
        }
        // Tokens are compared while the frames come in, at the size that is known before.
        var comparison: (plan: VisualPlan, tokens: PairTokens)?
        if let prune = options.prune {
            let plan = try plan(
                reader.description,
                frames: reader.expectedFramesIsExact ? reader.expectedFrames : nil)
            comparison = (plan, PairTokens(prune, plan: plan, model: model))
        }
        var times: [Double] = []
        while let frame = try reader.next(timing: &timing) {
            times.append(frame.time)
            comparison?.tokens.add(frame)
            try onFrame?(frame)
            try onEvent(.seen(time: frame.time))
            try Task.checkCancellation()
        }
        let report = reader.report
        let description = reader.description
        comparison?.tokens.finish()
        let tokens = comparison?.tokens.counts
        let plan = try comparison?.plan ?? plan(description, frames: times.count)
        let pairs = FramePairing.pairs(ofFrames: times.count)
        let end = report.end
        let records = pairs.enumerated().map { index, pair in
            FramePairRecord(
                range: TimeRange(
                    start: times[pair.0],
                    end: index + 1 < pairs.count ? times[pairs[index + 1].0] : end),
                first: pair.0, second: pair.1, visualTokens: tokens?[index])
        }
        let video = try timing.measure(\.open) {
            VideoRecord(
                uri: input.uri, sha256: try Video.sha256(of: input),
                WatchedVideo(plan: plan, description: description, report: report))
        }
        timing.total = (ContinuousClock.now - start).seconds
        return FramesDocument(
            video: video,
            sampling: SamplingRecord(
                mode: options.sampling.mode.rawValue, fps: options.sampling.fps.value,
                frameSize: plan.target, grids: plan.grids(pairs: pairs.count, model: model),
                timestamps: times),
            pairs: records,
            visualTokens: tokens?.reduce(0, +) ?? pairs.count * plan.tokensPerPair,
            droppedVisualTokens: tokens.map {
                pairs.count * plan.tokensPerPair - $0.reduce(0, +)
            },
            settings: settings.withEffectivePixels(model).json(for: .frames),
            warnings: report.warningRecords, timing: timing)
    }
}

/// The visual tokens that are read of each pair of frames, as they come in.
private struct PairTokens {
    private(set) var counts: [Int] = []
    private var counter: PairCounter
    private var first: RGBImage?
    private let pairsPerInput: Int
    /// Pairs of the input that is not complete yet.
    private var pairs = 0

    init(_ prune: Double, plan: VisualPlan, model: ModelConfiguration) {
        counter = PairCounter(prune: prune, plan: plan, model: model)
        pairsPerInput = plan.limit.frames / 2
    }

    private mutating func add(_ first: RGBImage, _ second: RGBImage) {
        counter.add(first, second)
        pairs += 1
        if pairs == pairsPerInput { close() }
    }

    private mutating func close() {
        counts += counter.finish().kept?.counts ?? []
        pairs = 0
    }

    mutating func add(_ frame: SampledFrame) {
        guard let partner = first.take() else {
            first = frame.image
            return
        }
        add(partner, frame.image)
    }

    /// The last frame of an odd number stands twice.
    mutating func finish() {
        if let last = first.take() { add(last, last) }
        if pairs > 0 { close() }
    }
}

extension VisualPlan {
    /// Grids of the model inputs that so many pairs become.
    func grids(pairs: Int, model: ModelConfiguration) -> [PatchGrid] {
        let geometry = PatchGeometry(model.vision)
        return stride(from: 0, to: pairs, by: limit.frames / 2).map { first in
            geometry.grid(of: target, pairs: min(limit.frames / 2, pairs - first))
        }
    }
}

import Imaging
import OrderedJSON
import Qwen2VL
import Text
import Video

extension VideoDescription {
    package var uprightSize: PixelSize { PixelSize(width: width, height: height) }
}

extension VideoInput {
    package var visualKind: VisualKind { isStillImage ? .image : .video }
}

extension DecodeReport {
    /// Where the part that was read ends: a presentation time of the file.
    package var end: Double { coverage.seen.last?.end ?? 0 }

    package var warningRecords: [WarningRecord] {
        warnings.map { WarningRecord(code: $0.code, message: $0.message) }
    }
}

extension VideoRecord {
    init(uri: String, sha256: String?, _ watched: WatchedVideo) {
        let (description, report) = (watched.description, watched.report)
        func ranges(_ spans: [TimeSpan]) -> [TimeRange] {
            spans.map { TimeRange(start: $0.start, end: $0.end) }
        }
        self.init(
            uri: uri, sha256: sha256, container: description.container,
            codec: description.codec, duration: description.duration,
            startTime: description.startTime, size: description.uprightSize,
            rotation: description.rotation, frameRate: description.frameRate,
            framesDecoded: report.framesDecoded,
            coverage: CoverageRecord(
                seen: ranges(report.coverage.seen), unseen: ranges(report.coverage.unseen)))
    }
}

extension Analyzer {
    /// The input as documents describe it, after it was read.
    func record(
        of input: VideoInput, _ watched: WatchedVideo, timing: inout TimingRecord
    ) throws -> VideoRecord {
        try timing.measure(\.open) {
            func digest() throws -> String? { try Video.sha256(of: input) }
            return VideoRecord(
                uri: input.uri, sha256: try seat.map { try $0.away(digest) } ?? digest(), watched)
        }
    }

    /// What a summary and an answer state about how they came about.
    func provenance(
        _ watched: WatchedVideo, grids: [PatchGrid], moments: [SampledMoment],
        for purpose: Settings.Purpose, settings: Settings, usage: UsageRecord,
        finish: FinishReason, warnings: [WarningRecord] = [], timing: TimingRecord
    ) -> Provenance {
        Provenance(
            sampling: SamplingRecord(
                mode: settings.sampling.mode.rawValue, fps: settings.sampling.fps.value,
                frameSize: watched.plan.target, grids: grids, timestamps: moments.map(\.time)),
            model: record(mrope: settings.mrope), settings: effective(settings).json(for: purpose),
            usage: usage, finishReason: finish,
            warnings: modelWarnings + settings.warnings + watched.plan.warnings
                + watched.report.warningRecords + warnings,
            timing: timing)
    }

    /// Settings with what the checkpoint decides where the user did not, and what was decided when it
    /// was loaded.
    package func effective(_ settings: Settings) -> Settings {
        var settings = settings.withEffectivePixels(model.configuration)
        settings.system = settings.system ?? Prompts.system
        settings.prompt = settings.prompt ?? Prompts.segment
        settings.weights = model.format
        settings.visionWeights = model.visionFormat
        settings.activations = pool.activations
        settings.generation.repetitionPenalty = settings.repetitionPenalty(model.configuration)
        return settings
    }

    /// The model as documents name it.
    public func record(mrope: MRoPERule) -> ModelRecord {
        ModelRecord(
            name: name, fingerprint: model.fingerprint, weights: model.format.rawValue,
            mrope: mrope.rawValue)
    }

    /// What a reader must know about the model before trusting its words.
    package var modelWarnings: [WarningRecord] { model.configuration.kind.warnings }
}

extension Settings {
    /// What was changed of them.
    var warnings: [WarningRecord] {
        adaptation.map { [WarningRecord(code: "limit.adapted", message: $0)] } ?? []
    }
}

extension ModelKind {
    package var warnings: [WarningRecord] {
        switch self {
        case .published: []
        case .untrained:
            [
                WarningRecord(
                    code: "model.untrained",
                    message: "the weights of this model are random: its words mean nothing; "
                        + "give --model a Qwen2-VL checkpoint")
            ]
        case .sample:
            [
                WarningRecord(
                    code: "model.sample",
                    message: "the sample model was used, which knows drawn shapes alone: what it "
                        + "says of other video is nonsense; give --model a Qwen2-VL checkpoint")
            ]
        }
    }
}

extension VisualPlan {
    var warnings: [WarningRecord] {
        guard let framesBeforeContext else { return [] }
        return [
            WarningRecord(
                code: "sampling.context",
                message: "\(framesBeforeContext) frames of \(target.width)×\(target.height) exceed "
                    + "the model's context; one model input holds \(limit.frames)")
        ]
    }
}

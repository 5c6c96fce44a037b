import Compute
import Imaging
import Qwen2VL
import Text
import Video

/// Settings that keep a run below the limit of memory.
///
/// What is changed, and in which order, depends on the limit, the model, the settings and the size and
/// length of the video alone. What the user chose stays as it is.
///
/// 1. Less of the video at once: windows of a half, then of a quarter of the seconds. A question about
///    the whole is answered from the windows that matter; where the whole was asked for (`--look
///    whole`), it is sampled more thinly, down to an eighth of the frames.
/// 2. Smaller pictures: the next lower `--detail`, with all windows of step 1 again.
/// 3. Keys and values in 16 bits, then in 8, at the lowest detail, with all windows again.
package struct MemoryFitting {
    /// The ways to try, the settings as they are first.
    package static func candidates(
        _ settings: Settings, isWindowed: Bool, kind: VisualKind, model: ModelConfiguration
    ) -> [Settings] {
        let lengths = lengths(settings, isWindowed: isWindowed, kind: kind)
        var sizes: [Settings] = [settings]
        let standard = settings.pixels.standardDetail
        if kind == .video, settings.pixels.isOpen, model.kind != .sample {
            let lower = Detail.allCases.prefix { $0 != standard }.reversed()
            sizes += lower.map { detail in
                var settings = settings
                settings.pixels.detail = detail
                return settings
            }
        }
        var found = sizes.flatMap { size in lengths.map { $0(size) } }
        if settings.chosenKV == nil, let smallest = sizes.last {
            for kv in [KVFormat.f16, .int8] {
                var settings = smallest
                settings.chosenKV = kv
                found += lengths.map { $0(settings) }
            }
        }
        return found
    }

    private static func lengths(
        _ settings: Settings, isWindowed: Bool, kind: VisualKind
    ) -> [(Settings) -> Settings] {
        let same: (Settings) -> Settings = { $0 }
        guard kind == .video else { return [same] }
        if isWindowed {
            guard settings.chosenWindow == nil else { return [same] }
            return [1, 2, 4].map { (part: Int64) in
                { settings in
                    var settings = settings
                    if part > 1 { settings.window = settings.window / part }
                    return settings
                }
            }
        }
        guard settings.sampling.maxFrames == nil else { return [same] }
        return [1, 2, 4, 8].map { part in
            { settings in
                var settings = settings
                let most = Settings.Sampling.standardMaxFrames / part
                if part > 1, most >= settings.sampling.minFrames {
                    settings.sampling.maxFrames = most
                }
                return settings
            }
        }
    }

    /// What one differs in from the other, as options.
    package static func changes(from settings: Settings, to fitted: Settings) -> [String] {
        var changes: [String] = []
        func note(_ option: String, _ was: String, _ now: String) {
            if was != now { changes.append("--\(option) \(now) in place of \(was)") }
        }
        note("look", settings.look.rawValue, fitted.look.rawValue)
        note("window", settings.window.shortText, fitted.window.shortText)
        let standard = Settings.Sampling.standardMaxFrames
        note(
            "max-frames", "\(settings.sampling.maxFrames ?? standard)",
            "\(fitted.sampling.maxFrames ?? standard)")
        let detail = settings.pixels.standardDetail
        note(
            "detail", (settings.pixels.detail ?? detail).rawValue,
            (fitted.pixels.detail ?? detail).rawValue)
        note("kv", settings.kv.rawValue, fitted.kv.rawValue)
        return changes
    }
}

extension Settings.Pixels {
    /// Whether the user left open how large frames are.
    var isOpen: Bool {
        detail == nil && minPixels == nil && maxPixels == nil && totalPixels == nil
    }
}

extension Rational {
    fileprivate static func / (rational: Rational, part: Int64) -> Rational {
        Rational(rational.numerator, rational.denominator * part) ?? rational
    }

    fileprivate var shortText: String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension Analyzer {
    /// Settings with which a run stays below the limit of memory: those given, where it does so
    /// anyway.
    ///
    /// The video is opened for its size and length only where the limit could be exceeded at all. One
    /// that can be read only once is taken for a long one of 1080p.
    ///
    /// - Throws: `limit.memory` where nothing that may be changed helps.
    package func fitted(
        _ input: VideoInput, for use: VideoUse, settings: Settings
    ) throws -> Settings {
        let limit = settings.effectiveMaxMemory
        guard worstCase() > limit else { return settings }
        let options = AnalysisOptions(settings, model: model.configuration)
        let transcript = try transcript(of: input, options: options)
        let facts = try facts(of: input, options: options)
        var settings = settings
        let asked = settings
        var windowed = true
        if case .answers = use, settings.look != .windows {
            windowed = false
            let need = try need(facts, use, windowed: false, transcript, settings)
            if need <= limit { return settings }
            if settings.look == .auto, facts.kind == .video, input.canBeReadAgain,
                settings.sampling.maxFrames == nil, settings.ablation == nil
            {
                settings.look = .windows
                windowed = true
            }
        }
        var least = Int.max
        for candidate in MemoryFitting.candidates(
            settings, isWindowed: windowed, kind: facts.kind, model: model.configuration)
        {
            var fitted = candidate
            let need = try need(facts, use, windowed: windowed, transcript, fitted)
            least = min(least, need)
            guard need <= limit else { continue }
            let changes = MemoryFitting.changes(from: asked, to: fitted)
            if !changes.isEmpty {
                fitted.adaptation =
                    "to stay below \(ByteSize(bytes: limit).text) of memory: "
                    + changes.joined(separator: ", ")
            }
            return fitted
        }
        try Self.requireMemory(least, limit: limit, stage: .prefill)
        return settings
    }

    /// More than any input can need.
    private func worstCase() -> Int {
        let text = model.configuration.text
        let merge = model.configuration.vision.mergeSize
        let sizes = MemoryModel(model.configuration, weightBytes: model.weightBytes)
        let cache = sizes.cache(tokens: text.maxPositions, kv: .f32)
        let input = MemoryModel.Input(
            tokens: text.maxPositions, visualTokens: text.maxPositions,
            patchesPerPair: text.maxPositions * merge * merge)
        return sizes.weights + sizes.program + cache + sizes.scratch(input, cache: cache)
            + sizes.frames(of: PixelSize(width: 8192, height: 8192))
    }

    private struct Facts {
        var kind: VisualKind
        var size: PixelSize
        /// Nil where not exactly known.
        var frames: Int?
    }

    private func facts(of input: VideoInput, options: AnalysisOptions) throws -> Facts {
        guard input.canBeReadAgain else {
            return Facts(kind: .video, size: PixelSize(width: 1920, height: 1080), frames: nil)
        }
        var sampling = options.sampling
        sampling.needsPictures = false
        let reader = try FrameReader(input, sampling: sampling, options: options)
        return Facts(
            kind: reader.kind, size: reader.description.uprightSize,
            frames: reader.expectedFramesIsExact ? reader.expectedFrames : nil)
    }

    /// Bytes of the largest model input of a video.
    private func need(
        _ facts: Facts, _ use: VideoUse, windowed: Bool, _ transcript: Transcript,
        _ settings: Settings
    ) throws -> Int {
        let options = AnalysisOptions(settings, model: model.configuration)
        var prompts = [options.segmentPrompt]
        if case .answers(let questions) = use {
            prompts += questions.map { Prompts.asking($0, shape: options.answerShape) }
        }
        let room = try roomForVisualTokens(
            prompts: prompts, reserved: reservedTokens(for: transcript, options: options),
            options: options)
        let plan = try VisualPlan(
            kind: facts.kind, source: facts.size, frames: facts.frames,
            fps: options.sampling.fps.value,
            windowSeconds: windowed ? options.windowSeconds : nil,
            maxFrames: options.maxFramesPerInput & ~1, budget: options.budget,
            model: model.configuration, room: room)
        let frames = min(facts.frames ?? plan.limit.frames, plan.limit.frames)
        let windows = windowed && settings.look == .windows ? settings.lookWindows : 1
        let visual = windows * (frames + 1) / 2 * plan.tokensPerPair
        let context = model.configuration.text.maxPositions
        let watching = memory(
            tokens: min(context, visual + context - room), plan: plan, options: options)
        guard case .summary = use else { return watching.peak }
        // As many notes as are summed up at once, and the text on them.
        let notes = (Self.mostNotes + 1) * (options.maxNewTokens + 45) + 64
        let summing = memory(tokens: min(context, notes), plan: nil, options: options)
        return max(watching.peak, summing.peak + watching.frames)
    }
}

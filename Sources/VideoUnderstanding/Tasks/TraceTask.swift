import Imaging
import Qwen2VL
import Text
import Video

/// What a trace is asked to hold.
public struct TraceOptions: Sendable {
    public var prompt: String
    public var allLogits: Bool
    public var withFrames: Bool
    /// Tokens that are read behind the prompt, as if the model had written them.
    public var continuation: [Int]

    public init(
        prompt: String, allLogits: Bool = false, withFrames: Bool = false, continuation: [Int] = []
    ) {
        self.prompt = prompt
        self.allLogits = allLogits
        self.withFrames = withFrames
        self.continuation = continuation
    }
}

extension Analyzer {
    /// Runs the path once over one or more visual inputs and keeps the tensors of every stage.
    ///
    /// - Throws: `Failure`.
    /// - Source: contract section 5.
    package func trace(
        _ inputs: [VideoInput], trace: TraceOptions, settings: Settings,
        onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> [TraceTensor] {
        do {
            return try tracing(
                inputs, trace, AnalysisOptions(settings, model: model.configuration), onEvent)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    private func tracing(
        _ inputs: [VideoInput], _ trace: TraceOptions, _ options: AnalysisOptions,
        _ onEvent: (AnalysisEvent) throws -> Void
    ) throws -> [TraceTensor] {
        try check(trace.continuation)
        var options = options
        options.sampling.needsIndices = true
        // What the prompt leaves of the context must hold it, too.
        var room = options
        room.maxNewTokens += trace.continuation.count
        var timing = TimingRecord()
        var frames = FrameTape(keepsPictures: trace.withFrames)
        var rows: [Float] = []
        var visuals: [VisualInput] = []
        for input in inputs {
            var stream = try open(
                input, windowed: false, prompts: [trace.prompt], options: room, timing: &timing
            ) { rows += $0 }
            let visual = try stream.next(timing: &timing, onEvent: onEvent) { first, second in
                try frames.add(first)
                if let second { try frames.add(second) }
            }
            guard let visual else {
                throw Failure(
                    .decodeDamaged, stage: .decode, message: "\(input.uri): no frame was sampled")
            }
            frames.add(visual.moments)
            visuals.append(visual)
        }

        let layout = try layOut(
            visuals.map(\.place), prompt: trace.prompt, system: options.system,
            special: .recognised, rule: options.mrope, ablation: options.ablation,
            continuation: trace.continuation)
        try onEvent(.stage("reading \(layout.ids.count) tokens"))
        var session = try session(
            tokens: layout.ids.count + options.maxNewTokens, plan: nil,
            extra: 4 * rows.count + frames.bytes
                + (trace.allLogits
                    ? 4 * layout.ids.count * model.configuration.text.vocabulary : 0),
            options: options)
        let logits = try read(
            layout, 0..<layout.ids.count, visuals: visuals, into: &session,
            allLogits: trace.allLogits, timing: &timing)
        let vocabulary = model.configuration.text.vocabulary
        let text = try write(
            &session, logits: Array(logits.suffix(vocabulary)), layout: layout, options: options,
            timing: &timing, onEvent: onEvent)

        let configuration = model.configuration
        let embeddings = visuals.flatMap(\.embeddings)
        let positions = layout.positions
        // Which rows of the merger's output are read, where not all of them are.
        var kept: [TraceTensor] = []
        if options.prune != nil {
            let places = visuals.places(merge: configuration.vision.mergeSize)
            kept = [TraceTensor("visual_tokens_kept", shape: [places.count], .i64(places))]
        }
        return frames.tensors + kept + [
            TraceTensor(
                "pixel_values",
                shape: [
                    rows.count / configuration.vision.patchVolume, configuration.vision.patchVolume,
                ], .f32(rows)),
            TraceTensor(
                "grid_thw", shape: [visuals.count, 3],
                .i64(visuals.flatMap { [$0.grid.time, $0.grid.height, $0.grid.width] })),
            TraceTensor("input_ids", shape: [layout.ids.count], .i64(layout.ids)),
            TraceTensor(
                "position_ids", shape: [3, positions.count],
                .i64((positions.time + positions.height + positions.width).map(Int.init))),
            TraceTensor(
                "vision_embeds",
                shape: [
                    embeddings.count / configuration.text.hidden, configuration.text.hidden,
                ], .f32(embeddings)),
            TraceTensor(
                "logits", shape: [logits.count / vocabulary, vocabulary], .f32(logits)),
            TraceTensor("generated_ids", shape: [text.tokens.count], .i64(text.tokens)),
        ]
    }

    /// - Throws: where a token is none of the model's.
    private func check(_ continuation: [Int]) throws(Failure) {
        let vocabulary = model.configuration.text.vocabulary
        guard let unknown = continuation.first(where: { $0 < 0 || $0 >= vocabulary }) else {
            return
        }
        throw Failure(
            .optionsInvalid, stage: .options,
            message: "token \(unknown) of the continuation is not in the model's vocabulary of "
                + "\(vocabulary)",
            hint: "give ids such as those in generated_ids of a trace with the same model")
    }
}

extension [VisualInput] {
    /// Places of the tokens that are read among those of all inputs.
    fileprivate func places(merge: Int) -> [Int] {
        var places: [Int] = []
        var first = 0
        for visual in self {
            let all = visual.grid.patches / (merge * merge)
            places += (visual.kept?.places ?? [Int](0..<all)).map { first + $0 }
            first += all
        }
        return places
    }
}

/// The sampled frames of all inputs of a trace.
private struct FrameTape {
    let keepsPictures: Bool
    private var moments: [SampledMoment] = []
    private var pictures: [UInt8] = []
    private var size: PixelSize?

    init(keepsPictures: Bool) { self.keepsPictures = keepsPictures }

    mutating func add(_ moments: [SampledMoment]) { self.moments += moments }

    mutating func add(_ frame: SampledFrame) throws {
        guard keepsPictures else { return }
        guard size == nil || size == frame.image.size else {
            throw Failure(
                .jobInvalid, stage: .decode,
                message: "frames differ in size, and --with-frames writes one tensor",
                hint: "leave --with-frames out, or trace the inputs one by one")
        }
        size = frame.image.size
        pictures += frame.image.pixels
    }

    /// Bytes of the pictures that are kept.
    var bytes: Int { pictures.count }

    var tensors: [TraceTensor] {
        var tensors = [
            TraceTensor("frame_indices", shape: [moments.count], .i64(moments.map(\.index))),
            TraceTensor("frame_timestamps", shape: [moments.count], .f64(moments.map(\.time))),
        ]
        if let size {
            tensors.append(
                TraceTensor(
                    "frames_rgb", shape: [moments.count, size.height, size.width, 3],
                    .u8(pictures)))
        }
        return tensors
    }
}

import VideoUnderstanding

/// What a run of the model needs besides its input.
struct WorkOrder {
    /// The value of `--model`.
    var model: String?
    var settings: Settings
    var progress: ProgressMeter
}

/// One call of the trace command.
struct TraceOrder {
    var videos: [String]
    var prompt: String
    /// The safetensors file to write.
    var output: String
    var withFrames: Bool
    var allLogits: Bool
    /// Ids of tokens that are read behind the prompt.
    var continuation: [Int]
}

/// What the bench command measures.
struct BenchOrder {
    /// Random weights of a published size, unless a checkpoint is named.
    var size: ModelSize
    /// Layers of the language model that are kept.
    var layers: Int?
    /// All where empty.
    var parts: Set<Benchmark.Part> = []
    /// Whether it is told where the time of a pass goes.
    var detail = false
}

/// The calls of the commands into the path. The model is loaded once, at the first call that
/// needs it.
final class HeavyWork {
    private let order: WorkOrder
    private var loaded: Analyzer?
    /// Stands before the words of progress, where a run has many videos.
    var place = ""

    init(_ order: WorkOrder) { self.order = order }

    func summarize(
        _ index: IndexedVideo, settings: Settings
    ) throws(Failure) -> SummaryDocument {
        tellOfChange(index)
        return try analyzer().rounding(settings.activations).summarize(
            index, settings: settings, onEvent: reporter())
    }

    func summarize(_ video: String) throws(Failure) -> SummaryDocument {
        let input = try resolve(video)
        return try analyzer().summarize(input, settings: order.settings, onEvent: reporter())
    }

    func index(
        _ video: String, output: String, prefixes: PrefixChoice, extends: Bool, replaces: Bool
    ) throws(Failure) -> IndexDocument {
        let input = try resolve(video)
        return try analyzer().index(
            input, output: output, settings: order.settings, prefixes: prefixes, extends: extends,
            replaces: replaces, onEvent: reporter())
    }

    /// - Parameters:
    ///   - index: the index that `video` names, where it does, and the settings for it.
    ///   - cache: where the work on the video is kept.
    ///   - onText: gets pieces of the text of the answer as they arise.
    ///   - onAnswer: gets each answer as soon as it is whole.
    func answer(
        _ questions: [QuestionList.Question], about video: String,
        index: (video: IndexedVideo, settings: Settings)? = nil, cache: IndexCache? = nil,
        onText: ((String) throws -> Void)? = nil,
        onAnswer: (AnswerDocument) throws -> Void
    ) throws(Failure) {
        func pass(_ place: Int, _ document: AnswerDocument) throws {
            var document = document
            document.job = questions[place].job
            try onAnswer(document)
        }
        let texts = questions.map(\.text)
        var (settings, index) = (order.settings, index)
        if onText != nil {
            // A reader follows one answer at a time.
            settings.batch = 1
            index?.settings.batch = 1
        }
        if let index {
            tellOfChange(index.video)
            try analyzer().rounding(index.settings.activations).ask(
                index.video, questions: texts, settings: index.settings,
                onEvent: reporter(onText: onText), onAnswer: pass)
            return
        }
        let input = try resolve(video)
        try analyzer().ask(
            input, questions: texts, settings: settings, cache: cache,
            onEvent: reporter(onText: onText), onAnswer: pass)
    }

    /// - Parameter contactSheet: PNG file to draw, or nil.
    func frames(of video: String, contactSheet: String?) throws(Failure) -> FramesDocument {
        let input = try resolve(video)
        let task = FramesTask(
            model: try located().configuration(
                projector: order.settings.projector))
        guard let contactSheet else {
            return try task.run(input, settings: order.settings, onEvent: reporter())
        }
        var sheet = ContactSheet()
        let document = try task.run(input, settings: order.settings, onEvent: reporter()) {
            sheet.append($0)
        }
        try sheet.write(to: contactSheet)
        return document
    }

    func plan(_ video: String) throws(Failure) -> PlanDocument {
        let input = try resolve(video)
        return try analyzer().plan(input, settings: order.settings, onEvent: reporter())
    }

    func trace(_ trace: TraceOrder) throws(Failure) {
        var inputs: [VideoInput] = []
        for video in trace.videos { inputs.append(try resolve(video)) }
        let options = TraceOptions(
            prompt: trace.prompt, allLogits: trace.allLogits, withFrames: trace.withFrames,
            continuation: trace.continuation)
        try analyzer().writeTrace(
            of: inputs, options, settings: order.settings, to: trace.output, onEvent: reporter())
    }

    func bench(_ bench: BenchOrder) throws(Failure) -> BenchDocument {
        let settings = order.settings
        var options = Benchmark.Options(
            threads: settings.effectiveThreads, kv: settings.kv,
            activations: settings.activations)
        if !bench.parts.isEmpty { options.parts = bench.parts }
        options.detail = bench.detail
        var benchmark = Benchmark(options)
        let clip = try BenchmarkClip()
        func load() throws(Failure) -> Model {
            guard let model = order.model else {
                return try Model.randomForBenchmark(
                    size: bench.size, layers: bench.layers, formats: settings.weightFormats,
                    maxMemory: settings.effectiveMaxMemory)
            }
            return try ModelLocator(.process).locate(model).load(
                projector: settings.projector, weights: settings.weightFormats,
                threads: settings.effectiveThreads)
        }
        return try benchmark.run(model: load, clip: clip.input) { stage in
            try Signals.interruption.check(stage: .tool)
            order.progress.begin(stage, unit: "")
        }
    }

    // MARK: - Parts

    /// A video that is not as its index knows it is no fault, but worth a word.
    private func tellOfChange(_ index: IndexedVideo) {
        guard let change = index.change else { return }
        order.progress.message("reelscribe: warning: \(change)")
    }

    private func resolve(_ video: String) throws(Failure) -> VideoInput {
        try .resolving(video, settings: order.settings)
    }

    private func located() throws(Failure) -> LocatedModel {
        try ModelLocator(.process).locate(order.model)
    }

    /// The model, loaded at the first call.
    func analyzer() throws(Failure) -> Analyzer {
        if let loaded { return loaded }
        order.progress.begin("loading the model", unit: "")
        let located = try located()
        let analyzer = try Analyzer(
            folder: located.path, projector: order.settings.projector, name: located.name,
            weights: order.settings.weightFormats,
            threads: order.settings.effectiveThreads,
            activations: order.settings.activations,
            maxMemory: order.settings.effectiveMaxMemory)
        loaded = analyzer
        return analyzer
    }

    /// Turns what happens on the path into progress, and ends the work when a signal asks for it.
    private func reporter(
        onText: ((String) throws -> Void)? = nil
    ) -> (AnalysisEvent) throws -> Void {
        let progress = order.progress
        let place = place
        let sampling = order.settings.sampling
        let bound = order.settings.generation.maxNewTokens
        let first = sampling.start?.seconds.value ?? 0
        var total: Int?
        var isWatching = false
        var pieces = 0
        return { event in
            try Signals.interruption.check(stage: .decode)
            switch event {
            case .opened(let duration):
                let end = sampling.end.map { min($0.seconds.value, duration) } ?? duration
                total = end > first ? Int((end - first).rounded(.up)) : nil
            case .seen(let time):
                if !isWatching { progress.begin(place + "watching", total: total, unit: "s") }
                isWatching = true
                progress.advance(to: max(0, Int(time - first)))
            case .stage(let words):
                isWatching = false
                pieces = 0
                progress.begin(place + words, total: bound, unit: "tokens")
            case .text(let text):
                pieces += 1
                progress.advance(to: pieces)
                try onText?(text)
            }
        }
    }
}

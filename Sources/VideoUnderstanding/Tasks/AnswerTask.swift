import Constraint
import OrderedJSON
import Qwen2VL
import Text
import Video
import VideoIndex

extension Analyzer {
    /// Answers questions about one video, which is decoded, encoded and read by the model once.
    ///
    /// A video that is longer than one model input is read window by window, and each question is
    /// answered from the windows that matter for it (``LookChoice``).
    ///
    /// - Parameters:
    ///   - prepared: from `prepare` with the same input, questions and settings.
    ///   - cache: where the work on the video is kept for the next question.
    ///   - onAnswer: gets each document as soon as it is there, with its place from 0.
    /// - Throws: `Failure`.
    public func ask(
        _ input: VideoInput, questions: [String], settings: Settings,
        prepared: PreparedVideo? = nil, cache: IndexCache? = nil,
        onEvent: (AnalysisEvent) throws -> Void = { _ in },
        onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws(Failure) {
        do {
            let settings =
                try prepared?.settings
                ?? fitted(input, for: .answers(questions), settings: settings)
            let work = QuestionWork(
                questions: questions, settings: settings,
                options: AnalysisOptions(settings, model: model.configuration))
            if let cache, work.options.ablation == nil, prepared == nil,
                try askingCache(cache, input, work, onEvent, onAnswer)
            {
                return
            }
            try asking(input, work, prepared, onEvent, onAnswer)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    /// Answers questions about a video from its index alone.
    ///
    /// - Parameter settings: `index.settings`, and what else the user asks for.
    /// - Throws: `Failure`; `index.mismatch` where the answers would not be those of the video.
    public func ask(
        _ index: IndexedVideo, questions: [String], settings: Settings,
        onEvent: (AnalysisEvent) throws -> Void = { _ in },
        onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws(Failure) {
        let work = QuestionWork(
            questions: questions, settings: settings,
            options: AnalysisOptions(settings, model: model.configuration))
        do {
            try index.require(self, settings)
            try onEvent(.opened(duration: 0))
            if settings.look != .windows, try askingWhole(index, work, onEvent, onAnswer) { return }
            // Says that it is not there.
            if settings.look == .whole { _ = try index.reading(.whole) }
            guard settings.look != .whole else {
                throw Failure(
                    .indexMismatch, stage: .open,
                    message: "with these questions the whole video does not fit the model's "
                        + "context as \(index.file.path) holds it",
                    hint: "leave --look out, or give the video itself")
            }
            try askingWindows(index, work, onEvent, onAnswer)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    private func asking(
        _ input: VideoInput, _ work: QuestionWork, _ prepared: PreparedVideo?,
        _ onEvent: (AnalysisEvent) throws -> Void,
        _ onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws {
        var timing = TimingRecord()
        let start = ContinuousClock.now
        let options = work.options
        let transcript = try prepared?.transcript ?? transcript(of: input, options: options)
        var stream = try open(
            input, windowed: false, prompts: work.prompts,
            checksMemory: work.settings.look != .windows, transcript: transcript,
            options: options, prepared: prepared, timing: &timing)
        try onEvent(.opened(duration: stream.description.duration))
        if input.canBeReadAgain, options.ablation == nil,
            work.settings.look == .windows
                || work.settings.look == .auto && isLong(stream, options, work.settings)
        {
            prepared?.abandon()
            return try askingWindows(of: input, work, onEvent, onAnswer)
        }
        guard let visual = try stream.next(timing: &timing, onEvent: onEvent) else {
            throw Failure(
                .decodeDamaged, stage: .decode, message: "\(input.uri): no frame was sampled")
        }
        try stream.finish(timing: &timing)
        let watched = stream.watched
        let asked = AskedVideo(
            watched: watched, visual: visual, pairs: visual.pairs(end: watched.end),
            clock: visual.clock(end: watched.end),
            video: try record(of: input, watched, timing: &timing), transcript: transcript,
            settings: work.settings)
        try answerAndVerify(
            asked, work, start: start, timing: timing, onEvent: onEvent, onAnswer: onAnswer)
    }

    /// Whether a video is more than one model input at its rate of frames, so that looking at the
    /// whole of it would be looking thinly. Who bounds the frames wants just that.
    func isLong(
        _ stream: borrowing VisualStream, _ options: AnalysisOptions, _ settings: Settings
    ) -> Bool {
        guard stream.plan.kind == .video else { return false }
        if stream.plan.framesBeforeContext != nil { return true }
        guard settings.sampling.maxFrames == nil else { return false }
        let duration = stream.description.duration
        let start = options.sampling.start?.value ?? 0
        let end = min(options.sampling.end?.value ?? duration, duration)
        return (end - start) * options.sampling.fps.value > Double(options.maxFramesPerInput + 1)
    }
}

extension Analyzer {
    /// The times that a free answer names, as times of the file. Times of a shape are those of the
    /// file already, and a picture has none.
    func spokenTimes(
        _ answer: WrittenAnswer, _ asked: AskedVideo, _ options: AnalysisOptions
    ) -> (times: [TimeRange], warnings: [WarningRecord]) {
        guard asked.visual.kind == .video, options.answerShape == nil,
            let text = answer.value.string
        else { return ([], []) }
        let (times, outside) = SpokenTimes.times(in: text, pairs: asked.clock)
        var warnings: [WarningRecord] = []
        let start = asked.visual.window.start
        if !times.isEmpty, start >= 0.5 {
            warnings.append(
                WarningRecord(
                    code: "answer.relative_times",
                    message: "seconds in the words of this answer count from "
                        + "\(Timecode.text(of: start)); \"times\" has them as times of the file"))
        }
        if outside > 0 {
            warnings.append(
                WarningRecord(
                    code: "answer.time_outside",
                    message: "\(outside) of the times in the words of this answer lie behind what "
                        + "the model saw, or run backwards"))
        }
        return (times, warnings)
    }
}

/// Questions, and how they are to be answered.
struct QuestionWork {
    let questions: [String]
    /// What the model reads of them.
    let prompts: [String]
    let settings: Settings
    let options: AnalysisOptions

    init(questions: [String], settings: Settings, options: AnalysisOptions) {
        self.questions = questions
        prompts = questions.map { Prompts.asking($0, shape: options.answerShape) }
        self.settings = settings
        self.options = options
    }
}

/// What a question is answered from.
struct AskedVideo {
    var watched: WatchedVideo
    var visual: VisualInput
    /// The time that each pair of frames stands for: the presentation times of its frames.
    var pairs: [TimeRange]
    /// The same, by the instants for which the frames were taken: what the model takes for seconds.
    var clock: [TimeRange]
    var video: VideoRecord
    var transcript: Transcript
    var memory: VideoMemory?
    /// Those of the user, with what was chosen where the user left it open.
    var settings: Settings
    var warnings: [WarningRecord] = []
}

extension VisualInput {
    /// The time that each pair stands for.
    ///
    /// - Parameter end: where the last window ends, in seconds.
    func pairs(end: Double) -> [TimeRange] { ranges(end: end) { $0.time } }

    /// The time that each pair stands for, by the instants for which its frames were taken.
    func clock(end: Double) -> [TimeRange] { ranges(end: end) { $0.instant } }

    private func ranges(end: Double, _ time: (SampledMoment) -> Double) -> [TimeRange] {
        stride(from: 0, to: moments.count, by: 2).map { first in
            let start = time(moments[first])
            return TimeRange(
                start: start,
                end: max(
                    start,
                    first + 2 < moments.count
                        ? time(moments[first + 2]) : window.next?.time ?? end))
        }
    }
}

extension VideoInput {
    /// Whether opening it a second time gives the same again.
    var canBeReadAgain: Bool {
        switch self {
        case .file(let path): SystemFiles.isFile(path)
        case .standardInput: false
        case .url, .imageFolder, .image, .fetched: true
        }
    }
}

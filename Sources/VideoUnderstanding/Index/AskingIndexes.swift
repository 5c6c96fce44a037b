import Compute
import Foundation
import Imaging
import Qwen2VL
import Text
import Video
import VideoIndex

/// When the work for an answer began, and what an index that was made for it took.
struct IndexingTime {
    var start = ContinuousClock.now
    var timing = TimingRecord()
}

extension Analyzer {
    /// Answers from the whole video, where an index holds it and one model input can.
    ///
    /// - Returns: false where the video is to be looked at window by window.
    func askingWhole(
        _ index: IndexedVideo, _ work: QuestionWork, uri: String? = nil,
        spent: IndexingTime = IndexingTime(), _ onEvent: (AnalysisEvent) throws -> Void,
        _ onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws -> Bool {
        guard let (facts, windows) = try index.find(.whole), windows == 1 else { return false }
        let plan = try plan(of: facts, .whole, prompts: work.prompts, options: work.options)
        guard plan.framesBeforeContext == nil else { return false }
        guard plan.target == facts.watched.plan.target else { throw otherFrames(index) }
        let visual = try index.visual(.whole, 0, facts, model: model.configuration)
        var video = index.record(facts)
        if let uri { video.uri = uri }
        let asked = AskedVideo(
            watched: facts.watched, visual: visual, pairs: visual.pairs(end: facts.watched.end),
            clock: visual.clock(end: facts.watched.end), video: video, transcript: facts.transcript,
            memory: index.memory,
            settings: work.settings)
        try answerAndVerify(
            asked, work, start: spent.start, timing: spent.timing, onEvent: onEvent,
            onAnswer: onAnswer)
        return true
    }

    /// Answers each question from the windows that matter for it.
    func askingWindows(
        _ index: IndexedVideo, _ work: QuestionWork, uri: String? = nil,
        spent: IndexingTime = IndexingTime(), _ onEvent: (AnalysisEvent) throws -> Void,
        _ onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws {
        var spent = spent
        let (facts, windows) = try index.reading(.windows)
        guard windows > 0 else {
            throw Failure(
                .decodeDamaged, stage: .decode, message: "\(index.header.uri): no frame was sampled"
            )
        }
        let notes = try index.notes(windows)
        var settings = work.settings
        settings.look = .windows
        let search = WindowSearch(
            analyzer: self, index: index, facts: facts, notes: notes.map(\.text),
            options: work.options)
        let found = try search.windowsThatMatter(
            for: work.questions, glances: settings.glances, timing: &spent.timing, onEvent: onEvent)
        for (place, ranked) in found.enumerated() {
            let chosen = Array(ranked.prefix(settings.lookWindows)).sorted()
            func answer(
                _ look: [WindowPart]
            ) throws -> (asked: AskedVideo, document: AnswerDocument)? {
                let inputs = try look.map {
                    try index.visual(.windows, $0.window, facts, model: model.configuration)
                        .part($0.pairs)
                }
                var video = index.record(facts)
                if let uri { video.uri = uri }
                let asked = AskedVideo(
                    watched: facts.watched,
                    visual: joined(inputs, tokensPerPair: facts.watched.plan.tokensPerPair),
                    pairs: inputs.flatMap { $0.pairs(end: facts.watched.end) },
                    clock: inputs.flatMap { $0.clock(end: facts.watched.end) }, video: video,
                    transcript: facts.transcript, memory: index.memory, settings: settings,
                    warnings: [
                        lookWarning(
                            inputs.map { $0.range(end: facts.watched.end) }, of: windows)
                    ])
                var document: AnswerDocument?
                // Its words are told when it is known that they stay.
                try self.answer(
                    asked, work, [place], start: spent.start, timing: spent.timing,
                    onEvent: { event in
                        if case .text = event { return }
                        try onEvent(event)
                    },
                    onAnswer: { document = $1 })
                return document.map { (asked, $0) }
            }
            guard var told = try answer(chosen.map { WindowPart(window: $0) }) else { continue }
            if chosen.count == 1,
                let look = try search.lookOverEdge(of: chosen[0], told.document),
                let second = try answer(look), second.document.seesNoLess(than: told.document)
            {
                told = second
            }
            let document = try verified(told.document, told.asked, work, place, onEvent: onEvent)
            try onEvent(.text(document.answer.string ?? document.answer.compact))
            try onAnswer(place, document)
            // The first question bears what was done for all.
            spent = IndexingTime()
        }
    }

    /// Answers from an index that is made for these questions and forgotten afterwards.
    func askingWindows(
        of input: VideoInput, _ work: QuestionWork, _ onEvent: (AnalysisEvent) throws -> Void,
        _ onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws {
        var spent = IndexingTime()
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("reelscribe-\(UUID().uuidString).rsx").path
        defer {
            for name in [path, path + "-journal"] { unlink(name) }
        }
        let file = try IndexFile.writing(path)
        defer { file.close() }
        spent.timing = try fill(
            file, with: input, IndexRequest(readings: [.windows], prefixes: .none, isKept: false),
            settings: work.settings, onEvent: onEvent
        ).timing
        file.close()
        try askingWindows(
            try IndexedVideo(try IndexFile.reading(path)), work, spent: spent, onEvent, onAnswer)
    }

    /// Answers from a cache, where the video can be kept in one.
    ///
    /// - Returns: false where it cannot, or where the whole of a long video is asked for.
    func askingCache(
        _ cache: IndexCache, _ input: VideoInput, _ work: QuestionWork,
        _ onEvent: (AnalysisEvent) throws -> Void,
        _ onAnswer: (Int, AnswerDocument) throws -> Void
    ) throws -> Bool {
        guard let content = try Video.sha256(of: input, while: { !Task.isCancelled }) else {
            try Task.checkCancellation()
            return false
        }
        var hasAnswered = false
        var spent = IndexingTime()
        do {
            defer { cache.trim() }
            func pass(_ place: Int, _ document: AnswerDocument) throws {
                hasAnswered = true
                try onAnswer(place, document)
            }
            if work.settings.look != .windows,
                let whole = try cached(
                    cache, .whole, content, input, work.settings, &spent, onEvent),
                try askingWhole(whole, work, uri: input.uri, spent: spent, onEvent, pass)
            {
                return true
            }
            guard work.settings.look != .whole,
                let windows = try cached(
                    cache, .windows, content, input, work.settings, &spent, onEvent)
            else { return false }
            try askingWindows(windows, work, uri: input.uri, spent: spent, onEvent, pass)
            return true
        } catch let error as IndexError {
            // A cache must not stand in the way: what is damaged in it is made again.
            guard case .damaged(let path, _) = error, !hasAnswered else { throw error }
            unlink(path)
            return false
        }
    }

    /// The index of a video in a cache, made if it is not there; nil where there can be none.
    private func cached(
        _ cache: IndexCache, _ reading: ReadingName, _ content: String, _ input: VideoInput,
        _ settings: Settings, _ spent: inout IndexingTime,
        _ onEvent: (AnalysisEvent) throws -> Void
    ) throws -> IndexedVideo? {
        var digest = try ContentDigest()
        digest.add("cache")
        digest.add(IndexFormat.version)
        digest.add(reading.rawValue)
        digest.add(content)
        digest.add(indexSettings(settings))
        digest.add(settings.subtitles.stamp(of: input.uri)?.compact ?? "")
        digest.add(indexKey)
        digest.add(Prompts.version)
        // What this machine computes, to the bit.
        digest.add(pool.arithmetic)
        let key = digest.finish()
        let output = IndexOutput(path: cache.path(of: key))
        while true {
            try Task.checkCancellation()
            if let file = try cache.open(key) { return try IndexedVideo(file) }
            do {
                let file = try output.begin()
                defer { file.close() }
                // A video that is long is read by windows, and not as a whole.
                guard try keep(input, reading, in: file, settings, &spent, onEvent) else {
                    unlink(output.partial)
                    return nil
                }
                try output.publish(file)
                file.close()
                // Opened before the cache is trimmed, which may take it away at once.
                if let made = try cache.open(key) { return try IndexedVideo(made) }
                return nil
            } catch IndexError.busy {
                // Its work is ours, too.
            }
            try onEvent(.stage("waiting for another process that looks at the same video"))
            usleep(100_000)
        }
    }

    /// - Returns: false where there is no such reading of this video.
    private func keep(
        _ input: VideoInput, _ reading: ReadingName, in file: IndexFile, _ settings: Settings,
        _ spent: inout IndexingTime, _ onEvent: (AnalysisEvent) throws -> Void
    ) throws -> Bool {
        let filled = try fill(
            file, with: input, IndexRequest(readings: [reading], prefixes: .auto),
            settings: settings, onEvent: onEvent)
        spent.timing = filled.timing
        return filled.readings.contains(reading)
    }

    // MARK: - Parts

    /// The plan of a reading for other prompts, from what an index knows of the video.
    func plan(
        of facts: ReadingFacts, _ name: ReadingName, prompts: [String], options: AnalysisOptions
    ) throws -> VisualPlan {
        let room = try roomForVisualTokens(
            prompts: prompts, reserved: reservedTokens(for: facts.transcript, options: options),
            options: options)
        let isWindowed = name == .windows
        return try VisualPlan(
            kind: facts.watched.plan.kind, source: facts.watched.plan.source,
            frames: facts.expectedFrames, fps: options.sampling.fps.value,
            windowSeconds: isWindowed ? options.windowSeconds : nil,
            maxFrames: isWindowed
                ? options.maxFramesPerInput : max(2, options.maxFramesPerInput & ~1),
            budget: options.budget, model: model.configuration, room: room)
    }

    /// - Throws: `index.mismatch` where windows would be others with these prompts.
    func requirePlan(
        _ facts: ReadingFacts, _ name: ReadingName, prompts: [String], _ index: IndexedVideo,
        options: AnalysisOptions
    ) throws {
        guard
            try plan(of: facts, name, prompts: prompts, options: options) == facts.watched.plan
        else { throw otherFrames(index) }
    }

    private func otherFrames(_ index: IndexedVideo) -> Failure {
        Failure(
            .indexMismatch, stage: .open,
            message: "with these prompts the model's context takes other frames than "
                + "\(index.file.path) holds",
            hint: "give the video itself")
    }

    /// Several windows as one model input.
    private func joined(_ inputs: [VisualInput], tokensPerPair: Int) -> VisualInput {
        var whole = inputs[0]
        for next in inputs.dropFirst() {
            whole.window.moments += next.window.moments
            whole.window.next = next.window.next
            whole.grid = PatchGrid(
                time: whole.grid.time + next.grid.time, height: whole.grid.height,
                width: whole.grid.width)
            whole.hashes += next.hashes
            whole.tokens += next.tokens
        }
        if inputs.contains(where: { $0.kept != nil }) {
            var kept = TokenSelection(tokensPerPair: tokensPerPair)
            for input in inputs {
                if let selection = input.kept {
                    kept.append(selection)
                } else {
                    for _ in 0..<input.grid.time { kept.append(nil) }
                }
            }
            whole.kept = kept
        }
        return whole
    }

    private func lookWarning(_ ranges: [TimeRange], of windows: Int) -> WarningRecord {
        var looked: [TimeRange] = []
        for range in ranges {
            if let last = looked.last, last.end == range.start {
                looked[looked.count - 1].end = range.end
            } else {
                looked.append(range)
            }
        }
        let list = looked.map {
            "\(Timecode.text(of: $0.start)) - \(Timecode.text(of: $0.end))"
        }.joined(separator: ", ")
        return WarningRecord(
            code: "sampling.windows",
            message: "of \(windows) windows the model looked at \(list) for this answer")
    }
}

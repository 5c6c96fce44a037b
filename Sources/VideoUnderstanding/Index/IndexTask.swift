import Imaging
import OrderedJSON
import Qwen2VL
import Text
import Video
import VideoIndex

/// Which prefixes an index keeps: what the model remembers of a model input, which is large.
public enum PrefixChoice: String, Sendable, CaseIterable {
    /// Of the input that `ask` reads: the whole video or, where that is long, each window.
    case auto
    /// Of the whole video and of each window.
    case all
    case none
}

/// What goes into an index.
struct IndexRequest {
    var readings: Set<ReadingName> = [.whole, .windows]
    var prefixes = PrefixChoice.auto
    /// Whether it is for later, so that something must tell the video apart from others.
    var isKept = true
    /// Name of the first pair of the video that is to be gone on with.
    var beginning: ContentHash?
}

/// What was put into an index.
struct FilledIndex {
    var readings: Set<ReadingName> = []
    /// Pairs of frames that were looked at, and those of them that were known.
    var pairs = 0
    var recalled = 0
    var timing = TimingRecord()
}

extension Analyzer {
    /// Makes an index of a video, or goes on making one.
    ///
    /// - Parameters:
    ///   - output: the file; it is there when it is whole.
    ///   - extends: begin with what an older index of the same video holds.
    ///   - replaces: forget what is there.
    /// - Throws: `Failure`.
    public func index(
        _ input: VideoInput, output: String, settings: Settings, prefixes: PrefixChoice = .auto,
        extends: Bool = false, replaces: Bool = false,
        onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) -> IndexDocument {
        do {
            return try indexing(
                input, IndexOutput(path: output),
                fitted(input, for: .summary, settings: settings), prefixes, extends: extends,
                replaces: replaces, onEvent)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    private func indexing(
        _ input: VideoInput, _ output: IndexOutput, _ settings: Settings,
        _ prefixes: PrefixChoice, extends: Bool, replaces: Bool,
        _ onEvent: (AnalysisEvent) throws -> Void
    ) throws -> IndexDocument {
        var request = IndexRequest(prefixes: prefixes)
        var base: String?
        if output.exists, !replaces {
            let old = try IndexedVideo(try IndexFile.reading(output.path))
            let content = try Video.sha256(of: input, while: { !Task.isCancelled })
            try Task.checkCancellation()
            let wanted = indexSettings(settings)
            let isSame =
                old.header.content == content && old.header.settings == wanted
                && old.header.model == indexKey && old.header.prompts == Prompts.version
            guard extends || isSame else {
                throw Failure(
                    .outputUnwritable, stage: .output,
                    message: "\(output.path) is an index of "
                        + (old.header.content == content
                            ? "this video with other settings or another model"
                            : "another video, or of this one as it was"),
                    hint: "--extend to go on with what is the same, --force to replace it",
                    status: .outputNotCreated)
            }
            if isSame, old.header.prefixes == prefixes.rawValue {
                return IndexDocument(
                    old, counts: try old.file.counts(), pairsSeen: 0, pairsReused: 0)
            }
            if extends, !isSame { request.beginning = try old.firstPair() }
            base = output.path
        }
        let file = try output.begin(from: base)
        defer { file.close() }
        let filled = try fill(
            file, with: input, request, settings: settings, onEvent: onEvent)
        try output.publish(file)
        file.close()
        let index = try IndexedVideo(try IndexFile.reading(output.path))
        return IndexDocument(
            index, counts: try index.file.counts(), pairsSeen: filled.pairs,
            pairsReused: filled.recalled)
    }

    /// Reads a video in the ways that are asked for, and keeps all that comes of it. What is in the
    /// file already is not made again.
    func fill(
        _ file: IndexFile, with input: VideoInput, _ request: IndexRequest, settings: Settings,
        onEvent: (AnalysisEvent) throws -> Void
    ) throws -> FilledIndex {
        let digest = try Video.sha256(of: input, while: { !Task.isCancelled })
        try Task.checkCancellation()
        guard let content = digest ?? (request.isKept ? nil : "") else {
            throw Failure(
                .inputInvalid, stage: .open,
                message: "\(input.uri) is read only once, so that nothing tells it apart from "
                    + "another video later",
                hint: "save it to a file first")
        }
        let header = IndexHeader(
            content: content, uri: input.uri,
            settings: indexSettings(settings), model: indexKey, modelName: name,
            prompts: Prompts.version,
            prefixes: request.prefixes.rawValue,
            stamp: input.localPath.flatMap { SystemFiles.realPath($0) }
                .flatMap(IndexStamp.init(path:))?.text ?? "")
        _ = try file.begin(header)
        var work = IndexWork(
            input: input, request: request,
            options: AnalysisOptions(settings.forNotes, model: model.configuration),
            memory: VideoMemory(file))
        work.transcript = try transcript(of: input, options: work.options)
        try readWhole(&work, settings, onEvent)
        if request.readings.contains(.windows) { try readWindows(&work, onEvent) }
        try file.finish(header, work.readings)
        work.filled.readings = Set(work.readings.map(\.name))
        work.filled.timing = work.timing
        return work.filled
    }

    /// The video as one model input, unless it is too long for that.
    private func readWhole(
        _ work: inout IndexWork, _ settings: Settings, _ onEvent: (AnalysisEvent) throws -> Void
    ) throws {
        // Whatever is asked later has room in what is left of the context, or there is none.
        var options = work.options
        options.maxNewTokens = 1
        var stream = try open(
            work.input, windowed: false, prompts: [""], checksMemory: false,
            transcript: work.transcript, options: options, memory: work.memory,
            timing: &work.timing)
        try onEvent(.opened(duration: stream.description.duration))
        // What does not fit memory as a whole is looked at by windows, too.
        let frames = stream.exactFrames
        let most = min(frames ?? stream.plan.limit.frames, stream.plan.limit.frames)
        let need = memory(
            tokens: (most + 1) / 2 * stream.plan.tokensPerPair + work.options.maxNewTokens,
            plan: stream.plan, options: options)
        work.isLong = isLong(stream, options, settings) || !need.fits
        guard work.request.readings.contains(.whole), !work.isLong else { return }
        guard let visual = try stream.next(timing: &work.timing, onEvent: onEvent) else {
            throw Failure(
                .decodeDamaged, stage: .decode, message: "\(work.input.uri): no frame was sampled")
        }
        try stream.finish(timing: &work.timing)
        try work.count(stream.recalledPairs, visual)
        var prefix: ContentHash?
        if work.request.prefixes != .none {
            try onEvent(.stage("reading \(visual.tokens) visual tokens"))
            work.memory.keepsPrefixes = true
            let layout = try layOut(
                [visual.place], prompt: "", system: options.system,
                rule: options.mrope)
            let key = try prefixKey(
                layout, layout.visuals[0].upperBound, visual, kv: options.kv)
            if try !work.memory.file.hasPrefix(key) {
                var session = try session(
                    tokens: layout.ids.count, plan: stream.plan, options: options)
                try readVideo(
                    layout, visual, into: &session, memory: work.memory, timing: &work.timing)
            }
            prefix = key
            work.memory.keepsPrefixes = false
        }
        let watched = stream.watched
        work.readings.append(
            StoredReading(
                name: .whole,
                facts: work.facts(watched, frames: frames, kept: [visual.kept]).json.compact,
                windows: [
                    StoredWindow(visual, end: watched.end, prefix: prefix, summary: nil)
                ]))
    }

    /// The video as windows, and what the model writes of each.
    private func readWindows(
        _ work: inout IndexWork, _ onEvent: (AnalysisEvent) throws -> Void
    ) throws {
        let options = work.options
        work.memory.keepsPrefixes =
            work.request.prefixes == .all || work.request.prefixes == .auto && work.isLong
        var stream = try open(
            work.input, windowed: true, prompts: [options.segmentPrompt],
            transcript: work.transcript, options: options, memory: work.memory,
            timing: &work.timing)
        try onEvent(.opened(duration: stream.description.duration))
        let frames = stream.exactFrames
        var reading = TranscriptReading(
            work.transcript, of: stream.description, options: options)
        var windows: [(visual: VisualInput, text: WindowText)] = []
        var recalled = 0
        var describer = WindowDescriber(self, stream.plan, memory: work.memory, options: options)
        while let visual = try stream.next(timing: &work.timing, onEvent: onEvent) {
            try work.count(stream.recalledPairs - recalled, visual)
            recalled = stream.recalledPairs
            try describer.add(visual, &reading, timing: &work.timing, onEvent: onEvent) {
                windows.append(($0, $1))
            }
        }
        try describer.finish(timing: &work.timing, onEvent: onEvent) { windows.append(($0, $1)) }
        let watched = stream.watched
        work.readings.append(
            StoredReading(
                name: .windows,
                facts: work.facts(
                    watched, frames: frames, kept: windows.map(\.visual.kept)
                ).json.compact,
                windows: windows.map {
                    StoredWindow($0, end: watched.end, prefix: $1.prefix, summary: $1.key)
                }))
        work.memory.keepsPrefixes = false
    }
}

/// An index while it is made.
private struct IndexWork {
    let input: VideoInput
    let request: IndexRequest
    let options: AnalysisOptions
    var memory: VideoMemory
    var transcript = Transcript.none
    var timing = TimingRecord()
    var isLong = false
    var readings: [StoredReading] = []
    var filled = FilledIndex()

    func facts(
        _ watched: WatchedVideo, frames: Int?, kept: [TokenSelection?]
    ) -> ReadingFacts {
        ReadingFacts(
            watched: watched, expectedFrames: frames, isLong: isLong, transcript: transcript,
            kept: kept)
    }

    /// - Throws: where this is the beginning of another video than the one to go on with.
    mutating func count(_ recalled: Int, _ visual: VisualInput) throws {
        if let beginning = request.beginning, filled.pairs == 0, visual.hashes.first != beginning {
            throw Failure(
                .outputUnwritable, stage: .output,
                message: "\(input.uri) does not begin as the video in the index does",
                hint: "--force replaces the index", status: .outputNotCreated)
        }
        filled.pairs += visual.hashes.count
        filled.recalled += recalled
    }
}

extension StoredWindow {
    /// - Parameter end: where the last window ends, in seconds.
    init(_ visual: VisualInput, end: Double, prefix: ContentHash?, summary: ContentHash?) {
        self.init(
            start: visual.window.start, end: visual.window.next?.time ?? end,
            ending: visual.window.next.map { $0.isCut ? .cut : .window } ?? .end,
            height: visual.grid.height, width: visual.grid.width,
            frames: visual.moments.map {
                Frame(shown: $0.index, time: $0.time, instant: $0.instant)
            },
            pairs: zip(visual.pairs(end: end), visual.hashes).map {
                Pair(start: $0.start, end: $0.end, hash: $1)
            }, prefix: prefix, summary: summary)
    }
}

extension Settings {
    /// The same, but for how notes on windows are written: an index has them by the built-in words
    /// and greedily, whatever is asked of it later.
    var forNotes: Settings {
        var settings = self
        settings.prompt = nil
        settings.segments = .windows
        settings.generation = Generation()
        return settings
    }
}

extension IndexedVideo {
    /// The name of the first pair of frames.
    func firstPair() throws -> ContentHash? {
        for name in ReadingName.allCases {
            if try find(name) != nil { return try file.window(name, 0).pairs.first?.hash }
        }
        return nil
    }
}

extension VideoInput {
    /// The one file that it is; nil for others.
    fileprivate var localPath: String? {
        switch self {
        case .file(let path), .image(let path): path
        case .fetched(let path, _, _): path
        case .url, .imageFolder, .standardInput: nil
        }
    }
}

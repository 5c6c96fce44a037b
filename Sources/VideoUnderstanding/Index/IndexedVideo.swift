import Glibc
import Imaging
import OrderedJSON
import Qwen2VL
import Text
import Video
import VideoIndex

/// A video as a finished index remembers it, which takes the place of the video itself.
public struct IndexedVideo: Sendable {
    let file: IndexFile
    let header: IndexHeader
    /// The settings that it was made with; the rest are as they are by default.
    public let settings: Settings

    var memory: VideoMemory { VideoMemory(file) }

    /// Whether a command-line argument names an index and not a video: by what is in it, or by its
    /// name, so that a damaged one is told of as such.
    public static func isNamed(_ argument: String) -> Bool {
        guard SystemFiles.isFile(argument) else { return false }
        if argument.lowercased().hasSuffix("." + IndexFormat.fileExtension) { return true }
        return (try? Self.check(argument)) != nil
    }

    private static func check(_ path: String) throws { _ = try IndexFile.reading(path) }

    /// - Throws: `Failure` where there is none, or it is damaged or unfinished.
    public init(path: String) throws(Failure) {
        do {
            try self.init(try IndexFile.reading(path))
        } catch {
            throw Failure(error, stage: .open)
        }
    }

    init(_ file: IndexFile) throws {
        guard let header = file.header, let settings = IndexSettings.settings(header.settings)
        else {
            throw IndexError.damaged(path: file.path, what: "its settings")
        }
        self.file = file
        self.header = header
        self.settings = settings
    }

    /// What has become of the video since, in words; nil where it is as it was, or where that
    /// cannot be known.
    ///
    /// The bytes are read only where size or time of the file differ.
    public var change: String? {
        guard let stamp = IndexStamp(header.stamp) else { return nil }
        guard let now = IndexStamp(path: stamp.path) else {
            return "\(stamp.path) is not there any more; what follows is about the video as it was "
                + "when \(file.path) was made"
        }
        if now == stamp { return nil }
        guard let digest = try? Video.sha256(of: .file(path: stamp.path)), digest != header.content
        else { return nil }
        return "\(stamp.path) has changed since \(file.path) was made; what follows is about the "
            + "video as it was. reelscribe index \(stamp.path) --output \(file.path) --extend "
            + "brings it up to date"
    }

    /// - Throws: where the index is of another model, or was made with other settings.
    func require(_ analyzer: Analyzer, _ settings: Settings) throws(Failure) {
        let model = analyzer.model
        // How activations are rounded is told as the setting that it is.
        let key = model.indexKey(self.settings.activations)
        guard header.model == key else {
            throw Failure(
                .indexMismatch, stage: .model,
                message: "\(file.path) was made with the model \(header.modelName) "
                    + "(\(header.model)), not \(model.name) (\(key))",
                hint: "name that model with --model, or make the index again")
        }
        guard header.prompts == Prompts.version else {
            throw Failure(
                .indexMismatch, stage: .open,
                message: "\(file.path) was made with other prompts than this reelscribe has",
                hint: "make the index again")
        }
        let asked = analyzer.indexSettings(settings)
        guard header.settings == asked else {
            throw Failure(
                .indexMismatch, stage: .options,
                message: "\(file.path) was made with "
                    + IndexSettings.difference(header.settings, asked),
                hint: "leave the option out, or make an index with it")
        }
    }

    // MARK: - What is in it

    /// - Throws: `index.mismatch` where the video was not read that way.
    func reading(_ name: ReadingName) throws -> (ReadingFacts, windows: Int) {
        guard let found = try find(name) else {
            throw Failure(
                .indexMismatch, stage: .open,
                message: "\(file.path) does not hold the video as "
                    + (name == .whole ? "one model input" : "windows"),
                hint: "give the video itself")
        }
        return found
    }

    /// Nil where the video was not read that way.
    func find(_ name: ReadingName) throws -> (ReadingFacts, windows: Int)? {
        guard let found = try file.facts(name) else { return nil }
        guard let facts = ReadingFacts(found.text) else {
            throw IndexError.damaged(path: file.path, what: "what the video turned out to be")
        }
        return (facts, found.windows)
    }

    /// A model input without its visual tokens, which stay in the file until they are needed.
    func visual(
        _ name: ReadingName, _ number: Int, _ facts: ReadingFacts, model: ModelConfiguration
    ) throws -> VisualInput {
        let window = try file.window(name, number)
        let plan = facts.watched.plan
        let grid = PatchGeometry(model.vision).grid(of: plan.target, pairs: window.pairs.count)
        guard grid.height == window.height, grid.width == window.width else {
            throw IndexError.damaged(path: file.path, what: "the grid of window \(number)")
        }
        let kept = number < facts.kept.count ? facts.kept[number] : nil
        if let kept, kept.counts.count != window.pairs.count {
            throw IndexError.damaged(path: file.path, what: "the tokens of window \(number)")
        }
        let moments = window.frames.map {
            SampledMoment(index: $0.shown, time: $0.time, instant: $0.instant)
        }
        let next: WindowStart? =
            window.ending == .end
            ? nil : WindowStart(time: window.end, isCut: window.ending == .cut)
        let merge = model.vision.mergeSize
        return VisualInput(
            kind: plan.kind, window: FrameWindow(moments: moments, start: window.start, next: next),
            grid: grid, kept: kept, embeddings: [], hashes: window.pairs.map(\.hash),
            tokens: kept?.count ?? grid.patches / (merge * merge))
    }

    /// What the model wrote of each window when the index was made.
    func notes(_ windows: Int) throws -> [(range: TimeRange, text: String)] {
        try (0..<windows).map { number in
            let window = try file.window(.windows, number)
            guard let key = window.summary, let summary = try file.summary(key) else {
                throw IndexError.damaged(path: file.path, what: "a summary is missing")
            }
            return (TimeRange(start: window.start, end: window.end), summary.text)
        }
    }

    func record(_ facts: ReadingFacts) -> VideoRecord {
        VideoRecord(
            uri: header.uri, sha256: header.content.isEmpty ? nil : header.content, facts.watched)
    }
}

/// A file without a look at its bytes.
struct IndexStamp: Equatable {
    var path: String
    var size: Int
    var seconds: Int
    var nanoseconds: Int

    /// Nil where there is no file.
    init?(path: String) {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        self.path = path
        size = Int(facts.st_size)
        seconds = facts.st_mtim.tv_sec
        nanoseconds = facts.st_mtim.tv_nsec
    }

    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 3).map(String.init)
        guard parts.count == 4, let size = Int(parts[0]), let seconds = Int(parts[1]),
            let nanoseconds = Int(parts[2])
        else { return nil }
        path = parts[3]
        self.size = size
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    var text: String { "\(size) \(seconds) \(nanoseconds) \(path)" }
}

extension IndexError: ModuleFailure {
    func failure(_ stage: FailureStage) -> Failure {
        Failure(
            FailureCode(rawValue: code), stage: exitCode == 74 || exitCode == 73 ? .output : .open,
            message: description, hint: hint, status: RunStatus(rawValue: exitCode))
    }
}

extension FailureCode {
    /// An index that is sound, but of another model or made with other settings.
    public static let indexMismatch = FailureCode(rawValue: "index.mismatch")
}

internal import GRDB
import Glibc
import Video

/// One index on the disk: what a video looked like to a model, and what the model made of it.
///
/// Everything that is read is held against the checksum beside it. Checksums find damage; they are
/// no proof against somebody who wants to deceive.
public final class IndexFile: Sendable {
    public let path: String
    package let isWritable: Bool
    let queue: DatabaseQueue
    /// Held as long as the file is written to.
    private let lock: WriterLock?
    /// Nil for an index that was just made.
    public let header: IndexHeader?
    /// Whether indexing was finished.
    public let isFinished: Bool

    /// Opens a finished index, and never writes to it.
    public static func reading(_ path: String) throws(IndexError) -> IndexFile {
        let queue = try Opening.reading(path)
        let file = try IndexFile(path, queue, isWritable: false)
        guard file.isFinished, file.header != nil else { throw .unfinished(path: path) }
        return file
    }

    /// Opens or makes an index to write to, which no other process can meanwhile.
    package static func writing(_ path: String) throws(IndexError) -> IndexFile {
        try writing(path, lock: nil)
    }

    static func writing(_ path: String, lock: WriterLock?) throws(IndexError) -> IndexFile {
        try IndexFile(path, try Opening.writing(path), isWritable: true, lock: lock)
    }

    private init(
        _ path: String, _ queue: DatabaseQueue, isWritable: Bool, lock: WriterLock? = nil
    ) throws(IndexError) {
        self.path = path
        self.queue = queue
        self.lock = lock
        self.isWritable = isWritable
        let entries = try Opening.attempt(path, isWriting: isWritable) {
            try queue.inDatabase { try Self.entries($0, path) }
        }
        isFinished = entries["finished"] == "1"
        header = try entries.isEmpty ? nil : IndexHeader(entries, path)
    }

    private static func entries(_ database: Database, _ path: String) throws -> [String: String] {
        var entries: [String: String] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: "SELECT name, value, checksum FROM header LIMIT \(IndexFormat.Bound.headers)")
        while let row = try rows.next() {
            guard let name = row.text(0), let value = row.text(1),
                row.hash(2) == (try Checksum.header(name, value))
            else { throw IndexError.damaged(path: path, what: "its header") }
            entries[name] = value
        }
        return entries
    }

    /// Gives the file free for others, this process included.
    package func close() {
        // What is not closed here is closed with the last reference.
        try? queue.close()
        lock?.release()
    }

    /// Runs `body` with the database, and gives its errors the names of this module.
    func access<Result>(_ body: (Database) throws -> Result) throws(IndexError) -> Result {
        try Opening.attempt(path, isWriting: isWritable) { try queue.inDatabase(body) }
    }

    func damaged(_ what: String) -> IndexError { .damaged(path: path, what: what) }
}

extension IndexHeader {
    /// - Throws: where an entry is missing.
    fileprivate init(_ entries: [String: String], _ path: String) throws(IndexError) {
        guard let content = entries["content"], let uri = entries["uri"],
            let settings = entries["settings"], let model = entries["model"],
            let modelName = entries["model_name"],
            let prompts = entries["prompts"].flatMap(Int.init),
            let prefixes = entries["prefixes"], let stamp = entries["stamp"]
        else { throw .damaged(path: path, what: "its header is not whole") }
        self.init(
            content: content, uri: uri, settings: settings, model: model, modelName: modelName,
            prompts: prompts, prefixes: prefixes, stamp: stamp)
    }

    /// In the order of names.
    var entries: [(name: String, value: String)] {
        [
            ("content", content), ("model", model), ("model_name", modelName),
            ("prefixes", prefixes), ("prompts", "\(prompts)"), ("settings", settings),
            ("stamp", stamp), ("uri", uri),
        ]
    }

    /// Entries that tell where the index was made and how far that is, and not what is in it.
    static let outsideContent: Set<String> = ["stamp", "finished", "model_name", "prefixes"]
}

/// The checksums of rows. Each covers what the row is about as well as what it says, so that rows
/// that changed places are found.
enum Checksum {
    static func header(_ name: String, _ value: String) throws(VideoError) -> ContentHash {
        var digest = try ContentDigest()
        digest.add("header")
        digest.add(name)
        digest.add(value)
        return digest.finish()
    }

    static func pair(
        _ hash: ContentHash, _ data: UnsafeRawBufferPointer
    ) throws(VideoError) -> ContentHash {
        var digest = try ContentDigest()
        digest.add("pair")
        digest.add(hash)
        digest.add(data)
        return digest.finish()
    }

    static func prefix(
        _ key: ContentHash, tokens: Int, parts: Int
    ) throws(VideoError) -> ContentHash {
        var digest = try ContentDigest()
        digest.add("prefix")
        digest.add(key)
        digest.add(tokens)
        digest.add(parts)
        return digest.finish()
    }

    static func part(
        _ key: ContentHash, _ number: Int, _ data: UnsafeRawBufferPointer
    ) throws(VideoError) -> ContentHash {
        var digest = try ContentDigest()
        digest.add("part")
        digest.add(key)
        digest.add(number)
        digest.add(data)
        return digest.finish()
    }

    static func summary(
        _ key: ContentHash, _ summary: StoredSummary
    ) throws(VideoError) -> ContentHash {
        var digest = try ContentDigest()
        digest.add("summary")
        digest.add(key)
        digest.add(summary.text)
        digest.add(summary.tokens)
        digest.add(summary.isWhole ? 1 : 0)
        digest.add(summary.confidence)
        digest.add(summary.promptTokens)
        return digest.finish()
    }

    static func reading(
        _ name: String, facts: String, windows: Int
    ) throws(VideoError) -> ContentHash {
        var digest = try ContentDigest()
        digest.add("reading")
        digest.add(name)
        digest.add(facts)
        digest.add(windows)
        return digest.finish()
    }

    static func window(
        _ reading: String, _ number: Int, _ window: StoredWindow
    ) throws(VideoError) -> ContentHash {
        var digest = try ContentDigest()
        digest.add("window")
        digest.add(reading)
        digest.add(number)
        digest.add(window.start)
        digest.add(window.end)
        digest.add(window.ending.rawValue)
        digest.add(window.height)
        digest.add(window.width)
        digest.add(window.frames.count)
        for frame in window.frames {
            digest.add(frame.shown)
            digest.add(frame.time)
            digest.add(frame.instant)
        }
        digest.add(window.pairs.count)
        for pair in window.pairs {
            digest.add(pair.start)
            digest.add(pair.end)
            digest.add(pair.hash)
        }
        digest.add(window.prefix)
        digest.add(window.summary)
        return digest.finish()
    }
}

import OrderedJSON
import VideoUnderstanding

/// A line of work in the order of the batch, before it is looked at closely.
struct ManifestEntry: Sendable {
    /// The job's id.
    var id: String
    /// Unique within the batch and the same in every run: the id, but for lines whose id was used
    /// before.
    var name: String
    /// Where it stands, for messages: `line 3`.
    var place: String
    /// The number of its line, from 1.
    var number: Int
    /// The job as a JSON line.
    var line: [UInt8]
    /// Where the id was used first.
    var firstUse: String?
    /// The manifest's ``Manifest/overriding`` goes over the line's options.
    var isOverridden = false

    /// What the line says; a second use of an id is no job.
    func jobLine(base: Settings, overriding: SettingsOverride? = nil) -> JobLine {
        let read = JobLine.parse(line, place: place, base: base, overriding: overriding)
        guard let firstUse, case .job(let job) = read else { return read }
        return .invalid(
            InvalidJob(
                id: id, meta: job.meta, video: job.video,
                fault: .usedTwice(id: id, first: firstUse), place: place))
    }

    /// The job for a person: its id, and its place too where that alone would mean another.
    var title: String { firstUse == nil ? id : "\(id) (\(place))" }
}

/// The jobs of a batch, each line under a name of its own.
public struct Manifest: Sendable {
    /// Where the jobs come from, as the user wrote it.
    public let source: String
    private(set) var entries: [ManifestEntry] = []
    /// Whether everything the jobs were read from is still there for a second reading.
    public internal(set) var canBeReadAgain = true
    /// Goes over the options of the lines that a job file has made.
    var overriding: SettingsOverride?
    private var firstUses: [String: String] = [:]
    /// How often each name was given to a later use of an id.
    private var laterUses: [String: Int] = [:]

    public var count: Int { entries.count }

    init(source: String) { self.source = source }

    /// Reads a file of JSON lines, or standard input for `-`. Empty lines are passed over.
    ///
    /// - Parameter use: what it is read for.
    /// - Throws: where the file cannot be read, or is something else beyond doubt; what is wrong
    ///   with a line is found when its turn comes.
    public static func reading(
        _ path: String, for use: FileUse = .manifest
    ) throws(BatchError) -> Manifest {
        guard !SystemFiles.isFolder(path) else {
            throw .wrongKind(path: path, .folder, givenAs: use)
        }
        var manifest = Manifest(source: path)
        // One byte more than a job may have shows that it is too long.
        var reader = try LineReader(path: path, limit: JobLine.longest + 1)
        // A video of many gigabytes is not read for nothing.
        if let kind = FileKind.ofHead(try reader.head()) {
            throw .wrongKind(path: path, kind, givenAs: use)
        }
        manifest.canBeReadAgain = reader.canBeReadAgain
        var number = 0
        while let line = try reader.next() {
            number += 1
            if !JobLine.isBlank(line.bytes) { manifest.add(line.bytes, line: number) }
        }
        if let kind = FileKind.ofManifest(manifest.entries.map(\.line)) {
            throw .wrongKind(path: path, kind, givenAs: use)
        }
        return manifest
    }

    /// - Parameters:
    ///   - line: a number from 1.
    ///   - place: what messages call it; by its number where nil.
    mutating func add(
        _ bytes: [UInt8], line: Int, place: String? = nil, isOverridden: Bool = false
    ) {
        // Settings do not matter to an id.
        let id = JobLine.parse(bytes, line: line, base: Settings()).id
        let firstUse = firstUses[id]
        let place = place ?? "line \(line)"
        if firstUse == nil { firstUses[id] = place }
        entries.append(
            ManifestEntry(
                id: id, name: firstUse == nil ? id : name(ofLaterUse: id, bytes),
                place: place, number: line, line: bytes, firstUse: firstUse,
                isOverridden: isOverridden))
    }

    /// A name for a line whose id was used before, by what it says and not by where it stands: lines
    /// above it can come and go. Lines that say the same are counted.
    private mutating func name(ofLaterUse id: String, _ line: [UInt8]) -> String {
        // No id can be written this way in a line of its own by chance.
        let name = "\(id)\u{0}\(JobLine.defaultID(of: line))"
        laterUses[name, default: 0] += 1
        let count = laterUses[name] ?? 1
        return count == 1 ? name : "\(name)\u{0}\(count)"
    }

    /// Ids that more than one line uses, in the order of the manifest.
    public var repeatedIDs: [String] {
        var seen = Set<String>()
        return entries.filter { $0.firstUse != nil && seen.insert($0.id).inserted }.map(\.id)
    }

    /// The jobs of one shard, in order.
    func entries(in shard: Shard?) -> [ManifestEntry] {
        guard let shard else { return entries }
        return entries.filter { shard.holds($0.id) }
    }
}

/// Why a text is no shard.
public enum ShardFault: Error, Sendable, Equatable, CustomStringConvertible {
    case notAPair
    case outside(count: Int)
    case tooMany(limit: Int)

    public var description: String {
        switch self {
        case .notAPair: "write I/N, such as 1/8 for the first of eight shards"
        case .outside(let count):
            count < 1
                ? "there must be at least one shard"
                : "shards count from 1: \(count == 1 ? "1/1" : "1/\(count) to \(count)/\(count)")"
        case .tooMany(let limit): "there can be \(limit) shards at most"
        }
    }
}

/// One of several equal parts of a batch, for several machines.
public struct Shard: Sendable, Equatable {
    /// From 1 to `count`.
    public let index: Int
    public let count: Int

    private static let mostShards = 1_000_000

    /// Reads `I/N`.
    public init(parsing text: String) throws(ShardFault) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]) else {
            throw .notAPair
        }
        guard count <= Self.mostShards else { throw .tooMany(limit: Self.mostShards) }
        guard index >= 1, index <= count else { throw .outside(count: count) }
        self.index = index
        self.count = count
    }

    /// `I/N`.
    public var text: String { "\(index)/\(count)" }

    /// Whether a job belongs to this part: the first 60 bits of the SHA-256 of its id, modulo N, are
    /// I - 1.
    public func holds(_ id: String) -> Bool {
        let digits = Fingerprint.of(id).prefix(15)
        return Int(digits, radix: 16).map { $0 % count == index - 1 } ?? false
    }
}

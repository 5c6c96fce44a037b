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
    /// The job as a JSON line.
    var line: [UInt8]
    /// Where the id was used first.
    var firstUse: String?
    /// The manifest's ``Manifest/overriding`` goes over the line's options.
    var isOverridden = false

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

    public var count: Int { entries.count }

    init(source: String) { self.source = source }

    /// Reads a file of JSON lines, or standard input for `-`. Empty lines are passed over.
    ///
    /// - Throws: where the file cannot be read; what is wrong with a line is found when its turn
    ///   comes.
    public static func reading(_ path: String) throws(BatchError) -> Manifest {
        var manifest = Manifest(source: path)
        // One byte more than a job may have shows that it is too long.
        var reader = try LineReader(path: path, limit: JobLine.longest + 1)
        manifest.canBeReadAgain = reader.canBeReadAgain
        var number = 0
        while let line = try reader.next() {
            number += 1
            if !JobLine.isBlank(line.bytes) { manifest.add(line.bytes, line: number) }
        }
        if JobFile.isLikely(manifest.entries.map(\.line)) {
            throw .jobFileAsManifest(path: path)
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
                id: id, name: firstUse == nil ? id : Self.name(of: id, onLine: line),
                place: place, line: bytes, firstUse: firstUse, isOverridden: isOverridden))
    }

    /// No id can be written this way in a line of its own by chance.
    private static func name(of id: String, onLine line: Int) -> String { "\(id)\u{0}\(line)" }

    /// The jobs of one shard, in order.
    func entries(in shard: Shard?) -> [ManifestEntry] {
        guard let shard else { return entries }
        return entries.filter { shard.holds($0.id) }
    }
}

/// One of several equal parts of a batch, for several machines.
public struct Shard: Sendable, Equatable {
    /// From 1 to `count`.
    public let index: Int
    public let count: Int

    /// Reads `I/N`; nil for anything else, and where I is not from 1 to N.
    public init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]),
            index >= 1, index <= count, count <= 1_000_000
        else { return nil }
        self.index = index
        self.count = count
    }

    /// Whether a job belongs to this part: the first 60 bits of the SHA-256 of its id, modulo N, are
    /// I - 1.
    public func holds(_ id: String) -> Bool {
        let digits = Fingerprint.of(id).prefix(15)
        return Int(digits, radix: 16).map { $0 % count == index - 1 } ?? false
    }
}

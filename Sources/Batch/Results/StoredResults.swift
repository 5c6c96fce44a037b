import Glibc
import OrderedJSON

/// What the results of a batch hold, as earlier runs have left them.
struct StoredResults {
    let path: String
    /// What stands in the results, in order; a job that was done again stands there twice.
    private let groups: [ResultStore.Group]
    /// The place in `groups` that counts, by the name of the job.
    private let current: [String: Int]
    /// How often the process ended in the middle of jobs.
    let deaths: [String: JournalHistory.Deaths]
    /// Jobs that this very run has finished, before its process crashed and went on.
    let finishedByThisRun: Set<String>

    init(
        path: String, groups: [ResultStore.Group], current: [String: Int],
        deaths: [String: JournalHistory.Deaths], finishedByThisRun: Set<String>
    ) {
        self.path = path
        self.groups = groups
        self.current = current
        self.deaths = deaths
        self.finishedByThisRun = finishedByThisRun
    }

    /// The last result of a job.
    func finished(_ name: String) -> FinishedJob? { current[name].map { groups[$0].job } }

    /// Names of all jobs that have a result.
    var names: Dictionary<String, Int>.Keys { current.keys }

    /// The documents of a job; none where they cannot be read.
    func documents(of name: String) -> [JSON] {
        guard let group = current[name].map({ groups[$0] }) else { return [] }
        var pieces = FilePieces([FilePieces.Part(path: path, bytes: group.bytes)])
        var bytes: [UInt8] = []
        while let piece = try? pieces.next() { bytes += piece }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { try? JSON.parse($0) }
    }

    // MARK: - A look without a touch

    /// What lies at a path, which stays as it is.
    ///
    /// - Throws: what would keep a run from going on with it.
    static func looking(at path: String) throws(BatchError) -> StoredResults {
        let journal = ResultStore.journalPath(of: path)
        var history = JournalHistory()
        if JournalReading.exists(journal) {
            try checkUnlocked(journal, results: path)
            history = try JournalReading(journal).history
        }
        var scan = ResultScan()
        if JournalReading.exists(path) {
            scan = try ResultScan(results: path, journal: journal, history: history)
        }
        return StoredResults(
            path: path, groups: scan.groups, current: ResultStore.current(of: scan.groups),
            deaths: history.deaths, finishedByThisRun: [])
    }

    private static func checkUnlocked(
        _ journal: String, results: String
    ) throws(BatchError) {
        let descriptor = open(journal, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .cannotRead(path: journal, reason: SystemReason.text(errno))
        }
        defer { close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK {
            throw .inUse(path: results)
        }
    }
}

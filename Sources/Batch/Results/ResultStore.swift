import Glibc
import OrderedJSON

/// The results of a batch: JSON Lines that hold every finished job's documents whole, and nothing
/// else, whatever the moment at which a run ends.
///
/// Beside the results lies a journal of the same name with `.journal`. One process at a time writes
/// both.
struct ResultStore: ~Copyable {
    /// Documents of one job in the results.
    struct Group {
        var job: FinishedJob
        var bytes: Range<Int>
    }

    private var results: DurableFile
    private var journal: DurableFile
    /// What stands in the results, in order; a job that was done again stands there twice until
    /// ``settle(order:)``.
    private var groups: [Group]
    /// The place in `groups` that counts, by the name of the job.
    private var current: [String: Int]
    /// Jobs that this run has finished, before its process crashed and went on.
    private let finishedBefore: Set<String>
    /// How often the process ended in the middle of jobs.
    let deaths: [String: JournalHistory.Deaths]
    /// Bytes of half-written results that were cut off.
    let repairedBytes: Int

    static func journalPath(of results: String) -> String { results + ".journal" }

    /// Opens results, or creates them, and mends what the end of an earlier run has left.
    ///
    /// - Parameters:
    ///   - startingOver: what is there is lost.
    ///   - continuing: this is no new run, but one whose process has crashed.
    /// - Throws: `inUse` where another process writes them; `foreignResults` where something is in
    ///   them that is not in the journal, as it would be lost.
    init(
        path: String, startingOver: Bool = false, continuing: Bool = false
    ) throws(BatchError) {
        var journal = try Self.lockedJournal(of: path)
        let isNew = journal.size == 0
        // Behind the lock, as another run may have replaced the file until then.
        var results = try Self.results(path, journalIsNew: isNew)
        let notes = try JournalReading(journal.path)
        if notes.end < journal.size { try journal.truncate(to: notes.end) }
        let history = notes.history
        var found = ResultScan()
        if startingOver {
            try results.truncate(to: 0)
            try journal.truncate(to: 0)
        } else {
            do throws(BatchError) {
                found = try ResultScan(results: path, journal: journal.path, history: history)
            } catch {
                // Nothing of ours stays beside a file that is not ours.
                if isNew { unlink(journal.path) }
                throw error
            }
        }
        let half = results.size - found.end
        if half > 0 { try results.truncate(to: found.end) }
        if journal.size == 0 { try journal.append(Array((JournalNote.header + "\n").utf8)) }
        if isNew { AtomicFile.syncFolder(of: path) }
        if !continuing { try journal.append(Array(JournalNote.begun.line.utf8)) }
        self.init(
            results: results, journal: journal, groups: found.groups,
            finishedBefore: continuing ? history.finishedSinceBegin : [],
            deaths: startingOver ? [:] : history.deaths, repairedBytes: half)
    }

    private init(
        results: consuming DurableFile, journal: consuming DurableFile, groups: [Group],
        finishedBefore: Set<String>, deaths: [String: JournalHistory.Deaths], repairedBytes: Int
    ) {
        self.results = results
        self.journal = journal
        self.groups = groups
        self.finishedBefore = finishedBefore
        self.deaths = deaths
        self.repairedBytes = repairedBytes
        current = Self.current(of: groups)
    }

    /// The places that count, by the names of jobs: the last of each.
    static func current(of groups: [Group]) -> [String: Int] {
        var current: [String: Int] = [:]
        for (index, group) in groups.enumerated() { current[group.job.name] = index }
        return current
    }

    /// What is in them now.
    var stored: StoredResults {
        StoredResults(
            path: results.path, groups: groups, current: current, deaths: deaths,
            finishedByThisRun: finishedBefore)
    }

    private static func lockedJournal(of path: String) throws(BatchError) -> DurableFile {
        let journal = try DurableFile(path: journalPath(of: path))
        do throws(BatchError) {
            try journal.lock()
        } catch {
            guard case .inUse = error else { throw error }
            throw .inUse(path: path)
        }
        // Another run may have written until now.
        return try journal.measured()
    }

    private static func results(
        _ path: String, journalIsNew: Bool
    ) throws(BatchError) -> DurableFile {
        do throws(BatchError) {
            return try DurableFile(path: path)
        } catch {
            if journalIsNew { unlink(journalPath(of: path)) }
            throw error
        }
    }

    /// The last result of a job.
    func finished(_ name: String) -> FinishedJob? { current[name].map { groups[$0].job } }

    /// Where the journal can be written by a signal handler.
    var journalDescriptor: Int32 { journal.rawDescriptor }

    /// - Parameter beside: jobs that have begun and not ended.
    mutating func start(_ name: String, beside: Int = 0) throws(BatchError) {
        try note(.started(job: name, beside: beside))
    }

    mutating func answer(_ name: String, beside: Int = 0) throws(BatchError) {
        try note(.answering(job: name, beside: beside))
    }

    mutating func release(_ name: String) throws(BatchError) { try note(.released(job: name)) }

    /// Adds the documents of a job, all of them or none.
    ///
    /// - Parameter job: its `lines` are filled in.
    mutating func append(_ documents: [String], of job: FinishedJob) throws(BatchError) {
        var job = job
        job.lines = documents.map { Fingerprint.of($0) }
        let before = results.size
        try results.append(Array(documents.map { $0 + "\n" }.joined().utf8))
        do throws(BatchError) {
            try note(.finished(job))
        } catch {
            // Without the note the next run would cut them off; so they go now.
            try? results.truncate(to: before)
            throw error
        }
        groups.append(Group(job: job, bytes: before..<results.size))
        current[job.name] = groups.count - 1
    }

    private mutating func note(_ note: JournalNote) throws(BatchError) {
        try journal.append(Array(note.line.utf8))
    }

    /// Lets go of the errors of lines that were no jobs, where the line is gone. They leave the
    /// results with ``settle(order:)``.
    mutating func forgetInvalid(where isGone: (_ name: String) -> Bool) {
        let gone = current.filter { groups[$0.value].job.isInvalid && isGone($0.key) }
        for name in gone.keys { current[name] = nil }
    }

    // MARK: - Order

    /// Leaves one result a job, in a given order; what the order does not name follows as it
    /// stands. The results are replaced as a whole, and only where that changes them.
    ///
    /// - Parameter order: names of jobs; nil keeps the order in which they were finished.
    mutating func settle(order: [String]?) throws(BatchError) {
        let live = Set(current.values)
        var wanted: [Int] = []
        if let order {
            var taken = Set<Int>()
            for name in order {
                if let index = current[name], taken.insert(index).inserted { wanted.append(index) }
            }
            wanted += groups.indices.filter { live.contains($0) && !taken.contains($0) }
        } else {
            wanted = groups.indices.filter { live.contains($0) }
        }
        guard wanted != Array(groups.indices) else { return }
        let path = results.path
        var pieces = FilePieces(
            wanted.map { FilePieces.Part(path: path, bytes: groups[$0].bytes) })
        try AtomicFile.replace(path) { () throws(BatchError) in try pieces.next() }
        results = try DurableFile(path: path)
        var settled: [Group] = []
        var offset = 0
        current = [:]
        for index in wanted {
            var group = groups[index]
            group.bytes = offset..<offset + group.bytes.count
            offset = group.bytes.upperBound
            current[group.job.name] = settled.count
            settled.append(group)
        }
        groups = settled
    }
}

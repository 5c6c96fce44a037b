import OrderedJSON
import VideoUnderstanding

/// Several files of results as one.
///
/// A job that stands in more than one file, or more than once, keeps one result: documents before
/// an error document, and of equals what comes last.
public struct ResultMerge: Sendable {
    /// What a merge has found.
    public struct Report: Sendable, Equatable {
        /// Jobs in the merged file, and those of them that failed.
        public var jobs = 0
        public var failed = 0
        /// Results that others stand for.
        public var dropped = 0
        /// Jobs of the manifest without a result.
        public var missing: [String] = []
    }

    private struct Entry {
        var path: String
        var bytes: Range<Int>
        var failed: Bool
        /// The error of a line that is no job.
        var isInvalid: Bool
    }

    private var entries: [String: Entry] = [:]
    private var order: [String] = []
    private var dropped = 0

    public init() {}

    /// Tells results from the journals beside them, which a pattern such as `part-*` names too; they
    /// are read with their results.
    public static func sort(
        _ paths: [String]
    ) -> (results: [String], journals: [String]) {
        var sorted: (results: [String], journals: [String]) = ([], [])
        for path in paths {
            // A journal is one by what it says, not by its name.
            if (try? JournalReading(path).hasHeader) ?? false {
                sorted.journals.append(path)
            } else {
                sorted.results.append(path)
            }
        }
        return sorted
    }

    /// Takes the results of a file. Its journal, where it lies beside it, tells which results count;
    /// without one, neighbouring lines of one id are one job.
    public mutating func add(_ path: String) throws(Failure) {
        do throws(BatchError) {
            let journal = ResultStore.journalPath(of: path)
            if JournalReading.exists(journal) {
                let history = try JournalReading(journal).history
                let scan = try ResultScan(results: path, journal: journal, history: history)
                for group in scan.groups {
                    add(
                        group.job.name,
                        Entry(
                            path: path, bytes: group.bytes, failed: group.job.failed,
                            isInvalid: group.job.isInvalid))
                }
            } else {
                try addLines(of: path)
            }
        } catch {
            throw error.failure
        }
    }

    /// Writes what was taken, as a whole.
    ///
    /// - Parameter manifest: gives the order; jobs it does not name follow, but for the errors of
    ///   lines that it does not hold any more, which go. Without it, jobs stand as they were found.
    /// - Throws: `output.unwritable`, also where a journal lies there: its run could not go on.
    public func write(to output: String, manifest: Manifest?) throws(Failure) -> Report {
        guard !JournalReading.exists(ResultStore.journalPath(of: output)) else {
            throw BatchError.resultsOfARun(path: output).failure
        }
        var report = Report()
        var names = order
        if let manifest {
            let wanted = manifest.entries.map(\.name)
            report.missing = manifest.entries.filter { entries[$0.name] == nil }.map(\.title)
            let known = Set(wanted)
            names =
                wanted.filter { entries[$0] != nil }
                + order.filter { !known.contains($0) && entries[$0]?.isInvalid == false }
        }
        report.jobs = names.count
        report.failed = names.count { entries[$0]?.failed ?? false }
        report.dropped = dropped + entries.count - names.count
        do throws(BatchError) {
            var pieces = FilePieces(
                names.compactMap { entries[$0] }.map {
                    FilePieces.Part(path: $0.path, bytes: $0.bytes)
                })
            try AtomicFile.replace(output) { () throws(BatchError) in try pieces.next() }
        } catch {
            throw error.failure
        }
        return report
    }

    private mutating func add(_ name: String, _ entry: Entry) {
        guard let old = entries[name] else {
            entries[name] = entry
            order.append(name)
            return
        }
        dropped += 1
        if old.failed || !entry.failed { entries[name] = entry }
    }

    private mutating func addLines(of path: String) throws(BatchError) {
        var reader = try LineReader(path: path, limit: 1 << 30)
        var number = 0
        var open: (id: String, last: Int?, entry: Entry)?
        while let line = try reader.next() {
            number += 1
            if JobLine.isBlank(line.bytes) { continue }
            guard let value = try? JSON.parse(line.bytes), let id = value["id"]?.string,
                let schema = value["schema"]?.string
            else {
                let reason =
                    line.isComplete
                    ? "no result with an id" : "half a line: let its run go on first"
                throw .notAResult(path: path, line: number, reason: reason)
            }
            guard line.isComplete else {
                throw .notAResult(path: path, line: number, reason: "the line does not end")
            }
            let question = value["question_index"]?.int
            let bytes = line.offset..<line.offset + line.length
            // The next question of the same job.
            if let job = open, job.id == id, let last = job.last, question == last + 1 {
                open?.last = question
                open?.entry.bytes = job.entry.bytes.lowerBound..<bytes.upperBound
                continue
            }
            if let job = open { add(job.id, job.entry) }
            let failed = schema == DocumentKind.error.identifier
            // A sound job that asks for an empty range has the same code, but got as far as decoding.
            let error = failed ? value["error"] : nil
            let isInvalid =
                error?["code"]?.string == FailureCode.jobInvalid.rawValue
                && error?["stage"]?.string == FailureStage.options.rawValue
            open = (
                id, question,
                Entry(path: path, bytes: bytes, failed: failed, isInvalid: isInvalid)
            )
        }
        if let job = open { add(job.id, job.entry) }
    }
}

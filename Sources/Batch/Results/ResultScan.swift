/// What stands in a file of results, held against its journal.
struct ResultScan {
    /// In the order of the file.
    private(set) var groups: [ResultStore.Group] = []
    /// Behind the last whole result; what follows is half of one.
    private(set) var end = 0

    /// Nothing at all.
    init() {}

    /// - Throws: `foreignResults` where there are lines that no note speaks of, unless they are
    ///   what a run left that ended while it wrote them.
    init(
        results: String, journal: String, history: JournalHistory
    ) throws(BatchError) {
        let lines = try Self.lines(of: results)
        // By their first line; of equal ones the latest counts.
        var candidates: [String: [FinishedJob]] = [:]
        for job in history.finished { candidates[job.lines[0], default: []].append(job) }
        var index = 0
        while index < lines.count {
            guard
                let job = candidates[lines[index].digest]?.last(where: {
                    Self.stands($0, at: index, in: lines)
                })
            else { break }
            let next = index + job.lines.count
            let bytes = lines[index].offset..<lines[next - 1].end
            groups.append(ResultStore.Group(job: job, bytes: bytes))
            end = bytes.upperBound
            index = next
        }
        guard index < lines.count else { return }
        let isOurs =
            (history.hasOpenJob || !lines[index].isComplete)
            && !lines[index...].contains { candidates[$0.digest] != nil && $0.isComplete }
        guard isOurs else {
            guard JournalReading.exists(journal), !history.isEmpty else {
                throw .noJournal(path: results, journal: journal)
            }
            throw .foreignResults(path: results, line: index + 1, journal: journal)
        }
    }

    private struct Line {
        var digest: String
        var offset: Int
        var end: Int
        var isComplete: Bool
    }

    private static func lines(of path: String) throws(BatchError) -> [Line] {
        var reader = try LineReader(path: path, limit: .max)
        var lines: [Line] = []
        while let line = try reader.next() {
            lines.append(
                Line(
                    digest: Fingerprint.of(line.bytes), offset: line.offset,
                    end: line.offset + line.length, isComplete: line.isComplete))
        }
        return lines
    }

    private static func stands(_ job: FinishedJob, at index: Int, in lines: [Line]) -> Bool {
        guard index + job.lines.count <= lines.count else { return false }
        return job.lines.indices.allSatisfy {
            lines[index + $0].digest == job.lines[$0] && lines[index + $0].isComplete
        }
    }
}

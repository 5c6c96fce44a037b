import Glibc

/// A journal as it lies on the disk.
struct JournalReading {
    private(set) var history = JournalHistory()
    /// Behind the last whole note.
    private(set) var end = 0
    private(set) var hasHeader = false

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// - Throws: `notAJournal` where there is something else; a half-written last line is ours.
    init(_ path: String) throws(BatchError) {
        var reader = try LineReader(path: path, limit: 64 << 20)
        let header = Array(JournalNote.header.utf8)
        var isFirst = true
        while let line = try reader.next() {
            if isFirst {
                // A header that is torn is ours too; any other first line is not.
                guard line.bytes == header || (!line.isComplete && header.starts(with: line.bytes))
                else { throw .notAJournal(path: path) }
                isFirst = false
                hasHeader = line.isComplete
            } else if line.isComplete {
                guard let note = JournalNote(line.bytes) else { throw .notAJournal(path: path) }
                history.add(note)
            }
            if line.isComplete { end = line.offset + line.length }
        }
        history.end()
    }
}

internal import GRDB
import Glibc

/// How the database behind an index is opened.
enum Opening {
    /// Looks at the first bytes of a file, before SQLite does.
    ///
    /// - Returns: whether something was written; an empty file is none that we have finished.
    /// - Throws: where it is no index, or shorter or longer than its header says.
    static func check(_ path: String) throws(IndexError) {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let number = errno
            if number == ENOENT || number == ENOTDIR { throw .notFound(path: path) }
            throw .cannotOpen(path: path, reason: String(cString: strerror(number)))
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw .notAnIndex(path: path)
        }
        var head = [UInt8](repeating: 0, count: 100)
        let size = Int(facts.st_size)
        guard read(descriptor, &head, head.count) == head.count,
            head.starts(with: "SQLite format 3\0".utf8),
            number(head, 68, bytes: 4) == Int(IndexFormat.application)
        else { throw .notAnIndex(path: path) }
        let version = number(head, 60, bytes: 4)
        guard version <= IndexFormat.version else { throw .newer(path: path, version: version) }
        // No log beside it, and pages of our size: as we write it.
        guard version == IndexFormat.version, head[18] == 1, head[19] == 1,
            number(head, 16, bytes: 2) == IndexFormat.pageSize
        else { throw .damaged(path: path, what: "its header is not one that reelscribe writes") }
        let (expected, overflow) = number(head, 28, bytes: 4).multipliedReportingOverflow(
            by: IndexFormat.pageSize)
        guard !overflow, expected == size else {
            throw .damaged(
                path: path, what: "it has \(size) bytes in place of \(overflow ? 0 : expected)")
        }
    }

    /// A connection that can change nothing.
    static func reading(_ path: String) throws(IndexError) -> DatabaseQueue {
        try check(path)
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { try harden($0) }
        let queue = try connect(path, configuration, isWriting: false)
        try attempt(path, isWriting: false) { try queue.read { try checkSchema($0, path) } }
        return queue
    }

    /// A connection that alone may write, to an index that may have to be made.
    static func writing(_ path: String) throws(IndexError) -> DatabaseQueue {
        var facts = stat()
        let isNew = stat(path, &facts) != 0 || facts.st_size == 0
        if !isNew {
            // A change that was interrupted is taken back by SQLite first.
            let journal = path + "-journal"
            if access(journal, F_OK) != 0 { try check(path) }
        }
        var configuration = Configuration()
        // Of several that begin at once each can be in the way of the others: without a wait, all of
        // them would give up.
        configuration.busyMode = .timeout(1)
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            try harden(database)
            try database.execute(
                sql: """
                    PRAGMA page_size = \(IndexFormat.pageSize);
                    PRAGMA locking_mode = EXCLUSIVE;
                    PRAGMA synchronous = NORMAL;
                    """)
        }
        let queue = try connect(path, configuration, isWriting: true)
        try attempt(path, isWriting: true) {
            try queue.inDatabase { database in
                // The lock is kept until the connection ends.
                try database.execute(sql: "BEGIN EXCLUSIVE")
                let isEmpty =
                    try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
                if isEmpty { try create(database) }
                try database.execute(sql: "COMMIT")
                try checkSchema(database, path)
            }
        }
        return queue
    }

    /// Runs `body` and gives its errors the names of this module.
    static func attempt<Result>(
        _ path: String, isWriting: Bool, _ body: () throws -> Result
    ) throws(IndexError) -> Result {
        do {
            return try body()
        } catch let error as IndexError {
            throw error
        } catch let error as DatabaseError {
            throw translated(error, path, isWriting: isWriting)
        } catch {
            throw .damaged(path: path, what: "\(error)")
        }
    }

    // MARK: - Parts

    private static func connect(
        _ path: String, _ configuration: Configuration, isWriting: Bool
    ) throws(IndexError) -> DatabaseQueue {
        // Never an address: SQLite may be built to understand them.
        let place = path.hasPrefix("/") ? path : "./" + path
        return try attempt(path, isWriting: isWriting) {
            try DatabaseQueue(path: place, configuration: configuration)
        }
    }

    private static func harden(_ database: Database) throws {
        try database.execute(
            sql: """
                PRAGMA trusted_schema = OFF;
                PRAGMA cell_size_check = ON;
                PRAGMA mmap_size = 0;
                PRAGMA temp_store = MEMORY;
                """)
    }

    private static func create(_ database: Database) throws {
        try database.execute(sql: "PRAGMA application_id = \(IndexFormat.application)")
        try database.execute(sql: "PRAGMA user_version = \(IndexFormat.version)")
        for table in IndexFormat.tables { try database.execute(sql: table.sql) }
        try database.execute(sql: IndexFormat.wordsTable)
    }

    /// - Throws: where the file has other tables than ours: triggers, views, other columns.
    private static func checkSchema(_ database: Database, _ path: String) throws {
        let strange = IndexError.damaged(path: path, what: "its tables are not those of an index")
        var found: [String: String] = [:]
        let rows = try Row.fetchCursor(
            database,
            sql: "SELECT type, name, tbl_name, sql FROM sqlite_schema LIMIT 100")
        while let row = try rows.next() {
            guard let kind = row.text(0), let name = row.text(1), let table = row.text(2) else {
                throw strange
            }
            let sql = row.text(3)
            // Indexes that primary keys bring with them have no statement.
            if kind == "index", sql == nil { continue }
            guard kind == "table", name == table, let sql, found[name] == nil else {
                throw strange
            }
            // The full-text engine's own tables.
            if name.hasPrefix(IndexFormat.words + "_") { continue }
            found[name] = sql
        }
        var expected = Dictionary(
            uniqueKeysWithValues: IndexFormat.tables.map { ($0.name, $0.sql) })
        expected[IndexFormat.words] = IndexFormat.wordsTable
        guard found == expected else { throw strange }
    }

    private static func translated(
        _ error: DatabaseError, _ path: String, isWriting: Bool
    ) -> IndexError {
        let reason = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED: return .busy(path: path)
        case .SQLITE_NOTADB: return .notAnIndex(path: path)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
            return isWriting
                ? .cannotCreate(path: path, reason: reason)
                : .cannotOpen(path: path, reason: reason)
        case .SQLITE_FULL: return .cannotWrite(path: path, reason: reason)
        case .SQLITE_IOERR where isWriting: return .cannotWrite(path: path, reason: reason)
        default: return .damaged(path: path, what: reason)
        }
    }

    /// An unsigned number, the highest byte first.
    private static func number(_ head: [UInt8], _ start: Int, bytes: Int) -> Int {
        head[start..<start + bytes].reduce(0) { $0 << 8 | Int($1) }
    }
}

extension Row {
    // Columns of a file may hold any type, whatever their table says.

    func value(_ index: Int) -> DatabaseValue { self[index] as DatabaseValue }

    func int(_ index: Int) -> Int? {
        if case .int64(let value) = value(index).storage { Int(value) } else { nil }
    }

    func double(_ index: Int) -> Double? {
        if case .double(let value) = value(index).storage { value } else { nil }
    }

    func text(_ index: Int) -> String? {
        if case .string(let value) = value(index).storage { value } else { nil }
    }

    func hash(_ index: Int) -> ContentHash? {
        if case .blob(let value) = value(index).storage { ContentHash(value) } else { nil }
    }
}

import Foundation
internal import GRDB

extension IndexFile {
    /// Gets ready for what is made with a model: what another one made is of no use.
    ///
    /// - Returns: whether what is there can be gone on with.
    package func begin(_ header: IndexHeader) throws(IndexError) -> Bool {
        precondition(isWritable, "\(path) was opened for reading")
        let goesOn = self.header.map { $0.model == header.model } ?? false
        try change { database in
            if !goesOn {
                for table in ["pair", "prefix", "prefix_part", "summary"] {
                    try database.execute(sql: "DELETE FROM \(table)")
                }
            }
            try write(header, isFinished: false, database)
        }
        return goesOn
    }

    /// Keeps the visual tokens of pairs of frames.
    package func keep(
        _ pairs: [(hash: ContentHash, tokens: ArraySlice<Float>)]
    ) throws(IndexError) {
        try change { database in
            let statement = try database.cachedStatement(
                sql: "INSERT OR REPLACE INTO pair (hash, data, checksum) VALUES (?, ?, ?)")
            for pair in pairs {
                try pair.tokens.withUnsafeBytes { bytes in
                    guard bytes.count <= IndexFormat.Bound.value else {
                        throw IndexError.cannotWrite(
                            path: path, reason: "a pair of frames takes \(bytes.count) bytes")
                    }
                    try statement.execute(arguments: [
                        Data(pair.hash.bytes), Data(bytes),
                        Data(try Checksum.pair(pair.hash, bytes).bytes),
                    ])
                }
            }
        }
    }

    /// Keeps a prefix, part by part.
    ///
    /// - Parameter show: calls back with the bytes of the part of a number.
    package func keepPrefix(
        _ key: ContentHash, tokens: Int, parts: Int,
        show: (Int, (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws(IndexError) {
        try change { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO prefix (key, tokens, parts, checksum)
                    VALUES (?, ?, ?, ?)
                    """,
                arguments: [
                    Data(key.bytes), tokens, parts,
                    Data(try Checksum.prefix(key, tokens: tokens, parts: parts).bytes),
                ])
            let statement = try database.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO prefix_part (prefix, number, data, checksum)
                    VALUES (?, ?, ?, ?)
                    """)
            for number in 0..<parts {
                try show(number) { bytes in
                    try statement.execute(arguments: [
                        Data(key.bytes), number, Data(bytes),
                        Data(try Checksum.part(key, number, bytes).bytes),
                    ])
                }
            }
        }
    }

    package func keep(_ summary: StoredSummary, under key: ContentHash) throws(IndexError) {
        try change { database in
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO summary
                    (key, text, tokens, is_whole, confidence, prompt_tokens, checksum)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    Data(key.bytes), summary.text, summary.tokens, summary.isWhole ? 1 : 0,
                    summary.confidence, summary.promptTokens,
                    Data(try Checksum.summary(key, summary).bytes),
                ])
        }
    }

    /// Ends the indexing: ties what was kept to times, and forgets what belongs to none of them.
    package func finish(
        _ header: IndexHeader, _ readings: [StoredReading]
    ) throws(IndexError) {
        try change { database in
            for table in ["reading", "window", "frame", "window_pair", IndexFormat.words] {
                try database.execute(sql: "DELETE FROM \"\(table)\"")
            }
            for reading in readings { try write(reading, database) }
            try database.execute(
                sql: """
                    DELETE FROM pair WHERE hash NOT IN (SELECT hash FROM window_pair);
                    DELETE FROM prefix WHERE key NOT IN
                      (SELECT prefix FROM window WHERE prefix IS NOT NULL);
                    DELETE FROM prefix_part WHERE prefix NOT IN (SELECT key FROM prefix);
                    DELETE FROM summary WHERE key NOT IN
                      (SELECT summary FROM window WHERE summary IS NOT NULL);
                    """)
            try write(header, isFinished: true, database)
        }
        try access { database in
            let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
            let all = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            // What was forgotten gives its room back.
            if free > 8, free > all / 20 { try database.execute(sql: "VACUUM") }
        }
    }

    // MARK: - Rows

    private func write(_ header: IndexHeader, isFinished: Bool, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM header")
        for (name, value) in header.entries + [("finished", isFinished ? "1" : "0")] {
            try database.execute(
                sql: "INSERT INTO header (name, value, checksum) VALUES (?, ?, ?)",
                arguments: [name, value, Data(try Checksum.header(name, value).bytes)])
        }
    }

    private func write(_ reading: StoredReading, _ database: Database) throws {
        let name = reading.name.rawValue
        try database.execute(
            sql: "INSERT INTO reading (name, facts, windows, checksum) VALUES (?, ?, ?, ?)",
            arguments: [
                name, reading.facts, reading.windows.count,
                Data(
                    try Checksum.reading(
                        name, facts: reading.facts, windows: reading.windows.count
                    ).bytes),
            ])
        for (number, window) in reading.windows.enumerated() {
            try database.execute(
                sql: """
                    INSERT INTO window (reading, number, start, "end", ending, height, width,
                      frames, pairs, prefix, summary, checksum)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    name, number, window.start, window.end, window.ending.rawValue, window.height,
                    window.width, window.frames.count, window.pairs.count,
                    window.prefix.map { Data($0.bytes) }, window.summary.map { Data($0.bytes) },
                    Data(try Checksum.window(name, number, window).bytes),
                ])
            for (place, frame) in window.frames.enumerated() {
                try database.execute(
                    sql: """
                        INSERT INTO frame (reading, "window", number, shown, time, instant)
                        VALUES (?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [name, number, place, frame.shown, frame.time, frame.instant])
            }
            for (place, pair) in window.pairs.enumerated() {
                try database.execute(
                    sql: """
                        INSERT INTO window_pair (reading, "window", number, start, "end", hash)
                        VALUES (?, ?, ?, ?, ?, ?)
                        """,
                    arguments: [
                        name, number, place, pair.start, pair.end, Data(pair.hash.bytes),
                    ])
            }
            guard let summary = window.summary else { continue }
            try database.execute(
                sql: """
                    INSERT INTO summary_words (rowid, start, "end", text)
                    SELECT ?, ?, ?, text FROM summary WHERE key = ?
                    """, arguments: [number + 1, window.start, window.end, Data(summary.bytes)])
        }
    }

    /// All of `body`, or nothing of it, whatever happens.
    private func change(_ body: (Database) throws -> Void) throws(IndexError) {
        precondition(isWritable, "\(path) was opened for reading")
        try access { database in
            try database.inTransaction(.immediate) {
                try body(database)
                return .commit
            }
        }
    }
}

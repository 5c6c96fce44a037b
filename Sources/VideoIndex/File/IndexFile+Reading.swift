import Foundation
internal import GRDB
import Glibc

extension IndexFile {
    /// The visual tokens of a pair of frames; nil where they are not there.
    ///
    /// - Parameters:
    ///   - count: numbers that there must be.
    /// - Throws: `damaged`.
    package func tokens(of hash: ContentHash, count: Int) throws(IndexError) -> [Float]? {
        var numbers: [Float] = []
        let isThere = try appendTokens(of: hash, count: count, to: &numbers)
        return isThere ? numbers : nil
    }

    /// Appends the visual tokens of a pair of frames.
    ///
    /// - Returns: whether they are there.
    package func appendTokens(
        of hash: ContentHash, count: Int, to numbers: inout [Float]
    ) throws(IndexError) -> Bool {
        let bytes = count * MemoryLayout<Float>.size
        return try access { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT CASE WHEN length(data) = ? THEN data END, checksum FROM pair
                    WHERE hash = ?
                    """, arguments: [bytes, Data(hash.bytes)])
            guard let row = try rows.next() else { return false }
            try row.withBytes(0, count: bytes, or: damaged("visual tokens of a pair")) { data in
                guard row.hash(1) == (try Checksum.pair(hash, data)) else {
                    throw damaged("visual tokens of a pair")
                }
                let start = numbers.count
                numbers.append(contentsOf: repeatElement(0, count: count))
                numbers.withUnsafeMutableBytes {
                    UnsafeMutableRawBufferPointer(
                        rebasing: $0[(start * MemoryLayout<Float>.size)...]
                    ).copyMemory(from: data)
                }
            }
            return true
        }
    }

    /// Whether there is a whole prefix under a key.
    package func hasPrefix(_ key: ContentHash) throws(IndexError) -> Bool {
        try access { try prefixHead($0, key) != nil }
    }

    /// Hands out the parts of a prefix, one after the other.
    ///
    /// - Parameters:
    ///   - tokens: that it must have.
    ///   - parts: the number of bytes of each part.
    ///   - take: gets a part's place and bytes, which are there no longer than the call lasts.
    /// - Returns: whether there is one.
    /// - Throws: `damaged`, parts of it having been handed out.
    package func prefix(
        _ key: ContentHash, tokens: Int, parts: [Int],
        take: (Int, UnsafeRawBufferPointer) throws -> Void
    ) throws(IndexError) -> Bool {
        try access { database in
            guard let head = try prefixHead(database, key) else { return false }
            guard head.tokens == tokens, head.parts == parts.count else {
                throw damaged("the size of a prefix")
            }
            let statement = try database.cachedStatement(
                sql: """
                    SELECT CASE WHEN length(data) = ? THEN data END, checksum FROM prefix_part
                    WHERE prefix = ? AND number = ?
                    """)
            for (number, bytes) in parts.enumerated() {
                let rows = try Row.fetchCursor(
                    statement, arguments: [bytes, Data(key.bytes), number])
                guard let row = try rows.next() else { throw damaged("a prefix is not whole") }
                try row.withBytes(0, count: bytes, or: damaged("a part of a prefix")) { data in
                    guard row.hash(1) == (try Checksum.part(key, number, data)) else {
                        throw damaged("a part of a prefix")
                    }
                    try take(number, data)
                }
            }
            return true
        }
    }

    private func prefixHead(
        _ database: Database, _ key: ContentHash
    ) throws -> (tokens: Int, parts: Int)? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT tokens, parts, checksum FROM prefix WHERE key = ?",
                arguments: [Data(key.bytes)])
        else { return nil }
        guard let tokens = row.int(0), let parts = row.int(1),
            row.hash(2) == (try Checksum.prefix(key, tokens: tokens, parts: parts))
        else { throw damaged("a prefix") }
        return (tokens, parts)
    }

    /// What the model wrote under a key; nil where it is not there.
    package func summary(_ key: ContentHash) throws(IndexError) -> StoredSummary? {
        try access { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT text, tokens, is_whole, confidence, prompt_tokens, checksum
                    FROM summary WHERE key = ?
                    """, arguments: [Data(key.bytes)])
            guard let row else { return nil }
            guard let text = row.text(0), let tokens = row.int(1), let isWhole = row.int(2),
                let confidence = row.double(3), let promptTokens = row.int(4)
            else { throw damaged("a summary") }
            let summary = StoredSummary(
                text: text, tokens: tokens, isWhole: isWhole == 1, confidence: confidence,
                promptTokens: promptTokens)
            guard row.hash(5) == (try Checksum.summary(key, summary)) else {
                throw damaged("a summary")
            }
            return summary
        }
    }

    /// Bytes of the file.
    package var byteCount: Int {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int(facts.st_size) : 0
    }

    /// How much there is, without a look at what it is.
    package func counts() throws(IndexError) -> IndexCounts {
        try access { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT (SELECT count(*) FROM pair), (SELECT count(*) FROM window),
                      (SELECT count(*) FROM prefix), (SELECT count(*) FROM summary),
                      (SELECT ifnull(sum(length(data)), 0) FROM pair),
                      (SELECT ifnull(sum(length(data)), 0) FROM prefix_part)
                    """)
            var counts = IndexCounts()
            counts.pairs = row?.int(0) ?? 0
            counts.windows = row?.int(1) ?? 0
            counts.prefixes = row?.int(2) ?? 0
            counts.summaries = row?.int(3) ?? 0
            counts.tokenBytes = row?.int(4) ?? 0
            counts.prefixBytes = row?.int(5) ?? 0
            return counts
        }
    }

    // MARK: - Readings

    /// What was found in one way of reading the video; nil where it was not read that way.
    package func facts(_ name: ReadingName) throws(IndexError) -> (text: String, windows: Int)? {
        try access { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT facts, windows, checksum FROM reading WHERE name = ?",
                arguments: [name.rawValue])
            guard let row else { return nil }
            guard let facts = row.text(0), let windows = row.int(1),
                (0...IndexFormat.Bound.windows).contains(windows),
                row.hash(2)
                    == (try Checksum.reading(name.rawValue, facts: facts, windows: windows))
            else { throw damaged("how the video was read") }
            return (facts, windows)
        }
    }

    /// - Parameter number: from 0, below the number of windows that `facts` tells.
    package func window(_ name: ReadingName, _ number: Int) throws(IndexError) -> StoredWindow {
        try access { database in
            let fault = damaged("window \(number)")
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT start, "end", ending, height, width, frames, pairs, prefix, summary,
                      checksum FROM window WHERE reading = ? AND number = ?
                    """, arguments: [name.rawValue, number])
            let bound = 1...IndexFormat.Bound.framesOfWindow
            guard let row, let start = row.double(0), let end = row.double(1),
                let ending = row.text(2).flatMap(StoredWindow.Ending.init), let height = row.int(3),
                let width = row.int(4), let frames = row.int(5), let pairs = row.int(6),
                bound.contains(frames), bound.contains(pairs), (1...1 << 20).contains(height),
                (1...1 << 20).contains(width), start.isFinite, end.isFinite
            else { throw fault }
            var window = StoredWindow(
                start: start, end: end, ending: ending, height: height, width: width, frames: [],
                pairs: [], prefix: row.hash(7), summary: row.hash(8))
            let place: StatementArguments = [name.rawValue, number, bound.upperBound]
            let frameRows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT shown, time, instant FROM frame WHERE reading = ? AND "window" = ?
                    ORDER BY number LIMIT ?
                    """, arguments: place)
            while let row = try frameRows.next() {
                guard let shown = row.int(0), let time = row.double(1),
                    let instant = row.double(2), time.isFinite, instant.isFinite
                else { throw fault }
                window.frames.append(.init(shown: shown, time: time, instant: instant))
            }
            let pairRows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT start, "end", hash FROM window_pair WHERE reading = ? AND "window" = ?
                    ORDER BY number LIMIT ?
                    """, arguments: place)
            while let row = try pairRows.next() {
                guard let start = row.double(0), let end = row.double(1), let hash = row.hash(2),
                    start.isFinite, end.isFinite
                else { throw fault }
                window.pairs.append(.init(start: start, end: end, hash: hash))
            }
            // What follows relies on two frames a pair, the last of which may stand alone.
            guard window.frames.count == frames, window.pairs.count == pairs,
                pairs == (frames + 1) / 2,
                row.hash(9) == (try Checksum.window(name.rawValue, number, window))
            else { throw fault }
            return window
        }
    }
}

extension Row {
    /// Shows the bytes of a blob without copying them.
    ///
    /// - Throws: `fault` where there are none or not so many.
    func withBytes<Result>(
        _ index: Int, count: Int, or fault: IndexError,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try withUnsafeData(atIndex: index) { data in
            guard let data, data.count == count else { throw fault }
            return try data.withUnsafeBytes(body)
        }
    }
}

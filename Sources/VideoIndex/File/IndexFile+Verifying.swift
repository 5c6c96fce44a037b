import Foundation
internal import GRDB
import Video

extension IndexFile {
    /// Reads everything that is in a finished index and holds it against its checksums.
    ///
    /// - Returns: how much there is, and a hash of the content, which is the same for every way in
    ///   which the same index came about.
    /// - Throws: `damaged`, with what was found first.
    public func verify() throws(IndexError) -> (counts: IndexCounts, content: ContentHash) {
        try access { database in
            guard try String.fetchOne(database, sql: "PRAGMA quick_check(1)") == "ok" else {
                throw damaged("the database's own check fails")
            }
        }
        var counts = IndexCounts()
        var digest: ContentDigest
        do {
            digest = try ContentDigest()
        } catch {
            throw damaged("\(error)")
        }
        digest.add(IndexFormat.version)
        for (name, value) in header?.entries ?? []
        where !IndexHeader.outsideContent.contains(name) {
            digest.add(name)
            digest.add(value)
        }
        for name in ReadingName.allCases {
            guard let facts = try facts(name) else { continue }
            digest.add(name.rawValue)
            digest.add(facts.text)
            digest.add(facts.windows)
            for number in 0..<facts.windows {
                let window = try window(name, number)
                do {
                    digest.add(try Checksum.window(name.rawValue, number, window))
                } catch {
                    throw damaged("\(error)")
                }
                counts.windows += 1
            }
        }
        try checkPlaces()
        try addPairs(to: &digest, &counts)
        try addPrefixes(to: &digest, &counts)
        try addSummaries(to: &digest, &counts)
        try checkWords()
        return (counts, digest.finish())
    }

    /// Everything that is named is there, and nothing is there that nothing names.
    private func checkPlaces() throws(IndexError) {
        try access { database in
            for (sql, what) in [
                (
                    "SELECT 1 FROM window_pair WHERE hash NOT IN (SELECT hash FROM pair)",
                    "visual tokens are missing"
                ),
                (
                    "SELECT 1 FROM pair WHERE hash NOT IN (SELECT hash FROM window_pair)",
                    "visual tokens belong to no window"
                ),
                (
                    """
                    SELECT 1 FROM window
                    WHERE prefix IS NOT NULL AND prefix NOT IN (SELECT key FROM prefix)
                    """, "a prefix is missing"
                ),
                (
                    """
                    SELECT 1 FROM prefix WHERE key NOT IN
                      (SELECT prefix FROM window WHERE prefix IS NOT NULL)
                    """, "a prefix belongs to no window"
                ),
                (
                    "SELECT 1 FROM prefix_part WHERE prefix NOT IN (SELECT key FROM prefix)",
                    "a part belongs to no prefix"
                ),
                (
                    """
                    SELECT 1 FROM window
                    WHERE summary IS NOT NULL AND summary NOT IN (SELECT key FROM summary)
                    """, "a summary is missing"
                ),
                (
                    """
                    SELECT 1 FROM summary WHERE key NOT IN
                      (SELECT summary FROM window WHERE summary IS NOT NULL)
                    """, "a summary belongs to no window"
                ),
                (
                    "SELECT 1 FROM window WHERE reading NOT IN (SELECT name FROM reading)",
                    "a window belongs to no reading"
                ),
                (
                    "SELECT 1 FROM reading WHERE name NOT IN ('whole', 'windows')",
                    "a reading of an unknown kind"
                ),
            ] where try Row.fetchOne(database, sql: sql + " LIMIT 1") != nil {
                throw damaged(what)
            }
            let stray = try Row.fetchOne(
                database,
                sql: """
                    SELECT 1 FROM reading WHERE windows <>
                      (SELECT count(*) FROM window WHERE reading = reading.name)
                    UNION ALL SELECT 1 WHERE (SELECT count(*) FROM frame)
                      <> (SELECT total(frames) FROM window)
                    UNION ALL SELECT 1 WHERE (SELECT count(*) FROM window_pair)
                      <> (SELECT total(pairs) FROM window)
                    """)
            if stray != nil { throw damaged("there are more or fewer windows than stated") }
        }
    }

    private func addPairs(
        to digest: inout ContentDigest, _ counts: inout IndexCounts
    ) throws(IndexError) {
        try access { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT hash, CASE WHEN length(data) <= ? THEN data END, checksum FROM pair
                    ORDER BY hash
                    """, arguments: [IndexFormat.Bound.value])
            while let row = try rows.next() {
                let fault = damaged("visual tokens of a pair")
                guard let hash = row.hash(0), let checksum = row.hash(2) else { throw fault }
                counts.tokenBytes += try row.withUnsafeData(atIndex: 1) { data in
                    guard let data else { throw fault }
                    return try data.withUnsafeBytes { bytes in
                        guard checksum == (try Checksum.pair(hash, bytes)) else { throw fault }
                        return bytes.count
                    }
                }
                digest.add(checksum)
                counts.pairs += 1
            }
        }
    }

    private func addPrefixes(
        to digest: inout ContentDigest, _ counts: inout IndexCounts
    ) throws(IndexError) {
        try access { database in
            let heads = try Row.fetchAll(
                database,
                sql: "SELECT key, tokens, parts, checksum FROM prefix ORDER BY key LIMIT ?",
                arguments: [IndexFormat.Bound.windows])
            for head in heads {
                guard let key = head.hash(0), let tokens = head.int(1), let parts = head.int(2),
                    let checksum = head.hash(3),
                    checksum == (try Checksum.prefix(key, tokens: tokens, parts: parts))
                else { throw damaged("a prefix") }
                digest.add(checksum)
                counts.prefixes += 1
                let rows = try Row.fetchCursor(
                    database,
                    sql: """
                        SELECT number, CASE WHEN length(data) <= ? THEN data END, checksum
                        FROM prefix_part WHERE prefix = ? ORDER BY number
                        """, arguments: [IndexFormat.Bound.value, Data(key.bytes)])
                var number = 0
                while let row = try rows.next() {
                    guard row.int(0) == number, let checksum = row.hash(2) else {
                        throw damaged("a part of a prefix")
                    }
                    counts.prefixBytes += try row.withUnsafeData(atIndex: 1) { data in
                        guard let data else { throw damaged("a part of a prefix") }
                        return try data.withUnsafeBytes { bytes in
                            guard checksum == (try Checksum.part(key, number, bytes)) else {
                                throw damaged("a part of a prefix")
                            }
                            return bytes.count
                        }
                    }
                    digest.add(checksum)
                    number += 1
                }
                guard number == parts else { throw damaged("a prefix is not whole") }
            }
        }
    }

    private func addSummaries(
        to digest: inout ContentDigest, _ counts: inout IndexCounts
    ) throws(IndexError) {
        let keys = try access { database in
            try Row.fetchAll(
                database, sql: "SELECT key FROM summary ORDER BY key LIMIT ?",
                arguments: [IndexFormat.Bound.windows]
            ).map { $0.hash(0) }
        }
        for key in keys {
            guard let key, let summary = try summary(key) else { throw damaged("a summary") }
            digest.add(key)
            digest.add(summary.text)
            digest.add(summary.tokens)
            digest.add(summary.isWhole ? 1 : 0)
            digest.add(summary.confidence)
            digest.add(summary.promptTokens)
            counts.summaries += 1
        }
    }

    /// The full-text table says what the summaries say.
    private func checkWords() throws(IndexError) {
        try access { database in
            let wrong = try Row.fetchOne(
                database,
                sql: """
                    SELECT 1 FROM window
                    LEFT JOIN summary ON summary.key = window.summary
                    LEFT JOIN summary_words ON summary_words.rowid = window.number + 1
                    WHERE window.reading = 'windows' AND window.summary IS NOT NULL AND (
                      summary_words.text IS NOT summary.text
                      OR summary_words.start IS NOT window.start
                      OR summary_words."end" IS NOT window."end")
                    UNION ALL SELECT 1 WHERE (SELECT count(*) FROM summary_words) <>
                      (SELECT count(*) FROM window
                       WHERE reading = 'windows' AND summary IS NOT NULL)
                    LIMIT 1
                    """)
            if wrong != nil { throw damaged("the full-text table") }
        }
    }
}

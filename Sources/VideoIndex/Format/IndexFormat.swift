/// The layout of an index file: a SQLite database.
///
/// Visual tokens, prefixes and summaries go by the hash of what they were made from, and are written
/// while the video is read. What ties them to times is written at the end, all at once: a file
/// without it is unfinished, and all that it holds can be used to go on.
package enum IndexFormat {
    /// Grows when files of before can no longer be read.
    package static let version = 1
    /// `RSX1` in the header of the database.
    package static let application: UInt32 = 0x5253_5831
    package static let pageSize = 16384
    package static let fileExtension = "rsx"

    /// Statements that make an empty index. Every row has the SHA-256 of its other columns, and a
    /// window that of its frames and pairs too; `summary_words` holds only what is elsewhere.
    static let tables: [(name: String, sql: String)] = [
        (
            "header",
            """
            CREATE TABLE header (
              name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, checksum BLOB NOT NULL)
            """
        ),
        (
            "pair",
            """
            CREATE TABLE pair (
              hash BLOB PRIMARY KEY NOT NULL, data BLOB NOT NULL, checksum BLOB NOT NULL)
            """
        ),
        (
            "prefix",
            """
            CREATE TABLE prefix (
              key BLOB PRIMARY KEY NOT NULL, tokens INTEGER NOT NULL, parts INTEGER NOT NULL,
              checksum BLOB NOT NULL)
            """
        ),
        (
            "prefix_part",
            """
            CREATE TABLE prefix_part (
              prefix BLOB NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,
              checksum BLOB NOT NULL, PRIMARY KEY (prefix, number))
            """
        ),
        (
            "summary",
            """
            CREATE TABLE summary (
              key BLOB PRIMARY KEY NOT NULL, text TEXT NOT NULL, tokens INTEGER NOT NULL,
              is_whole INTEGER NOT NULL, confidence REAL NOT NULL, prompt_tokens INTEGER NOT NULL,
              checksum BLOB NOT NULL)
            """
        ),
        (
            "reading",
            """
            CREATE TABLE reading (
              name TEXT PRIMARY KEY NOT NULL, facts TEXT NOT NULL, windows INTEGER NOT NULL,
              checksum BLOB NOT NULL)
            """
        ),
        (
            "window",
            """
            CREATE TABLE window (
              reading TEXT NOT NULL, number INTEGER NOT NULL, start REAL NOT NULL,
              "end" REAL NOT NULL, ending TEXT NOT NULL, height INTEGER NOT NULL,
              width INTEGER NOT NULL, frames INTEGER NOT NULL, pairs INTEGER NOT NULL,
              prefix BLOB, summary BLOB, checksum BLOB NOT NULL, PRIMARY KEY (reading, number))
            """
        ),
        (
            "frame",
            """
            CREATE TABLE frame (
              reading TEXT NOT NULL, "window" INTEGER NOT NULL, number INTEGER NOT NULL,
              shown INTEGER NOT NULL, time REAL NOT NULL, instant REAL NOT NULL,
              PRIMARY KEY (reading, "window", number))
            """
        ),
        (
            "window_pair",
            """
            CREATE TABLE window_pair (
              reading TEXT NOT NULL, "window" INTEGER NOT NULL, number INTEGER NOT NULL,
              start REAL NOT NULL, "end" REAL NOT NULL, hash BLOB NOT NULL,
              PRIMARY KEY (reading, "window", number))
            """
        ),
    ]

    static let words = "summary_words"
    static let wordsTable = """
        CREATE VIRTUAL TABLE summary_words USING fts5(start UNINDEXED, "end" UNINDEXED, text)
        """

    /// Bounds on what a file may make us hold.
    enum Bound {
        /// Bytes of one value.
        static let value = 64 << 20
        static let windows = 1 << 20
        static let framesOfWindow = 1 << 20
        static let headers = 64
    }
}

internal import GRDB

/// Finds texts by the words of a question.
///
/// The table is made anew from texts that were checked: the one inside a file serves other programs,
/// and a damaged one cannot mislead us.
package enum SummarySearch {
    /// Words that questions are made of, whatever they are about.
    private static let common: Set<Substring> = [
        "a", "an", "and", "any", "are", "at", "be", "been", "by", "can", "did", "do", "does",
        "for", "from", "had", "has", "have", "he", "her", "his", "how", "in", "into", "is", "it",
        "its", "many", "much", "of", "on", "or", "part", "s", "see", "she", "that", "the", "their",
        "them", "then", "there", "these", "they", "this", "those", "to", "video", "was", "were",
        "what", "when", "where", "which", "who", "whom", "whose", "why", "will", "with", "you",
    ]

    /// A text that has a word of the question.
    package struct Match: Sendable, Equatable {
        /// Its place among the texts.
        package var place: Int
        /// BM25, positive: the sum, over the words found, of how rare they are.
        package var score: Double
    }

    /// The texts that have a word of the question, the best first; by BM25, and among equals the
    /// earlier one.
    package static func matches(
        _ question: String, in texts: [String]
    ) throws(IndexError) -> [Match] {
        let telling = question.lowercased().split { !$0.isLetter && !$0.isNumber }
            .filter { !common.contains($0) }.joined(separator: " ")
        guard let pattern = FTS5Pattern(matchingAnyTokenIn: telling) else { return [] }
        return try Opening.attempt("the search", isWriting: false) {
            try DatabaseQueue().write { database in
                try database.execute(
                    sql: """
                        CREATE VIRTUAL TABLE words
                        USING fts5(text, tokenize = 'porter unicode61 remove_diacritics 2')
                        """)
                let statement = try database.makeStatement(
                    sql: "INSERT INTO words (rowid, text) VALUES (?, ?)")
                for (number, text) in texts.enumerated() {
                    try statement.execute(arguments: [number + 1, text])
                }
                return try Row.fetchAll(
                    database,
                    sql: "SELECT rowid, rank FROM words WHERE words MATCH ? ORDER BY rank, rowid",
                    arguments: [pattern]
                ).map { row in Match(place: row[0] - 1, score: -(row[1] as Double)) }
            }
        }
    }
}

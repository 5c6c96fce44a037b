/// Orders of windows.
package enum WindowRanking {
    /// The windows that are worth a question to the model: those that words found, and of the rest
    /// some from everywhere.
    package static func candidates(byWords: [Int], of count: Int, most: Int) -> [Int] {
        guard count > most else { return Array(0..<count) }
        let found = byWords.prefix(most * 3 / 4)
        var chosen = Set(found)
        let rest = (0..<count).filter { !chosen.contains($0) }
        let room = most - chosen.count
        for step in 0..<room { chosen.insert(rest[step * rest.count / room]) }
        return chosen.sorted()
    }

    /// All windows, by the places that they have in several orders; among equals the earlier first.
    package static func joined(_ orders: [[Int]], count: Int) -> [Int] {
        var scores = [Double](repeating: 0, count: count)
        for order in orders {
            for (place, window) in order.enumerated() { scores[window] += 1 / Double(61 + place) }
        }
        return scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    }

    /// Windows by their scores, the highest first; among equals the earlier first.
    package static func ordered(_ scores: [Int: Double]) -> [Int] {
        scores.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    }
}

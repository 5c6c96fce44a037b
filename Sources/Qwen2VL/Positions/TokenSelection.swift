/// Which tokens of a visual input the language model reads, where some are left out.
///
/// A token that is read keeps the position that it has among all of them.
public struct TokenSelection: Sendable, Equatable {
    /// Tokens of one pair, read or not.
    public let tokensPerPair: Int
    /// Tokens of each pair that are read: at least one, but of a pair that is left out whole.
    public private(set) var counts: [Int] = []
    /// Those that are read, by their place among the tokens of all pairs, in order.
    public private(set) var places: [Int] = []

    public init(tokensPerPair: Int) {
        precondition(tokensPerPair > 0, "pairs of \(tokensPerPair) tokens")
        self.tokensPerPair = tokensPerPair
    }

    /// All tokens of so many pairs.
    public init(all pairs: Int, tokensPerPair: Int) {
        self.init(tokensPerPair: tokensPerPair)
        for _ in 0..<pairs { append(nil) }
    }

    /// Adds a pair.
    ///
    /// - Parameter cells: its tokens that are read, in order; nil: all.
    public mutating func append(_ cells: [Int]?) {
        let first = counts.count * tokensPerPair
        guard let cells else {
            counts.append(tokensPerPair)
            places += first..<first + tokensPerPair
            return
        }
        precondition(
            !cells.isEmpty && cells[0] >= 0 && cells[cells.count - 1] < tokensPerPair
                && zip(cells, cells.dropFirst()).allSatisfy(<),
            "cells \(cells) of \(tokensPerPair)")
        counts.append(cells.count)
        for cell in cells { places.append(first + cell) }
    }

    /// Adds the pairs of another input with equal pairs.
    public mutating func append(_ other: TokenSelection) {
        precondition(other.tokensPerPair == tokensPerPair, "pairs of other sizes")
        let first = counts.count * tokensPerPair
        counts += other.counts
        for place in other.places { places.append(first + place) }
    }

    /// What of these tokens shows some of the pairs: their own, and for what the first pair of a stretch
    /// left out, since it showed the same as before, the last that was read of it.
    ///
    /// - Parameter stretches: of pairs, in order and apart from each other.
    public func showing(_ stretches: [Range<Int>]) -> TokenSelection {
        var wanted: Set<Int> = []
        var last = [Int?](repeating: nil, count: tokensPerPair)
        var rest = places[...]
        for (pair, count) in counts.enumerated() {
            let own = rest.prefix(count)
            rest = rest.dropFirst(count)
            for place in own { last[place - pair * tokensPerPair] = place }
            guard let stretch = stretches.first(where: { $0.contains(pair) }) else { continue }
            wanted.formUnion(pair == stretch.lowerBound ? last.compactMap(\.self) : Array(own))
        }
        var selection = TokenSelection(tokensPerPair: tokensPerPair)
        selection.places = places.filter(wanted.contains)
        selection.counts = [Int](repeating: 0, count: counts.count)
        for place in selection.places { selection.counts[place / tokensPerPair] += 1 }
        return selection
    }

    /// Cells of a pair whose tokens are read, in order.
    public func cells(of pair: Int) -> [Int] {
        let first = counts[..<pair].reduce(0, +)
        return places[first..<first + counts[pair]].map { $0 - pair * tokensPerPair }
    }

    /// Tokens that are read.
    public var count: Int { places.count }

    /// Tokens that are left out.
    public var dropped: Int { counts.count * tokensPerPair - places.count }
}

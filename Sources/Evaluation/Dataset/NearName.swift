/// A name that may be another one, mistyped.
struct NearName {
    private let letters: [UInt8]

    /// Longer names are none of ours.
    private static let longest = 40

    init(_ name: String) { letters = Self.letters(name) }

    /// The nearest of the names that is near enough: the same but for case and separators, or one
    /// slip away, two in names of eight letters and more.
    func nearest(of names: [String]) -> String? {
        guard letters.count <= Self.longest else { return nil }
        let found = names.map { name -> (name: String, slips: Int, allowed: Int) in
            let other = Self.letters(name)
            let allowed = other.count >= 8 ? 2 : other.count >= 4 ? 1 : 0
            return (name, slips(to: other), allowed)
        }
        return found.filter { $0.slips <= $0.allowed }.min { $0.slips < $1.slips }?.name
    }

    private static func letters(_ name: String) -> [UInt8] {
        Array(name.lowercased().utf8.filter { !" -_".utf8.contains($0) })
    }

    /// Letters that are missing, too many, wrong, or swapped with the next one.
    private func slips(to other: [UInt8]) -> Int {
        var before: [Int] = []
        var row = Array(0...other.count)
        for i in letters.indices {
            var next = [i + 1]
            for j in other.indices {
                var slips = min(
                    row[j + 1] + 1, next[j] + 1, row[j] + (letters[i] == other[j] ? 0 : 1))
                if i > 0, j > 0, letters[i] == other[j - 1], letters[i - 1] == other[j] {
                    slips = min(slips, before[j - 1] + 1)
                }
                next.append(slips)
            }
            (before, row) = (row, next)
        }
        return row[other.count]
    }
}

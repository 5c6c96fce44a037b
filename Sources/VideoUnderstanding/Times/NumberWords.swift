/// Numbers in words, from zero to ninety-nine.
package enum NumberWords {
    private static let units = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
        "nineteen",
    ]
    private static let tens = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ]

    /// 0 to 19.
    package static func unit(_ word: String) -> Int? { units.firstIndex(of: word) }

    /// 20, 30, … 90.
    package static func ten(_ word: String) -> Int? {
        tens.firstIndex(of: word).map { 10 * ($0 + 2) }
    }

    /// Numbers as digits without needless zeros: `twenty one`, `021` and `21.0` are `21`.
    package static func inDigits(_ words: [String]) -> [String] {
        var result: [String] = []
        var previousTen: Int?
        for word in words {
            let unit = unit(word)
            if let ten = previousTen, let unit, (1...9).contains(unit) {
                result[result.count - 1] = String(ten + unit)
                previousTen = nil
                continue
            }
            previousTen = ten(word)
            result.append((previousTen ?? unit).map(String.init) ?? shortest(word))
        }
        return result
    }

    private static func shortest(_ word: String) -> String {
        let digits = word.hasPrefix("-") ? word.dropFirst() : word[...]
        guard !digits.isEmpty,
            digits.utf8.allSatisfy({ (48...57).contains($0) || $0 == UInt8(ascii: ".") })
        else { return word }
        var parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { return word }
        parts[0] = parts[0].drop { $0 == "0" }
        var text = parts[0].isEmpty ? "0" : String(parts[0])
        if parts.count == 2 {
            while parts[1].last == "0" { parts[1].removeLast() }
            if !parts[1].isEmpty { text += "." + parts[1] }
        }
        return word.hasPrefix("-") && text != "0" ? "-" + text : text
    }
}

import OrderedJSON
import Qwen2VL

/// How an index keeps which tokens of a window are read: a string a pair, in hexadecimal digits, four
/// tokens a digit, the first in the lowest bit.
extension TokenSelection {
    var json: JSON {
        let digits = Array("0123456789abcdef")
        var first = 0
        return .array(
            counts.enumerated().map { pair, count in
                var values = [Int](repeating: 0, count: (tokensPerPair + 3) / 4)
                for place in places[first..<first + count] {
                    let cell = place - pair * tokensPerPair
                    values[cell / 4] |= 1 << (cell % 4)
                }
                first += count
                return .string(String(values.map { digits[$0] }))
            })
    }

    /// Nil for anything but what `json` gives of pairs of that size.
    init?(stored json: JSON, tokensPerPair: Int) {
        guard let pairs = json.array, tokensPerPair > 0 else { return nil }
        self.init(tokensPerPair: tokensPerPair)
        for pair in pairs {
            guard let text = pair.string, text.utf8.count == (tokensPerPair + 3) / 4 else {
                return nil
            }
            var cells: [Int] = []
            for (digit, character) in text.utf8.enumerated() {
                guard let value = Character(Unicode.Scalar(character)).hexDigitValue else {
                    return nil
                }
                for bit in 0..<4 where value & 1 << bit != 0 { cells.append(4 * digit + bit) }
            }
            guard let last = cells.last, last < tokensPerPair else { return nil }
            append(cells)
        }
    }
}

/// A piece of a text in which times are looked for.
enum TimeToken: Equatable {
    case number(Double)
    /// `0:12`, `00:00:12.5`: seconds.
    case timecode(Double)
    /// In lower case.
    case word(String)
    /// Any other character that is no space.
    case mark(Unicode.Scalar)

    /// The pieces of a text, with numbers in words as numbers.
    static func tokens(of text: String) -> [TimeToken] {
        var lexer = TimeLexer(scalars: Array(text.lowercased().unicodeScalars))
        return withNumberWords(lexer.tokens())
    }

    private static func withNumberWords(_ tokens: [TimeToken]) -> [TimeToken] {
        var result: [TimeToken] = []
        var previousTen: Double?
        for token in tokens {
            guard case .word(let word) = token else {
                // twenty-one
                if token != .mark("-") { previousTen = nil }
                result.append(token)
                continue
            }
            let unit = NumberWords.unit(word)
            if let ten = previousTen, let unit, (1...9).contains(unit) {
                if result.last == .mark("-") { result.removeLast() }
                result[result.count - 1] = .number(ten + Double(unit))
                previousTen = nil
            } else if let value = NumberWords.ten(word) {
                previousTen = Double(value)
                result.append(.number(Double(value)))
            } else {
                previousTen = nil
                result.append(unit.map { .number(Double($0)) } ?? token)
            }
        }
        return result
    }
}

private struct TimeLexer {
    let scalars: [Unicode.Scalar]
    var position = 0

    init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    mutating func tokens() -> [TimeToken] {
        var tokens: [TimeToken] = []
        while position < scalars.count {
            let scalar = scalars[position]
            if isDigit(position) {
                tokens.append(number())
            } else if scalar.properties.isAlphabetic {
                let isUnit = position > 0 && isDigit(position - 1)
                tokens.append(.word(word(withDigits: !isUnit)))
            } else {
                if !scalar.properties.isWhitespace { tokens.append(.mark(scalar)) }
                position += 1
            }
        }
        return tokens
    }

    private func isDigit(_ index: Int) -> Bool {
        scalars.indices.contains(index) && ("0"..."9").contains(scalars[index])
    }

    /// Letters; digits too, so that `h264` is no number. Behind a number it is a unit: `1m30s`.
    private mutating func word(withDigits: Bool) -> String {
        var text = String.UnicodeScalarView()
        while position < scalars.count,
            scalars[position].properties.isAlphabetic || (withDigits && isDigit(position))
        {
            text.append(scalars[position])
            position += 1
        }
        return String(text)
    }

    private mutating func digits() -> String {
        var text = ""
        while isDigit(position) {
            text.unicodeScalars.append(scalars[position])
            position += 1
        }
        return text
    }

    private mutating func number() -> TimeToken {
        let start = position
        var fields = [digits()]
        while fields.count < 3, position < scalars.count, scalars[position] == ":",
            isDigit(position + 1)
        {
            position += 1
            fields.append(digits())
        }
        var fraction = ""
        if position < scalars.count, scalars[position] == ".", isDigit(position + 1) {
            position += 1
            fraction = digits()
        }
        let last = Double("\(fields[fields.count - 1]).\(fraction.isEmpty ? "0" : fraction)")
        guard fields.count > 1 else { return .number(last ?? .infinity) }
        // Minutes and seconds have two digits and are below 60; anything else is a ratio or a score.
        let parts = fields.dropFirst().dropLast().map { Double($0) ?? .infinity } + [last ?? 99]
        guard fields.dropFirst().allSatisfy({ $0.utf8.count == 2 }),
            parts.allSatisfy({ $0 < 60 })
        else {
            position = start
            let first = digits()
            return .number(Double(first) ?? .infinity)
        }
        return .timecode(parts.reduce(Double(fields[0]) ?? .infinity) { $0 * 60 + $1 })
    }
}

import VideoUnderstanding

/// A text as it is compared: in lower case, without punctuation and articles, numbers in digits.
///
/// `The red car's  TWENTY-ONE doors!` is `red cars 21 doors`. The rules are those of English and
/// leave other languages as they are, but for case and punctuation.
public struct NormalizedText: Sendable, Hashable {
    public let words: [String]

    public init(_ text: String) {
        let words = NumberWords.inDigits(Self.expanded(Self.split(text)))
        let content = words.filter { !["a", "an", "the"].contains($0) }
        // The answer may be the letter A.
        self.words = content.isEmpty ? words : content
    }

    public var isEmpty: Bool { words.isEmpty }

    /// Whether the words of `part` stand here, together and in order.
    public func contains(_ part: NormalizedText) -> Bool {
        let count = part.words.count
        guard count > 0, count <= words.count else { return false }
        return (0...words.count - count).contains { words[$0..<$0 + count] == part.words[...] }
    }

    // MARK: - Words

    /// Words in lower case, with their apostrophes; points, colons and minus signs stay in numbers.
    private static func split(_ text: String) -> [String] {
        let scalars = Array(text.lowercased().unicodeScalars)
        var words: [String] = []
        var word = String.UnicodeScalarView()
        func isDigit(_ index: Int) -> Bool {
            scalars.indices.contains(index) && ("0"..."9").contains(scalars[index])
        }
        func close() {
            if !word.isEmpty { words.append(String(word)) }
            word = .init()
        }
        for (index, scalar) in scalars.enumerated() {
            let properties = scalar.properties
            switch scalar {
            case _ where properties.isAlphabetic || properties.numericType != nil:
                word.append(scalar)
            case "'", "\u{2018}", "\u{2019}", "\u{2BC}":
                if !word.isEmpty { word.append("'") }
            case ".", ":":
                if isDigit(index - 1), isDigit(index + 1) { word.append(scalar) } else { close() }
            case ",":
                // 1,000 is one number; 1,2 are two.
                let isThousands =
                    isDigit(index - 1) && (1...3).allSatisfy { isDigit(index + $0) }
                    && !isDigit(index + 4)
                if !isThousands { close() }
            case "-", "\u{2212}":
                close()
                let isSign =
                    isDigit(index + 1)
                    && (index == 0 || scalars[index - 1].properties.isWhitespace)
                if isSign { word.append("-") }
            case "%":
                close()
                words.append("percent")
            default:
                switch properties.generalCategory {
                case .nonspacingMark, .spacingMark, .enclosingMark: word.append(scalar)
                case .mathSymbol, .currencySymbol, .otherSymbol:
                    close()
                    words.append(String(scalar))
                default: close()
                }
            }
        }
        close()
        return words
    }

    /// Writes contractions out and drops what is left of apostrophes.
    private static func expanded(_ words: [String]) -> [String] {
        var result: [String] = []
        for word in words {
            switch word {
            case "can't": result.append("cannot")
            case "won't": result += ["will", "not"]
            case "not" where result.last == "can": result[result.count - 1] = "cannot"
            case _ where word.hasSuffix("n't") && word.utf8.count > 3:
                result += [String(word.dropLast(3)), "not"]
            default:
                let plain = word.filter { $0 != "'" }
                if !plain.isEmpty { result.append(plain) }
            }
        }
        return result
    }
}

/// Texts of a model, made fit for forms that have rules of their own.
enum Words {
    /// Without control characters but line feeds, which other line ends become.
    static func cleaned(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var afterReturn = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\r": result.append("\n")
            case "\n": if !afterReturn { result.append(scalar) }
            case "\t": result.append(" ")
            default:
                switch scalar.properties.generalCategory {
                case .lineSeparator, .paragraphSeparator: result.append("\n")
                case .control: break
                default: result.append(scalar)
                }
            }
            afterReturn = scalar == "\r"
        }
        return String(result)
    }

    /// The paragraphs of a text, each on one line with single spaces.
    static func paragraphs(_ text: String) -> [String] {
        var paragraphs: [[Substring]] = [[]]
        for line in cleaned(text).unicodeScalars.split(
            separator: "\n", omittingEmptySubsequences: false)
        {
            let words = Substring(line).split(whereSeparator: \.isWhitespace)
            if words.isEmpty {
                paragraphs.append([])
            } else {
                paragraphs[paragraphs.count - 1] += words
            }
        }
        return paragraphs.filter { !$0.isEmpty }.map { $0.joined(separator: " ") }
    }

    /// The whole text on one line with single spaces.
    static func line(_ text: String) -> String { paragraphs(text).joined(separator: " ") }

    /// The beginning of a line, of at most `most` characters, ended by a word.
    static func shortened(_ line: String, to most: Int) -> String {
        guard line.count > most else { return line }
        let head = line.prefix(most - 1)
        // Writing without spaces is cut anywhere.
        let space = head.lastIndex(of: " ")
        let words = space.map { head[..<$0] }.flatMap { $0.count * 2 > most ? $0 : nil } ?? head
        return words.trimmed(of: " ,;:–—-") + "…"
    }

    /// A line broken into lines of at most `width` characters, between words where there are any.
    static func wrapped(_ line: String, width: Int) -> [String] {
        var lines: [String] = []
        var current = ""
        for word in line.split(separator: " ") {
            var rest = word[...]
            if !current.isEmpty {
                if current.count + 1 + rest.count <= width {
                    current += " " + rest
                    continue
                }
                lines.append(current)
                current = ""
            }
            // By index, as counting what is left again and again takes for ever on a long word.
            while let cut = rest.index(rest.startIndex, offsetBy: width, limitedBy: rest.endIndex),
                cut < rest.endIndex
            {
                lines.append(String(rest[..<cut]))
                rest = rest[cut...]
            }
            current = String(rest)
        }
        if !current.isEmpty { lines.append(current) }
        return lines
    }

    /// The first sentence of a line, without its full stop.
    static func firstSentence(_ line: String) -> String {
        var end = line.endIndex
        for index in line.indices where ".!?。！？".contains(line[index]) {
            let after = line.index(after: index)
            let isLast = after == line.endIndex
            let isWide = "。！？".contains(line[index])
            // A short word before the point is more likely an abbreviation or a number.
            guard isLast || isWide || line[after] == " ", line[..<index].count > 3 else { continue }
            end = ".。".contains(line[index]) ? index : after
            break
        }
        return String(line[..<end])
    }
}

extension StringProtocol {
    /// Without any of `characters` at the end.
    func trimmed(of characters: String) -> String {
        var text = Substring(self)
        while let last = text.last, characters.contains(last) { text.removeLast() }
        return String(text)
    }
}

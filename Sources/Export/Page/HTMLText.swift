import OrderedJSON

/// Pieces of HTML. Whatever comes from a document goes through `escaped`.
enum HTMLText {
    /// A text or the value of an attribute in double quotes.
    static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "'": result.append(contentsOf: "&#39;".unicodeScalars)
            // Not allowed in HTML in any form.
            case "\u{0}"..."\u{8}", "\u{B}", "\u{C}", "\u{E}"..."\u{1F}", "\u{7F}"..."\u{9F}":
                result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// A text on one line.
    static func line(_ text: String) -> String { escaped(Words.line(text)) }

    /// A paragraph of HTML for each of the text.
    static func paragraphs(_ text: String, className: String? = nil) -> String {
        let attribute = className.map { " class=\"\($0)\"" } ?? ""
        return Words.paragraphs(text)
            .map { "<p\(attribute) dir=\"auto\">\(escaped($0))</p>\n" }.joined()
    }

    static func number(_ value: Double, decimals: Int = 6) -> String {
        JSON.decimal(value, decimals: decimals).compact
    }

    static func percent(_ part: Double, of whole: Double) -> String {
        number(whole > 0 ? min(max(part / whole, 0), 1) * 100 : 0, decimals: 4) + "%"
    }
}

/// SubRip (`.srt`): what players agree on, as there is no standard.
enum SubRip {
    static func text(_ cues: [Cue]) -> String {
        var text = ""
        for (index, cue) in cues.enumerated() {
            let start = Clock.precise(cue.time.lowerBound, mark: ",")
            let end = Clock.precise(cue.time.upperBound, mark: ",")
            text += "\(index + 1)\n\(start) --> \(end)\n"
            text += cue.lines.map(escaped).joined(separator: "\n") + "\n\n"
        }
        return text
    }

    /// There is no escape: an invisible word joiner keeps `<b>`, `{\an8}` and arrows from being
    /// taken for markup by players that look for some.
    static func escaped(_ line: String) -> String {
        var result = String.UnicodeScalarView()
        var last: Unicode.Scalar = " "
        for scalar in line.replacing("-->", with: "--\u{2060}>").unicodeScalars {
            let opensTag = last == "<" && (scalar.properties.isAlphabetic || scalar == "/")
            let opensCode = last == "{" && (scalar.properties.isAlphabetic || scalar == "\\")
            if opensTag || opensCode { result.append("\u{2060}") }
            result.append(scalar)
            last = scalar
        }
        return String(result)
    }
}

/// WebVTT (`.vtt`).
enum WebVTT {
    static func text(_ cues: [Cue]) -> String {
        var text = "WEBVTT\n\n"
        for (index, cue) in cues.enumerated() {
            let start = Clock.precise(cue.time.lowerBound, mark: ".")
            let end = Clock.precise(cue.time.upperBound, mark: ".")
            text += "\(index + 1)\n\(start) --> \(end)\n"
            text += cue.lines.map(escaped).joined(separator: "\n") + "\n\n"
        }
        return text
    }

    /// Some players hand the text on to a renderer that obeys `{\an8}`, for which WebVTT has no
    /// escape.
    static func escaped(_ line: String) -> String {
        line.replacing("{\\", with: "{\u{2060}\\").replacing("&", with: "&amp;").replacing(
            "<", with: "&lt;"
        )
        .replacing(">", with: "&gt;")
    }
}

/// A file of subtitles: SubRip or WebVTT, whatever its name says.
///
/// Read in Swift alone, without a decoder; nothing that it holds can do worse than be no cue.
package struct SubtitleFile: Sendable, Equatable {
    /// In order of time.
    package private(set) var cues: [SubtitleCue] = []
    package private(set) var isWebVTT = false
    /// The bytes were neither UTF-8 nor UTF-16.
    package private(set) var isLatin1 = false
    /// Cues whose times cannot be read or are out of order, and those beyond the limit.
    package private(set) var damaged = 0

    /// - Returns: nil where the bytes hold no cue at all.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= SubtitleLimits.bytes else { return nil }
        let text: String
        (text, isLatin1) = Self.decoded(bytes)
        let lines = Self.lines(of: text)
        isWebVTT = lines.first.map { Self.isHeader($0) } ?? false
        read(lines)
        guard !cues.isEmpty else { return nil }
        cues = cues.ordered()
    }

    // MARK: - Bytes

    private static func decoded(_ bytes: [UInt8]) -> (String, isLatin1: Bool) {
        if bytes.starts(with: [0xFF, 0xFE]) { return (utf16(bytes.dropFirst(2), low: 0), false) }
        if bytes.starts(with: [0xFE, 0xFF]) { return (utf16(bytes.dropFirst(2), low: 1), false) }
        let body = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        // Without a mark, half of the bytes of plain text in UTF-16 are zero.
        let head = body.prefix(4096)
        let zeros = [0, 1].map { side in
            head.enumerated().count { $0.offset % 2 == side && $0.element == 0 }
        }
        if zeros[0] + zeros[1] > head.count / 4 {
            return (utf16(body, low: zeros[0] < zeros[1] ? 0 : 1), false)
        }
        if let text = String(validating: body, as: UTF8.self) { return (text, false) }
        return (
            String(String.UnicodeScalarView(body.map { latin1($0) })), true
        )
    }

    /// - Parameter low: place of the low byte in each unit.
    private static func utf16(_ bytes: ArraySlice<UInt8>, low: Int) -> String {
        let start = bytes.startIndex
        let units = stride(from: start, to: bytes.endIndex - 1, by: 2).map {
            UInt16(bytes[$0 + low]) | UInt16(bytes[$0 + 1 - low]) << 8
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// Windows-1252, which is Latin-1 with letters and dashes where that has control characters.
    private static func latin1(_ byte: UInt8) -> Unicode.Scalar {
        guard (0x80..<0xA0).contains(byte) else { return Unicode.Scalar(byte) }
        return Self.windows1252[Int(byte) - 0x80]
    }

    private static let windows1252 = Array(
        "\u{20AC}\u{81}\u{201A}\u{192}\u{201E}\u{2026}\u{2020}\u{2021}\u{2C6}\u{2030}\u{160}\u{2039}\u{152}\u{8D}\u{17D}\u{8F}\u{90}\u{2018}\u{2019}\u{201C}\u{201D}\u{2022}\u{2013}\u{2014}\u{2DC}\u{2122}\u{161}\u{203A}\u{153}\u{9D}\u{17E}\u{178}"
            .unicodeScalars)

    private static func lines(of text: String) -> [Substring.UnicodeScalarView] {
        let scalars = Substring(text).unicodeScalars
        var lines: [Substring.UnicodeScalarView] = []
        var start = scalars.startIndex
        var index = start
        while index < scalars.endIndex {
            let next = scalars.index(after: index)
            if scalars[index] == "\n" || scalars[index] == "\r" {
                lines.append(scalars[start..<index])
                start = next
                // CR LF is one end.
                if scalars[index] == "\r", next < scalars.endIndex, scalars[next] == "\n" {
                    start = scalars.index(after: next)
                    index = start
                    continue
                }
            }
            index = next
        }
        return lines + [scalars[start...]]
    }

    private static func isHeader(_ line: Substring.UnicodeScalarView) -> Bool {
        let header = Array("WEBVTT".unicodeScalars)
        guard line.starts(with: header) else { return false }
        return line.dropFirst(header.count).first?.properties.isWhitespace ?? true
    }

    // MARK: - Cues

    private mutating func read(_ lines: [Substring.UnicodeScalarView]) {
        var open: (start: Double, end: Double)?
        var words: [Substring.UnicodeScalarView] = []
        for (place, line) in lines.enumerated() {
            let hasArrow = line.contains(">") && Substring(line).contains("-->")
            if hasArrow, let times = Self.times(in: line) {
                // Files without empty lines have the number of the next cue in its place.
                if open != nil, let last = words.last, Self.isNumber(last) { words.removeLast() }
                close(&open, &words)
                open = times
            } else if hasArrow, place > 0, open == nil {
                damaged += 1
            } else if line.allSatisfy({ $0.properties.isWhitespace }) {
                close(&open, &words)
            } else if open != nil {
                words.append(line)
            }
        }
        close(&open, &words)
    }

    private mutating func close(
        _ open: inout (start: Double, end: Double)?, _ words: inout [Substring.UnicodeScalarView]
    ) {
        defer {
            open = nil
            words = []
        }
        guard let times = open else { return }
        let text = words.map { String(Substring($0)) }.joined(separator: "\n")
        guard let text = SubtitleMarkup.words(in: text, isWebVTT ? .webVTT : .subRip) else {
            return
        }
        guard times.end > times.start, cues.count < SubtitleLimits.cues else {
            damaged += 1
            return
        }
        cues.append(SubtitleCue(start: times.start, end: times.end, text: text))
    }

    private static func isNumber(_ line: Substring.UnicodeScalarView) -> Bool {
        let digits = line.filter { !$0.properties.isWhitespace }
        return !digits.isEmpty && digits.allSatisfy { $0.value >= 48 && $0.value <= 57 }
    }

    /// The times around the arrow; settings of a cue may follow.
    private static func times(
        in line: Substring.UnicodeScalarView
    ) -> (start: Double, end: Double)? {
        let text = String(Substring(line))
        guard let arrow = text.firstRange(of: "-->") else { return nil }
        let before = text[..<arrow.lowerBound].split(whereSeparator: \.isWhitespace)
        let after = text[arrow.upperBound...].split(whereSeparator: \.isWhitespace)
        guard before.count == 1, let end = after.first, let from = seconds(before[0]),
            let to = seconds(end)
        else { return nil }
        return (from, to)
    }

    /// `[[H…:]MM:]SS[,.]mmm`.
    private static func seconds(_ text: Substring) -> Double? {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...3).contains(fields.count), let last = fields.last else { return nil }
        let parts = last.split(
            omittingEmptySubsequences: false, whereSeparator: { $0 == "," || $0 == "." })
        guard (1...2).contains(parts.count) else { return nil }
        var total = 0
        for field in fields.dropLast() + [parts[0]] {
            guard (1...7).contains(field.utf8.count),
                field.utf8.allSatisfy({ (48...57).contains($0) }), let number = Int(field)
            else { return nil }
            total = total * 60 + number
        }
        var fraction = 0.0
        if parts.count == 2 {
            guard (1...9).contains(parts[1].utf8.count),
                parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
                let value = Double("0.\(parts[1])")
            else { return nil }
            fraction = value
        }
        let seconds = Double(total) + fraction
        return seconds <= SubtitleLimits.seconds ? seconds : nil
    }
}

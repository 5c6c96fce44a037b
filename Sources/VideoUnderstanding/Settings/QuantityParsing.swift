import Video

/// A place in a video, in seconds since the start of the presentation.
public struct TimePosition: Sendable, Hashable {
    public let seconds: Rational

    public init(seconds: Rational) { self.seconds = seconds }

    /// Reads `12`, `12.5`, `MM:SS`, `MM:SS.mmm`, `HH:MM:SS` or `HH:MM:SS.mmm`; nil for anything
    /// else. Minutes and seconds behind a colon are below 60; hours are not bounded.
    ///
    /// Exact as typed, but for more decimals than ``Rational`` holds (microseconds beyond half an
    /// hour): then the next millisecond, so that a time stamp of a document, rounded down to
    /// microseconds, still means the frame that it came from.
    public init?(parsing text: String) {
        guard !text.hasPrefix("-"), !text.contains("/") else { return nil }
        if let exact = Rational(timecode: text) {
            seconds = exact
            return
        }
        guard let point = text.lastIndex(of: "."),
            let milliseconds = Int64(text[point...].dropFirst().prefix(3)),
            text[point...].dropFirst().utf8.allSatisfy({ (48...57).contains($0) }),
            text.distance(from: point, to: text.endIndex) > 4,
            let whole = Rational(timecode: text[..<point]), whole.denominator == 1,
            let rounded = Rational(whole.numerator * 1000 + milliseconds + 1, 1000)
        else { return nil }
        seconds = rounded
    }
}

/// A number of bytes as people write it.
public struct ByteSize: Sendable, Hashable {
    public let bytes: Int

    public init(bytes: Int) { self.bytes = bytes }

    /// Reads digits, an optional point and a unit: `K`, `M`, `G`, `T` and `KiB`, `MiB`, `GiB`,
    /// `TiB` are powers of 1024, `kB`, `MB`, `GB`, `TB` powers of 1000, `B` or nothing is bytes.
    /// Nil for anything else, for 0, and for what does not fit 63 bits.
    public init?(parsing text: String) {
        let unit = text.drop { $0.isASCII && ($0.isNumber || $0 == ".") }
        let scale: Double
        switch unit.lowercased() {
        case "", "b": scale = 1
        case "k", "kib": scale = 0x1p10
        case "m", "mib": scale = 0x1p20
        case "g", "gib": scale = 0x1p30
        case "t", "tib": scale = 0x1p40
        case "kb": scale = 1e3
        case "mb": scale = 1e6
        case "gb": scale = 1e9
        case "tb": scale = 1e12
        default: return nil
        }
        guard let number = Double(text[..<unit.startIndex]) else { return nil }
        let bytes = number * scale
        guard bytes >= 1, bytes < 0x1p62 else { return nil }
        self.bytes = Int(bytes)
    }

    /// The size in the largest binary unit that keeps it at 1 or more, with one decimal.
    public var text: String {
        var value = Double(bytes)
        var unit = 0
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        guard unit > 0 else { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0
            ? "\(tenths / 10) \(units[unit])" : "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}

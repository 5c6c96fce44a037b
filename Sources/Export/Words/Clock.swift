import VideoUnderstanding

/// Times as people and players write them.
enum Clock {
    /// Whole milliseconds, to the nearest; times were bounded when they were read.
    static func milliseconds(_ seconds: Double) -> Int {
        Int((min(max(0, seconds), MemberReader.longest) * 1000).rounded(.toNearestOrEven))
    }

    /// `HH:MM:SS.mmm` with the given mark before the milliseconds; hours grow beyond two digits.
    static func precise(_ milliseconds: Int, mark: String) -> String {
        let seconds = milliseconds / 1000
        return [
            padded(seconds / 3600, 2), padded(seconds / 60 % 60, 2), padded(seconds % 60, 2),
        ].joined(separator: ":") + mark + padded(milliseconds % 1000, 3)
    }

    /// `M:SS`, or `H:MM:SS` from an hour on; whole seconds, rounded down.
    static func short(_ seconds: Double) -> String { short(milliseconds(seconds) / 1000) }

    static func short(_ seconds: Int) -> String {
        let minutes = seconds / 60 % 60
        let rest = padded(seconds % 60, 2)
        return seconds < 3600
            ? "\(minutes):\(rest)" : "\(seconds / 3600):\(padded(minutes, 2)):\(rest)"
    }

    /// `short` with tenths, for stretches so short that whole seconds would hide them.
    static func tenths(_ seconds: Double) -> String {
        let tenths = Int(
            (min(max(0, seconds), MemberReader.longest) * 10).rounded(.toNearestOrEven))
        return short(tenths / 10) + (tenths % 10 == 0 ? "" : ".\(tenths % 10)")
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

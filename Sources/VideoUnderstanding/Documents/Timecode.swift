/// `HH:MM:SS.mmm`, as players show a time.
public enum Timecode {
    /// - Parameter seconds: rounded to the nearest millisecond, halves to even; below 0 counts as
    ///   0. Hours grow beyond two digits where they must.
    public static func text(of seconds: Double) -> String {
        let milliseconds = (max(0, seconds) * 1000).rounded(.toNearestOrEven)
        guard milliseconds < 0x1p53 else { return "00:00:00.000" }
        let total = Int(milliseconds)
        let (minutes, rest) = (total / 60_000 % 60, total % 60_000)
        return padded(total / 3_600_000, 2) + ":" + padded(minutes, 2) + ":"
            + padded(rest / 1000, 2) + "." + padded(rest % 1000, 3)
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}

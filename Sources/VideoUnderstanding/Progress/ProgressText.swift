/// The words of progress.
package enum ProgressText {
    /// `decode  [=======>        ]  45 %  123/270 frames  61.2/s  2 s left`, at most `width - 1`
    /// columns, so that no terminal breaks the line.
    static func bar(
        task: String, done: Int, total: Int?, unit: String, rate: Double?, left: Double?,
        failed: Int?, pace: ProgressPace, width: Int
    ) -> String {
        let facts = line(
            task: "", done: done, total: total, unit: unit, rate: rate, left: left, failed: failed,
            pace: pace)
        let name = task + String(repeating: " ", count: max(0, 10 - task.count))
        guard let total, total > 0 else { return clipped(name + " " + facts, to: width - 1) }
        let share = min(1, max(0, Double(done) / Double(total)))
        let cells = min(30, width - 1 - name.count - facts.count - 12)
        var text = name + " "
        if cells >= 6 {
            let filled = Int(share * Double(cells))
            text += "[" + String(repeating: "=", count: filled)
            text += filled < cells ? ">" : ""
            text += String(repeating: " ", count: max(0, cells - filled - 1)) + "] "
        }
        let percent = "\(Int(share * 100)) %"
        text += String(repeating: " ", count: max(0, 5 - percent.count)) + percent + "  " + facts
        return clipped(text, to: width - 1)
    }

    /// `decode: 123 of 270 frames, 61.2/s, 2 s left`, `jobs: 8 of 20 jobs, 1 failed, 340/h, …`
    ///
    /// - Parameter rate: units a second.
    static func line(
        task: String, done: Int, total: Int?, unit: String, rate: Double?, left: Double?,
        failed: Int?, pace: ProgressPace
    ) -> String {
        // What has no unit is not counted.
        if unit.isEmpty { return task }
        var text = task.isEmpty ? "" : task + ": "
        text += total.map { "\(done) of \($0) \(unit)" } ?? "\(done) \(unit)"
        if let failed { text += ", \(failed) failed" }
        if let rate {
            switch pace {
            case .perSecond: text += ", \(oneDecimal(rate))/s"
            case .perHour: text += ", \(oneDecimal(rate * 3600))/h"
            }
        }
        if let left { text += ", \(duration(left)) left" }
        return text
    }

    /// `8 s`, `2 min 05 s`, `1 h 02 min`
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e7 else { return "very long" }
        let whole = Int(seconds.rounded(.up))
        if whole < 60 { return "\(whole) s" }
        let two = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
        if whole < 3600 { return "\(whole / 60) min \(two(whole % 60)) s" }
        return "\(whole / 3600) h \(two(whole / 60 % 60)) min"
    }

    private static func oneDecimal(_ value: Double) -> String {
        guard value.isFinite, value < 1e12 else { return "?" }
        let tenths = Int((value * 10).rounded())
        return tenths >= 1000 ? "\((tenths + 5) / 10)" : "\(tenths / 10).\(tenths % 10)"
    }

    private static func clipped(_ text: String, to width: Int) -> String {
        String(text.prefix(max(0, width)))
    }
}

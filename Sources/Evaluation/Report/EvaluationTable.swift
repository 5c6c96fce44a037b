import VideoUnderstanding

extension EvaluationDocument {
    /// The scores as a table for people.
    public var table: String {
        var lines: [String] = []
        let about = "\(record.results.count) lines about \(record.videos) videos"
        lines.append("\(path): \(about)" + (scores.failed > 0 ? ", \(scores.failed) failed" : ""))
        if let model = record.model { lines.append("model: \(model.name) (\(model.weights))") }
        for key in ["answer", "summary"] {
            let settings = key == "answer" ? record.answerSettings : record.summarySettings
            if let ablation = settings?["ablation"]?.string {
                lines.append("ablation: \(ablation)")
                break
            }
        }
        if let dropped = record.droppedVisualTokens {
            let all = max(1, record.visualTokens + dropped)
            let tenths = (1000 * dropped + all / 2) / all
            lines.append("left out: \(tenths / 10).\(tenths % 10) % of the visual tokens")
        }
        lines.append("")
        lines += groups
        lines.append("")
        let details = scores.details
        if !details.isEmpty { lines += details + [""] }
        lines += confidence
        for failure in record.failures {
            let places = failure.lines.prefix(8).map(String.init).joined(separator: ", ")
            let more = failure.lines.count > 8 ? ", …" : ""
            let word = failure.lines.count == 1 ? "line" : "lines"
            lines.append("failed: \(failure.failure.message) (\(word) \(places)\(more))")
        }
        for warning in record.warnings { lines.append("warning: \(warning.message)") }
        while lines.last == "" { lines.removeLast() }
        return lines.joined(separator: "\n") + "\n"
    }

    private var groups: [String] {
        var rows = [["", "lines", "correct", "accuracy", "95 % interval", "majority"]]
        rows.append(Self.row("all", scores))
        if kinds.count > 1 || categories.isEmpty {
            rows += kinds.map { Self.row("  " + $0.name, $0.scores) }
        }
        if !categories.isEmpty {
            rows.append(["by category"])
            rows += categories.map { Self.row("  " + $0.name, $0.scores) }
        }
        return Self.aligned(rows)
    }

    private static func row(_ name: String, _ scores: Scores) -> [String] {
        let interval = scores.accuracy.interval.map {
            "\(Figure.percent($0.low)) to \(Figure.percent($0.high))"
        }
        let majority = scores.commonest.flatMap { Proportion($0, of: scores.lines).value }
        return [
            Figure.line(name), "\(scores.lines)", "\(scores.correct)",
            Figure.percent(scores.accuracy.value), interval ?? "-", Figure.percent(majority),
        ]
    }

    private var confidence: [String] {
        guard calibration.lines > 0 else { return [] }
        let auroc = calibration.auroc.map { Figure.fixed($0, 3) } ?? "-"
        var lines = [
            "confidence of \(calibration.lines) answers: ECE "
                + "\(Figure.fixed(calibration.ece ?? 0, 3)), Brier "
                + "\(Figure.fixed(calibration.brier ?? 0, 3)), AUROC \(auroc)"
        ]
        var rows = [["  from", "to", "lines", "confidence", "accuracy"]]
        for (index, bin) in calibration.bins.enumerated() where bin.lines > 0 {
            let count = Double(bin.lines)
            rows.append([
                "  " + Figure.fixed(Double(index) / 10, 1), Figure.fixed(Double(index + 1) / 10, 1),
                "\(bin.lines)", Figure.percent(bin.confidence / count),
                Figure.percent(Double(bin.correct) / count),
            ])
        }
        lines += Self.aligned(rows)
        return lines + [""]
    }

    /// The first column to the left, the others to the right.
    private static func aligned(_ rows: [[String]]) -> [String] {
        var widths: [Int] = []
        for row in rows {
            for (column, text) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], text.count)
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, text in
                let space = String(repeating: " ", count: widths[column] - text.count)
                return column == 0 ? text + space : space + text
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }
}

extension Scores {
    /// A line for each kind that has figures of its own.
    fileprivate var details: [String] {
        var lines: [String] = []
        func share(_ part: Int, _ whole: Int) -> String {
            Figure.percent(Proportion(part, of: whole).value)
        }
        if times.lines > 0 {
            let (mean, median) = (times.mean, times.median)
            let errors =
                mean.flatMap { mean in
                    median.map {
                        "mean error \(Figure.fixed(mean, 2)) s, median \(Figure.fixed($0, 2)) s; "
                    }
                } ?? ""
            lines.append(
                "time: \(errors)exact \(share(times.exact, times.lines)), within 0.5 s "
                    + "\(share(times.within(0.5), times.lines)), 1 s "
                    + "\(share(times.within(1), times.lines)), 2 s "
                    + "\(share(times.within(2), times.lines)); no time in \(times.unread)")
        }
        if let mean = intervals.mean {
            let count = intervals.ious.count
            lines.append(
                "interval: mean IoU \(Figure.fixed(mean, 3)); R@0.3 "
                    + "\(share(intervals.reaching(0.3), count)), R@0.5 "
                    + "\(share(intervals.reaching(0.5), count)), R@0.7 "
                    + "\(share(intervals.reaching(0.7), count)); no interval in "
                    + "\(intervals.unread)")
        }
        if unanswerable.lines > 0 {
            lines.append(
                "unanswerable: recall \(share(unanswerable.recognised, unanswerable.lines)), "
                    + "precision \(share(unanswerable.recognised, unanswerable.said))")
        }
        if let mean = Scores.Evidence.mean(evidence.ious),
            let chance = Scores.Evidence.mean(evidence.chance),
            let whole = Scores.Evidence.mean(evidence.whole)
        {
            lines.append(
                "evidence: mean IoU \(Figure.fixed(mean, 3)) in \(evidence.ious.count) answers; by "
                    + "chance \(Figure.fixed(chance, 3)), the whole video "
                    + "\(Figure.fixed(whole, 3))")
        }
        if mentions.lines > 0 {
            lines.append(
                "summaries: \(mentions.found) of \(mentions.expected) mentions found "
                    + "(\(share(mentions.found, mentions.expected))), \(mentions.forbiddenFound) "
                    + "of \(mentions.forbidden) forbidden ones")
        }
        return lines
    }
}

/// Numbers for people.
private enum Figure {
    /// With exactly so many decimals.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = (value * scale).rounded()
        guard scaled.magnitude < 1e15 else { return "\(value)" }
        let whole = Int(scaled.magnitude)
        let divisor = Int(scale)
        let fraction = String(whole % divisor)
        let zeros = String(repeating: "0", count: decimals - fraction.count)
        return (scaled < 0 ? "-" : "") + "\(whole / divisor).\(zeros)\(fraction)"
    }

    static func percent(_ share: Double?) -> String {
        share.map { fixed($0 * 100, 1) + " %" } ?? "-"
    }

    /// A label from a dataset cannot break the line or steer the terminal.
    static func line(_ text: String) -> String {
        String(
            text.unicodeScalars.prefix(60).map {
                $0.properties.generalCategory == .control ? " " : Character($0)
            })
    }
}

extension SummaryDocument {
    /// The summary for a person: the whole, then a segment a line, below its chapter where there
    /// are chapters.
    public var text: String {
        func line(_ range: TimeRange, _ text: String) -> String {
            "\(Timecode.text(of: range.start)) – \(Timecode.text(of: range.end))  \(text)"
        }
        var lines = [summary]
        for (index, chapter) in chapters.enumerated() {
            lines += ["", "\(index + 1). " + line(chapter.range, chapter.summary)]
            // What a chapter of one segment says is what that segment says.
            guard chapter.segments.count > 1 else { continue }
            lines += segments[chapter.segments].map { "   " + line($0.range, $0.summary) }
        }
        if chapters.isEmpty, segments.count > 1 {
            lines.append("")
            lines += segments.map { line($0.range, $0.summary) }
        }
        return lines.joined(separator: "\n")
    }
}

extension AnswerDocument {
    /// The answer for a person: the text, or the object as one line of JSON.
    public var text: String { (answer.string ?? answer.compact) + remarks }

    /// What is put behind the words of an answer.
    public var remarks: String { fileTimes + (verification.map { " (\($0.remark))" } ?? "") }

    /// The times in the words as those of the file, where the words count from elsewhere: `␠[00:08:39.000
    /// - 00:08:43.000]`; else nothing.
    private var fileTimes: String {
        guard provenance.warnings.contains(where: { $0.code == "answer.relative_times" }) else {
            return ""
        }
        let list = times.map { range in
            let start = Timecode.text(of: range.start)
            return range.end > range.start
                ? "\(start) - \(Timecode.text(of: range.end))" : start
        }
        return " [\(list.joined(separator: ", "))]"
    }
}

extension VerificationRecord {
    /// `borne out by its evidence: 97 %`.
    fileprivate var remark: String {
        let percent = "\(Int((100 * probability).rounded())) %"
        return "\(isBorneOut ? "" : "not ")borne out by its evidence: \(percent)"
    }
}

extension SummaryDocument {
    /// The summary for a person: the whole, then a segment a paragraph.
    public var text: String {
        var lines = [summary]
        if segments.count > 1 {
            lines.append("")
            for segment in segments {
                let start = Timecode.text(of: segment.range.start)
                let end = Timecode.text(of: segment.range.end)
                lines.append("\(start) – \(end)  \(segment.summary)")
            }
        }
        return lines.joined(separator: "\n")
    }
}

extension AnswerDocument {
    /// The answer for a person: the text, or the object as one line of JSON.
    public var text: String { answer.string ?? answer.compact }
}

import OrderedJSON
import VideoUnderstanding

/// A table after RFC 4180: a row for each thing that a document says.
struct CSV: Sendable {
    static let header = [
        "document", "id", "video", "kind", "index", "start", "end", "start_timecode",
        "end_timecode", "question", "text", "keyframe", "confidence", "note",
    ]

    private(set) var text = ""

    init(_ documents: [ExportedDocument]) {
        add(Self.header)
        for document in documents { add(document) }
    }

    private struct Row {
        var kind: String
        var index: Int?
        var range: TimeRange?
        var question = ""
        var text = ""
        var keyframe: Double?
        var confidence: Double?
        var note = ""
    }

    private mutating func add(_ document: ExportedDocument) {
        for row in Self.rows(of: document) {
            add([
                String(document.place), Self.guarded(document.id ?? ""),
                Self.guarded(Self.uri(of: document)), row.kind, row.index.map(String.init) ?? "",
                Self.number(row.range?.start), Self.number(row.range?.end),
                row.range.map { Timecode.text(of: $0.start) } ?? "",
                row.range.map { Timecode.text(of: $0.end) } ?? "", Self.guarded(row.question),
                Self.guarded(row.text), Self.number(row.keyframe), Self.number(row.confidence),
                Self.guarded(row.note),
            ])
        }
    }

    private static func uri(of document: ExportedDocument) -> String {
        if case .error(let failed) = document.content { return failed.uri ?? "" }
        return document.video?.uri ?? ""
    }

    private static func rows(of document: ExportedDocument) -> [Row] {
        switch document.content {
        case .summary(let summary):
            let whole = Row(
                kind: "summary", range: span(of: summary.segments.map(\.range)),
                text: summary.text, note: summary.origin.isCutOff ? "length" : "")
            return [whole]
                + summary.segments.enumerated().map { index, segment in
                    Row(
                        kind: "segment", index: index, range: segment.range, text: segment.text,
                        keyframe: segment.keyframe, confidence: segment.confidence,
                        note: segment.boundary)
                }
        case .answer(let answer):
            let whole = Row(
                kind: "answer", question: answer.question, text: answer.text,
                confidence: answer.confidence, note: answer.origin.isCutOff ? "length" : "")
            return [whole]
                + answer.intervals.enumerated().map { index, interval in
                    Row(
                        kind: "interval", index: index, range: interval.range,
                        question: answer.question, text: interval.text)
                }
                + answer.evidence.enumerated().map { index, evidence in
                    Row(
                        kind: "evidence", index: index, range: evidence.range,
                        question: answer.question, keyframe: evidence.keyframe,
                        confidence: evidence.score)
                }
        case .frames(let frames):
            return frames.timestamps.enumerated().map { index, time in
                Row(
                    kind: "frame", index: index, range: TimeRange(start: time, end: time),
                    note: "pair \(index / 2)")
            }
        case .error(let failed):
            return [Row(kind: "error", text: failed.message, note: failed.code)]
        }
    }

    private static func span(of ranges: [TimeRange]) -> TimeRange? {
        guard let first = ranges.first, let last = ranges.last else { return nil }
        return TimeRange(start: first.start, end: last.end)
    }

    private static func number(_ value: Double?) -> String {
        value.map { JSON.decimal($0).compact } ?? ""
    }

    /// A text that no spreadsheet takes for a formula: one that begins like it gets an apostrophe.
    static func guarded(_ text: String) -> String {
        guard let first = text.unicodeScalars.first(where: { $0 != " " && $0 != "\u{A0}" }),
            "=+-@\t\r\n＝＋－＠".unicodeScalars.contains(first)
        else { return text }
        return "'" + text
    }

    private mutating func add(_ cells: [String]) {
        text += cells.map(Self.quoted).joined(separator: ",") + "\r\n"
    }

    private static func quoted(_ cell: String) -> String {
        // NUL ends the text for many readers.
        let cell =
            cell.unicodeScalars.contains("\0") ? cell.replacing("\0", with: "\u{FFFD}") : cell
        // By scalars: CR and LF together are one character.
        guard cell.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else {
            return cell
        }
        return "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }
}

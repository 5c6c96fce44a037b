/// The forms in which results can be written for other programs and for people.
public enum ExportFormat: String, Sendable, CaseIterable {
    case srt, vtt, chapters, markdown, csv, html

    /// The format that the ending of a file's name asks for; nil where it says none.
    public init?(fileName: String) {
        guard let dot = fileName.lastIndex(of: "."), !fileName[dot...].contains("/") else {
            return nil
        }
        switch fileName[fileName.index(after: dot)...].lowercased() {
        case "srt": self = .srt
        case "vtt": self = .vtt
        case "md", "markdown": self = .markdown
        case "csv": self = .csv
        case "html", "htm": self = .html
        default: return nil
        }
    }
}

import OrderedJSON
import VideoUnderstanding

/// A page of Markdown (CommonMark) for each video, in the order of the documents.
struct Markdown: Sendable {
    private(set) var text = ""

    init(_ documents: [ExportedDocument]) {
        for (index, group) in VideoGroup.groups(of: documents).enumerated() {
            if index > 0 { text += "\n" }
            add(group)
        }
    }

    private mutating func add(_ group: VideoGroup) {
        line("# " + Self.escaped(group.title))
        if let video = group.video {
            var facts = [Clock.short(video.duration), "\(video.width)×\(video.height)"]
            facts.append(Self.escaped(video.codec))
            line("", facts.filter { !$0.isEmpty }.joined(separator: " · "))
        }
        for warning in group.warnings {
            line("", "> **Note:** " + Self.escaped(Words.line(warning.message)))
        }
        for document in group.documents {
            switch document.content {
            case .summary(let summary): add(summary)
            case .answer(let answer): add(answer)
            case .frames(let frames):
                line("", "\(frames.timestamps.count) frames in \(frames.pairs.count) pairs.")
            case .error(let failed):
                line(
                    "", "**Failed** (`\(failed.code)`): " + Self.escaped(Words.line(failed.message))
                )
            }
        }
    }

    private mutating func add(_ summary: ExportedDocument.Summary) {
        paragraphs(summary.text)
        if !summary.chapters.isEmpty {
            line("", "## Chapters", "")
            for (index, chapter) in summary.chapters.enumerated() {
                let start = Clock.tenths(chapter.range.start)
                line(
                    "\(index + 1). **\(start) – \(Clock.tenths(chapter.range.end))** "
                        + Self.escaped(Words.line(chapter.text)))
            }
        }
        guard summary.segments.count > 1 else { return }
        line("", "## Segments", "")
        for segment in summary.segments {
            let range = "\(Clock.tenths(segment.range.start)) – \(Clock.tenths(segment.range.end))"
            line("- **\(range)** " + Self.escaped(Words.line(segment.text)))
        }
    }

    private mutating func add(_ answer: ExportedDocument.Answer) {
        line("", "## " + Self.escaped(Words.line(answer.question)))
        if answer.choice == nil, answer.value.string == nil {
            code(answer.value.pretty)
        } else {
            paragraphs(answer.text)
        }
        if !answer.choices.isEmpty {
            line("")
            for choice in answer.choices {
                let percent = JSON.decimal(choice.probability * 100, decimals: 1).compact
                line("- \(Self.escaped(Words.line(choice.label))): \(percent) %")
            }
        }
        guard !answer.evidence.isEmpty else { return }
        line("", "Seen at:", "")
        for evidence in answer.evidence {
            let range =
                "\(Clock.tenths(evidence.range.start)) – \(Clock.tenths(evidence.range.end))"
            line("- \(range) (\(JSON.decimal(evidence.score, decimals: 2).compact))")
        }
    }

    private mutating func line(_ lines: String...) {
        for line in lines { text += line + "\n" }
    }

    private mutating func paragraphs(_ words: String) {
        for paragraph in Words.paragraphs(words) { line("", Self.escaped(paragraph)) }
    }

    /// A block of code, fenced by more backticks than it has in a row.
    private mutating func code(_ code: String) {
        var run = 0
        var longest = 2
        for character in code {
            run = character == "`" ? run + 1 : 0
            longest = max(longest, run)
        }
        let fence = String(repeating: "`", count: longest + 1)
        line("", fence + "json", code, fence)
    }

    /// A text of one line that reads as it is: no markup, no HTML, no link that makes itself.
    static func escaped(_ line: String) -> String {
        var result = ""
        var digits = true
        for (place, character) in line.enumerated() {
            let isStart = place == 0
            switch character {
            case "\\", "`", "*", "_", "[", "]", "<", ">", "|", "~", "&", "$", "@":
                result += "\\"
            case "#", "+", "-", "=": if isStart { result += "\\" }
            // A number at the start would begin a list; so would one before a bracket.
            case ".", ")": if digits, !isStart { result += "\\" }
            case ":" where result.hasSuffix("http") || result.hasSuffix("https"): result += "\\"
            default: break
            }
            if character == ".", result.lowercased().hasSuffix("www") { result += "\\" }
            digits = digits && character.isASCII && character.isNumber
            result.append(character)
        }
        return result
    }
}

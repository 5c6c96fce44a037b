import OrderedJSON
import Video
import VideoUnderstanding

/// One page about one video that needs nothing but itself, and the video if it is to be played.
///
/// Its policy allows no script and no style but its own (by hash), no connection, and no picture
/// that is not inside. The video is a file beside the page, or one that the reader chooses.
struct HTMLPage {
    let group: VideoGroup
    let media: PageMedia

    /// - Throws: `VideoError` where a digest cannot be made.
    func html() throws(VideoError) -> String {
        let title = HTMLText.line(group.title)
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(try policy())">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
            <meta name="generator" content="\(HTMLText.line(ToolRecord.current.name))">
            <title>\(title)</title>
            <style>\(PageStyle.text)</style>
            </head>
            <body data-duration="\(HTMLText.number(duration))">
            <main class="page">
            \(head)\(body)\(details)</main>
            <script>\(PageScript.text)</script>
            </body>
            </html>

            """
    }

    private var duration: Double { group.video?.duration ?? 0 }

    private func policy() throws(VideoError) -> String {
        func source(_ text: String) throws(VideoError) -> String {
            "'sha256-\(Base64.text(Self.bytes(ofHexadecimal: try sha256(of: text.utf8))))'"
        }
        return [
            "default-src 'none'", "img-src data:", "media-src 'self' file: blob:",
            "style-src \(try source(PageStyle.text))", "script-src \(try source(PageScript.text))",
            "base-uri 'none'", "form-action 'none'",
        ].joined(separator: "; ")
    }

    private static func bytes(ofHexadecimal text: String) -> [UInt8] {
        let digits = text.utf8.map { UInt8($0 > 57 ? $0 - 87 : $0 - 48) }
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            digits[$0] << 4 | digits[$0 + 1]
        }
    }

    // MARK: - Parts

    private var head: String {
        var facts: [String] = []
        if let video = group.video {
            if video.duration > 0 { facts.append(Clock.tenths(video.duration)) }
            facts.append("\(video.width)×\(video.height)")
            if let rate = video.frameRate {
                facts.append("\(HTMLText.number(rate, decimals: 2)) frames/s")
            }
            facts.append(Words.line(video.codec))
        }
        if let model = group.documents.first?.origin?.model {
            facts.append("seen by " + Words.line(model))
        }
        let spans = facts.map { "<span>\(HTMLText.escaped($0))</span>" }.joined()
        let notes = group.warnings.map {
            "<p class=\"note\" role=\"note\" dir=\"auto\">\(HTMLText.line($0.message))</p>\n"
        }
        return """
            <header>
            <h1 dir="auto">\(HTMLText.line(group.title))</h1>
            <p class="facts">\(spans)</p>
            \(notes.joined())\(group.summaries.map { HTMLText.paragraphs($0.text, className: "lead") }.joined())</header>

            """
    }

    private var body: String {
        let lists = chapterList + segmentList + answerList
        guard duration > 0 else { return lists }
        return """
            <div class="watch">
            <div class="side">
            \(player)\(timeline)</div>
            <div>
            \(lists)</div>
            </div>

            """
    }

    private var player: String {
        let source = media.source.map { " src=\"\(HTMLText.escaped($0))\"" } ?? ""
        let first = group.summaries.first?.segments.first?.keyframe
        let poster =
            first.flatMap { media.pictures[$0] }
            .map { " poster=\"data:image/jpeg;base64,\(Base64.text($0))\"" } ?? ""
        let name = HTMLText.line(group.title)
        return """
            <div class="player">
            <video controls preload="metadata" playsinline\(source)\(poster) \
            aria-label="Video"></video>
            <div class="choose" hidden>
            <p>To play the video here, choose <b dir="auto">\(name)</b> on this computer. \
            It stays on it.</p>
            <label class="file"><input type="file" accept="video/*,.mkv,.ts,.avi,.mov">\
            <span>Choose the video</span></label>
            </div>
            </div>

            """
    }

    private var timeline: String {
        PageTimeline(
            duration: duration, segments: group.summaries.first?.segments ?? [],
            unseen: group.video?.unseen ?? [],
            lanes: group.answers.enumerated().compactMap { index, answer in
                let marks = Self.marks(of: answer)
                return marks.isEmpty
                    ? nil
                    : PageTimeline.Lane(
                        label: "Q\(index + 1)", title: answer.question, marks: marks)
            }
        ).html
    }

    private static func marks(of answer: ExportedDocument.Answer) -> [PageTimeline.Mark] {
        let best = answer.evidence.map(\.score).max() ?? 0
        return answer.intervals.map {
            PageTimeline.Mark(range: $0.range, weight: 1, title: times($0.range) + "  " + $0.text)
        }
            + answer.evidence.map {
                PageTimeline.Mark(
                    range: $0.range, weight: best > 0 ? $0.score / best : 0,
                    title: times($0.range) + "  evidence")
            }
    }

    private static func times(_ range: TimeRange) -> String {
        let start = Clock.tenths(range.start)
        return range.end > range.start ? "\(start) – \(Clock.tenths(range.end))" : start
    }

    private static func button(_ time: Double) -> String {
        "<button type=\"button\" class=\"time\" data-seek=\"\(HTMLText.number(time))\">"
            + "<span class=\"sr\">Play from </span>\(Clock.tenths(time))</button>"
    }

    private var chapterList: String {
        guard let chapters = group.summaries.first?.chapters, !chapters.isEmpty else { return "" }
        var html = "<h2>Chapters</h2>\n<ol class=\"list\">\n"
        for chapter in chapters {
            html +=
                "<li class=\"card plain\" data-from=\"\(HTMLText.number(chapter.range.start))\" "
            html +=
                "data-to=\"\(HTMLText.number(chapter.range.end))\">\n<div><div class=\"when\"><span>"
            html += "\(Self.button(chapter.range.start)) – \(Clock.tenths(chapter.range.end))"
            html += "</span></div>\n" + HTMLText.paragraphs(chapter.text) + "</div>\n</li>\n"
        }
        return html + "</ol>\n"
    }

    private var segmentList: String {
        guard let segments = group.summaries.first?.segments else { return "" }
        var html = "<h2>Segments</h2>\n<ol class=\"list\">\n"
        for segment in segments {
            let picture = media.pictures[segment.keyframe]
            let from = HTMLText.number(segment.range.start)
            html += "<li class=\"card\(picture == nil ? " plain" : "")\" data-from=\"\(from)\" "
            html += "data-to=\"\(HTMLText.number(segment.range.end))\">\n"
            if let picture {
                let time = Clock.tenths(segment.keyframe)
                html += "<button type=\"button\" class=\"shot\" "
                html += "data-seek=\"\(HTMLText.number(segment.keyframe))\" "
                html += "aria-label=\"Play from the key frame at \(time)\">"
                html += "<img alt=\"Key frame at \(time)\" loading=\"lazy\" "
                html += "src=\"data:image/jpeg;base64,\(Base64.text(picture))\"></button>\n"
            }
            html += "<div><div class=\"when\"><span>\(Self.button(segment.range.start)) – "
            html += "\(Clock.tenths(segment.range.end))</span>"
            html += "<span class=\"tag\" title=\"how sure the model was of its own words\">"
            html += "confidence \(HTMLText.number(segment.confidence, decimals: 2))</span></div>\n"
            html += HTMLText.paragraphs(segment.text) + "</div>\n</li>\n"
        }
        return html + "</ol>\n"
    }

    private var answerList: String {
        guard !group.answers.isEmpty else { return "" }
        var html = "<h2>Questions</h2>\n<ol class=\"list\">\n"
        for (index, answer) in group.answers.enumerated() {
            html += "<li class=\"card plain\"><div>\n"
            html += "<h3 dir=\"auto\"><span class=\"tag\">Q\(index + 1)</span> "
            html += "\(HTMLText.line(answer.question))</h3>\n"
            html += Self.answer(answer)
            html += "<p class=\"small\" title=\"how sure the model was of its own words\">"
            html += "confidence \(HTMLText.number(answer.confidence, decimals: 2))</p>\n"
            html += "</div></li>\n"
        }
        return html + "</ol>\n"
    }

    private static func answer(_ answer: ExportedDocument.Answer) -> String {
        var html = ""
        let intervals = answer.intervals
        if answer.choice != nil || answer.value.string != nil {
            html += HTMLText.paragraphs(answer.text)
        } else if intervals.isEmpty {
            html += "<pre dir=\"auto\">\(HTMLText.escaped(answer.value.pretty))</pre>\n"
        }
        html += chips(
            intervals.map { interval in
                (interval.range, interval.text == answer.question ? "" : interval.text)
            })
        html += chips(
            answer.evidence.map { ($0.range, "evidence \(HTMLText.number($0.score, decimals: 2))") }
        )
        guard !answer.choices.isEmpty else { return html }
        html += "<table class=\"choices\"><caption class=\"sr\">Probabilities</caption>\n"
        for choice in answer.choices {
            let isChosen = choice.label.utf8.elementsEqual((answer.choice ?? "").utf8)
            let percent = HTMLText.percent(choice.probability, of: 1)
            html += "<tr\(isChosen ? " class=\"won\"" : "")><th scope=\"row\" dir=\"auto\">"
            html += "\(HTMLText.line(choice.label))</th><td><svg aria-hidden=\"true\">"
            html += "<rect class=\"track\" width=\"100%\" height=\"10\" rx=\"5\"/>"
            html += "<rect class=\"mark\" width=\"\(percent)\" height=\"10\" rx=\"5\"/></svg></td>"
            html += "<td>\(HTMLText.number(choice.probability * 100, decimals: 1)) %</td></tr>\n"
        }
        return html + "</table>\n"
    }

    private static func chips(_ chips: [(range: TimeRange, text: String)]) -> String {
        guard !chips.isEmpty else { return "" }
        let items = chips.map { chip in
            let text = chip.text.isEmpty ? "" : " " + HTMLText.line(chip.text)
            return "<li><button type=\"button\" class=\"chip\" dir=\"auto\" "
                + "data-seek=\"\(HTMLText.number(chip.range.start))\"><b>\(times(chip.range))</b>"
                + "\(text)</button></li>\n"
        }
        return "<ul class=\"chips\">\n\(items.joined())</ul>\n"
    }

    private var details: String {
        var rows: [(String, String)] = []
        if let video = group.video {
            rows.append(("Video", video.uri))
            if let digest = video.sha256 { rows.append(("SHA-256", digest)) }
            if !video.unseen.isEmpty {
                rows.append(
                    ("Could not be decoded", video.unseen.map(Self.times).joined(separator: ", ")))
            }
        }
        if let origin = group.documents.first?.origin {
            let model = [origin.model, origin.fingerprint].compactMap(\.self)
            if !model.isEmpty { rows.append(("Model", model.joined(separator: ", "))) }
            rows.append(("Made with", origin.tool))
        }
        let items = rows.map { "<dt>\($0.0)</dt><dd dir=\"auto\">\(HTMLText.line($0.1))</dd>\n" }
        let isCutOff = group.documents.contains { $0.origin?.isCutOff ?? false }
        return """
            <details>
            <summary>About this page</summary>
            <dl>
            \(items.joined())</dl>
            <p class="small">The words are those of a model, which may be wrong; times are \
            presentation times of the file. Confidence is the geometric mean of the probabilities \
            that the model gave its own tokens; only some checkpoints bring what makes it a \
            probability of being right.\
            \(isCutOff ? " Some texts were cut off at the bound on their length." : "")</p>
            </details>

            """
    }
}

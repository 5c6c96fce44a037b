import OrderedJSON
import VideoUnderstanding

/// A text and the stretch of the video that it speaks of.
struct TimedText: Sendable, Equatable {
    var range: TimeRange
    var text: String
}

extension ExportedDocument {
    /// What the document says about stretches of the video, in order of time; empty where it
    /// names no times.
    var timedTexts: [TimedText] {
        switch content {
        case .summary(let summary):
            summary.segments.map { TimedText(range: $0.range, text: $0.text) }
        case .answer(let answer): answer.timedTexts
        case .frames, .error: []
        }
    }
}

extension ExportedDocument {
    /// What becomes chapters: those of a summary that has some, or else its segments.
    var chapterTexts: [TimedText] {
        guard case .summary(let summary) = content, !summary.chapters.isEmpty else {
            return timedTexts
        }
        return summary.chapters.map { TimedText(range: $0.range, text: $0.text) }
    }
}

extension ExportedDocument.Answer {
    /// The intervals that the answer consists of, as of `--shape intervals` and `events`; or else
    /// its evidence.
    var timedTexts: [TimedText] {
        let stated = intervals
        let texts =
            stated.isEmpty
            ? evidence.map { TimedText(range: $0.range, text: text) } : stated
        return texts.enumerated().sorted {
            ($0.element.range.start, $0.element.range.end, $0.offset)
                < ($1.element.range.start, $1.element.range.end, $1.offset)
        }.map(\.element)
    }

    /// The elements of a list, or of the only list in an object, that have a start and an end
    /// inside the video.
    var intervals: [TimedText] {
        var list = value.array
        if let members = value.object?.members.compactMap(\.value.array), members.count == 1 {
            list = members[0]
        }
        return (list ?? []).compactMap { element in
            guard let start = element["start"]?.double, let end = element["end"]?.double,
                start >= 0, end >= start, end <= video.duration + 1e-6
            else { return nil }
            let words = ["title", "description", "summary", "text", "label"]
                .lazy.compactMap { element[$0]?.string }.first { !$0.isEmpty }
            return TimedText(range: TimeRange(start: start, end: end), text: words ?? question)
        }
    }
}

import VideoUnderstanding

/// A list of chapters as YouTube reads it in the description of a video.
///
/// - Source: YouTube's help on video chapters: the first time is 0:00, there are at least three in
///   rising order, and each is at least 10 seconds long. Angle brackets may not be used.
struct Chapters: Sendable, Equatable {
    struct Chapter: Sendable, Equatable {
        /// Whole seconds.
        var start: Int
        var title: String
    }

    var chapters: [Chapter]

    static let fewest = 3
    /// Seconds.
    static let shortest = 10
    /// Characters of a title; YouTube takes 100, and shows fewer.
    static let longestTitle = 60
    /// For a part of the video that was not looked at.
    static let undescribed = "(not described)"

    /// One or more neighbouring texts that become a chapter.
    private struct Part {
        var start: Int
        var end: Int
        /// The longest text of those that were joined, and its length.
        var title: String
        var weight: Double

        var length: Int { end - start }
    }

    /// - Parameters:
    ///   - texts: in order of their start.
    ///   - duration: of the video, in seconds.
    /// - Throws: `ExportError.tooFewChapters`.
    init(_ texts: [TimedText], duration: Double) throws(ExportError) {
        // Rounded down: whoever jumps to a chapter misses none of it.
        let end = Int(duration)
        var parts: [Part] = []
        for text in texts {
            let start = min(Int(text.range.start), end)
            let stop = min(max(Int(text.range.end), start), end)
            let previous = parts.last?.end ?? 0
            // Holes too short for a chapter of their own are closed.
            if start - previous >= Self.shortest {
                parts.append(
                    Part(start: previous, end: start, title: Self.undescribed, weight: 0))
            } else if !parts.isEmpty, start > previous {
                parts[parts.count - 1].end = start
            }
            let from = parts.last?.end ?? 0
            parts.append(
                Part(
                    start: from, end: max(from, stop), title: Self.title(text.text),
                    weight: text.range.end - text.range.start))
        }
        if let last = parts.indices.last {
            if end - parts[last].end >= Self.shortest {
                parts.append(
                    Part(start: parts[last].end, end: end, title: Self.undescribed, weight: 0))
            } else {
                parts[last].end = end
            }
        }
        Self.join(&parts)
        guard parts.count >= Self.fewest, parts.allSatisfy({ $0.length >= Self.shortest }) else {
            let found = parts.count { $0.length >= Self.shortest }
            throw .tooFewChapters(found: found, segments: texts.count, duration: duration)
        }
        chapters = parts.enumerated().map { index, part in
            Chapter(
                start: part.start, title: part.title.isEmpty ? "Part \(index + 1)" : part.title)
        }
    }

    /// Joins the shortest part that is too short to its shorter neighbour, until none is.
    private static func join(_ parts: inout [Part]) {
        // One pass in order suffices for all but the last part, and takes linear time.
        var joined: [Part] = []
        for part in parts {
            guard let last = joined.last, last.length < shortest else {
                joined.append(part)
                continue
            }
            joined[joined.count - 1] = merged(last, part)
        }
        if joined.count > 1, let last = joined.last, last.length < shortest {
            joined.removeLast()
            joined[joined.count - 1] = merged(joined[joined.count - 1], last)
        }
        parts = joined
    }

    private static func merged(_ first: Part, _ second: Part) -> Part {
        let main = second.weight > first.weight ? second : first
        return Part(
            start: first.start, end: second.end, title: main.title, weight: main.weight)
    }

    /// The first sentence on one line, without what YouTube refuses.
    private static func title(_ text: String) -> String {
        let line = Words.line(text).replacing("<", with: "‹").replacing(">", with: "›")
        return Words.shortened(Words.firstSentence(line), to: longestTitle)
    }

    var text: String {
        chapters.map { "\(Clock.short($0.start)) \($0.title)\n" }.joined()
    }
}

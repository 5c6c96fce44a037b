import VideoUnderstanding

/// A text that is on the screen for a while.
struct Cue: Sendable, Equatable {
    /// Milliseconds, end not included; never empty.
    var time: Range<Int>
    /// Neither empty nor with empty lines.
    var lines: [String]
}

/// How texts are spread over cues.
public enum CueLayout: String, Sendable, CaseIterable {
    /// A long text is shown a few lines at a time, one after the other.
    case split
    /// A cue for each segment.
    case whole
}

/// Cues in order that do not overlap.
struct CueList: Sendable, Equatable {
    var cues: [Cue] = []
    /// Texts that are shown nowhere, as no time is left for them or they say nothing.
    var dropped = 0

    /// Characters of a line and lines of a cue that are read with ease.
    static let width = 42
    static let linesAtOnce = 2
    /// Milliseconds below which a cue only flickers.
    static let leastTime = 1500

    /// - Parameters:
    ///   - texts: in order of their start; they may overlap, and a moment has no length.
    ///   - duration: of the video, in seconds.
    init(_ texts: [TimedText], duration: Double, layout: CueLayout) {
        let last = Clock.milliseconds(duration)
        var free = 0
        for (index, text) in texts.enumerated() {
            let start = max(Clock.milliseconds(text.range.start), free)
            var end = Clock.milliseconds(text.range.end)
            // A moment is shown for a second, where nothing else is.
            if text.range.end - text.range.start < 0.001 {
                let next = index + 1 < texts.count ? texts[index + 1].range.start : duration
                end = min(start + 1000, max(Clock.milliseconds(next), end), max(last, end))
            }
            let lines = Words.wrapped(Words.line(text.text), width: Self.width)
            guard end > start, !lines.isEmpty else {
                dropped += 1
                continue
            }
            free = end
            cues +=
                layout == .whole
                ? [Cue(time: start..<end, lines: lines)]
                : Self.split(lines, over: start..<end)
        }
    }

    /// Shows lines a few at a time: each for the least time, and for its share of the rest by its
    /// characters.
    private static func split(_ lines: [String], over time: Range<Int>) -> [Cue] {
        let most = max(1, time.count / leastTime)
        let count = min(most, (lines.count + linesAtOnce - 1) / linesAtOnce)
        guard count > 1 else { return [Cue(time: time, lines: lines)] }
        let total = lines.reduce(0) { $0 + $1.count }
        let spare = time.count - count * leastTime
        // Full cues first, so that what is left over comes last.
        func end(of place: Int) -> Int { ((place + 1) * lines.count + count - 1) / count }
        var cues: [Cue] = []
        var shown = 0
        var from = time.lowerBound
        for place in 0..<count {
            let part = lines[end(of: place - 1)..<end(of: place)]
            shown += part.reduce(0) { $0 + $1.count }
            let to = time.lowerBound + (place + 1) * leastTime + spare * shown / total
            cues.append(Cue(time: from..<to, lines: Array(part)))
            from = to
        }
        return cues
    }
}

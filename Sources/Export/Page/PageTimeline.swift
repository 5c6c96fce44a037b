import VideoUnderstanding

/// The band of segments, the lanes of answers and the axis of times, as one drawing.
struct PageTimeline {
    let duration: Double
    let segments: [ExportedDocument.Segment]
    let unseen: [TimeRange]
    /// One for each answer that names times.
    let lanes: [Lane]

    struct Lane {
        var label: String
        var title: String
        var marks: [Mark]
    }

    struct Mark {
        var range: TimeRange
        /// 0 to 1.
        var weight: Double
        var title: String
    }

    private static let bandHeight = 28
    /// Also the height of a label's line in the style.
    private static let laneHeight = 20
    private static let laneStart = 36

    var html: String {
        guard duration > 0 else { return "" }
        let bottom = Self.laneStart + lanes.count * Self.laneHeight
        let height = bottom + 20
        var labels = ""
        if !lanes.isEmpty {
            labels =
                "<span>&#8203;</span>"
                + lanes.map { "<span title=\"\(HTMLText.line($0.title))\">\($0.label)</span>" }
                .joined()
        }
        return """
            <div class="timeline">
            <div class="labels">\(labels)</div>
            <svg height="\(height)" aria-hidden="true">
            <defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" \
            patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>
            <rect class="track" x="0" y="0" width="100%" height="\(Self.bandHeight)"/>
            \(bands)\(marks)\(axis(at: bottom))\
            <line class="needle" x1="0" x2="0" y1="-3" y2="\(bottom + 2)"/>
            </svg>
            </div>

            """
    }

    private func span(_ range: TimeRange, y: Int, height: Int) -> String {
        let x = HTMLText.percent(range.start, of: duration)
        let width = HTMLText.percent(range.end - range.start, of: duration)
        return "x=\"\(x)\" width=\"\(width)\" y=\"\(y)\" height=\"\(height)\""
    }

    private var bands: String {
        var html = ""
        for (index, segment) in segments.enumerated() {
            let place = span(segment.range, y: 0, height: Self.bandHeight)
            let times = "\(Clock.tenths(segment.range.start)) – \(Clock.tenths(segment.range.end))"
            let words = Words.shortened(Words.line(segment.text), to: 160)
            html += "<rect class=\"band\(index % 2 == 0 ? "" : " b")\" rx=\"3\" \(place) "
            html += "data-from=\"\(HTMLText.number(segment.range.start))\" "
            html += "data-to=\"\(HTMLText.number(segment.range.end))\">"
            html += "<title>\(times)  \(HTMLText.escaped(words))</title></rect>\n"
        }
        for range in unseen {
            let place = span(range, y: 0, height: Self.bandHeight)
            html += "<rect class=\"unseen\" \(place)><title>could not be decoded</title></rect>\n"
        }
        return html
    }

    private var marks: String {
        var html = ""
        for (index, lane) in lanes.enumerated() {
            let y = Self.laneStart + index * Self.laneHeight
            html += "<rect class=\"lane\" x=\"0\" width=\"100%\" y=\"\(y + 8)\" height=\"4\"/>\n"
            for mark in lane.marks {
                let opacity = HTMLText.number(
                    0.35 + 0.65 * min(max(mark.weight, 0), 1), decimals: 2)
                let title = "<title>\(HTMLText.line(mark.title))</title>"
                if mark.range.end > mark.range.start {
                    html +=
                        "<rect class=\"mark\" rx=\"3\" \(span(mark.range, y: y + 3, height: 14))"
                    html += " opacity=\"\(opacity)\">\(title)</rect>\n"
                } else {
                    let x = HTMLText.percent(mark.range.start, of: duration)
                    html += "<circle class=\"mark\" cx=\"\(x)\" cy=\"\(y + 10)\" r=\"6\""
                    html += " opacity=\"\(opacity)\">\(title)</circle>\n"
                }
            }
        }
        return html
    }

    private func axis(at y: Int) -> String {
        var html = "<line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"\(y)\" y2=\"\(y)\"/>\n"
        for time in Self.ticks(duration) {
            let x = HTMLText.percent(time, of: duration)
            // The first and the last text stay inside the drawing.
            let anchor =
                time == 0 ? "start" : time > duration * 0.97 ? "end" : "middle"
            html += "<line class=\"axis\" x1=\"\(x)\" x2=\"\(x)\" y1=\"\(y)\" y2=\"\(y + 4)\"/>"
            html += "<text class=\"tick\" x=\"\(x)\" y=\"\(y + 17)\" text-anchor=\"\(anchor)\">"
            html += "\(Clock.tenths(time))</text>\n"
        }
        return html
    }

    /// Round times, at most ten of them.
    static func ticks(_ duration: Double) -> [Double] {
        let steps = [
            0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400,
            21600, 43200, 86400,
        ]
        let step = steps.first { duration / $0 < 10 } ?? (duration / 9).rounded(.up)
        return (0...Int(duration / step + 1e-9)).map { Double($0) * step }
    }
}

import OrderedJSON
import Video

/// What the model tells of a window event by event, and the parts of the window that come of it.
package enum SegmentEvents {
    /// Events of a window, at most.
    private static let most = 32

    /// What the model is held to: a list of at least one event, each of which begins at the time of a
    /// sampled frame and later than the one before.
    static let schema: JSON = [
        "type": "array", "x-ordered": true, "minItems": 1, "maxItems": .int(most),
        "items": [
            "type": "object",
            "properties": [
                "start": ["type": "number", "format": "video-time"],
                "description": ["type": "string", "minLength": 1, "maxLength": 300],
            ],
            "required": ["start", "description"], "additionalProperties": false,
        ],
    ]

    /// A part of a window.
    package struct Part: Sendable, Equatable {
        /// Of the first frame, among the window's.
        package var first: Int
        package var text: String

        package init(first: Int, text: String) {
            self.first = first
            self.text = text
        }
    }

    /// The parts of a window, in order. The first begins with the window, whenever the model says that
    /// its event does: segments leave no hole.
    ///
    /// - Parameters:
    ///   - text: what the model wrote.
    ///   - moments: the frames of the window.
    /// - Returns: the text as the one part where it is no such list.
    package static func parts(of text: String, moments: [SampledMoment]) -> [Part] {
        guard let list = try? JSON.parse(text), let events = list.array, !events.isEmpty else {
            return [Part(first: 0, text: text)]
        }
        var parts: [Part] = []
        for event in events {
            guard let start = event["start"]?.double, let words = event["description"]?.string
            else { return [Part(first: 0, text: text)] }
            // As documents write it, so that what was drawn from these frames is found among them.
            let first =
                moments.firstIndex { JSON.decimal($0.time).double ?? 0 >= start }
                ?? moments.count - 1
            if let last = parts.last, last.first >= first {
                parts[parts.count - 1].text += " " + words
            } else {
                parts.append(Part(first: parts.isEmpty ? 0 : first, text: words))
            }
        }
        return parts
    }
}

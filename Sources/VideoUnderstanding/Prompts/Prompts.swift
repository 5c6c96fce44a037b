/// Every sentence that the program says to the model, in one place.
///
/// The sample model was trained with these very sentences: `Samples/world/prompts.json` repeats
/// them, and a test holds the two together.
public enum Prompts {
    /// Grows when a sentence changes that an index holds the answer to.
    static let version = 1

    /// The system message, where the user gives none.
    ///
    /// Source: spec 6.1.
    public static let system = "You are a helpful assistant."

    /// Asked of each window of a video.
    public static let segment = """
        Describe what happens in this part of the video in one or two sentences.
        """

    /// Asked of each window of a video that is to be told of event by event.
    public static let events = """
        List what happens in this part of the video, one event after the other: when each begins, \
        and one sentence on it.
        """

    /// Asked of each window.
    ///
    /// - Parameter words: the user's own, in place of the built-in ones.
    static func segment(_ segments: SegmentsChoice, inWords words: String?) -> String {
        switch segments {
        case .windows: words ?? segment
        case .events: asking(words ?? events, shape: .schema(SegmentEvents.schema))
        }
    }

    /// Asked of the notes on consecutive windows.
    ///
    /// - Parameter notes: a line a window, numbered as a part of the video, in order.
    public static func whole(of notes: [Note]) -> String {
        let lines = notes.enumerated().map { index, note in
            "[\(note.start) - \(note.end)] Part \(index + 1): \(note.text)"
        }
        return """
            These are notes on consecutive parts of one video:

            \(lines.joined(separator: "\n"))

            Summarise the whole video in a short paragraph.
            """
    }

    /// What the model wrote about one stretch of a video.
    public struct Note: Sendable, Equatable {
        /// Timecodes of the stretch.
        public var start: String
        public var end: String
        public var text: String

        public init(start: String, end: String, text: String) {
            self.start = start
            self.end = end
            self.text = text
        }
    }
}

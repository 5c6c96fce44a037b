/// What an index is made of, and by what.
public struct IndexHeader: Sendable, Equatable {
    /// SHA-256 of the video's bytes, as documents state it.
    public var content: String
    /// The video as the user wrote it.
    public var uri: String
    /// JSON of everything that decides on frames, pixels and windows.
    public var settings: String
    /// Which weights, and how they are stored in memory: equal texts give equal numbers.
    public var model: String
    /// The model as documents name it.
    public var modelName: String
    /// Version of the sentences that the model was given.
    public var prompts: Int
    /// Which prefixes were asked for.
    public var prefixes: String
    /// Where the file was when it was read, and what it looked like: path, size and time. No part of
    /// the content.
    public var stamp: String

    public init(
        content: String, uri: String, settings: String, model: String, modelName: String,
        prompts: Int, prefixes: String, stamp: String
    ) {
        self.content = content
        self.uri = uri
        self.settings = settings
        self.model = model
        self.modelName = modelName
        self.prompts = prompts
        self.prefixes = prefixes
        self.stamp = stamp
    }
}

/// The ways in which a video is read: they sample, cut and pair its frames differently.
public enum ReadingName: String, Sendable, CaseIterable {
    /// The video as one model input.
    case whole
    /// The video as consecutive windows.
    case windows
}

/// One way in which a video was read.
package struct StoredReading: Sendable, Equatable {
    package var name: ReadingName
    /// JSON of what the video turned out to be.
    package var facts: String
    /// In order.
    package var windows: [StoredWindow]

    package init(name: ReadingName, facts: String, windows: [StoredWindow]) {
        self.name = name
        self.facts = facts
        self.windows = windows
    }
}

/// One model input.
package struct StoredWindow: Sendable, Equatable {
    /// Why a window ends.
    package enum Ending: String, Sendable {
        case cut, window, end
    }

    package struct Frame: Sendable, Equatable {
        /// Number in display order.
        package var shown: Int
        /// Seconds.
        package var time: Double
        /// The instant that it stands for, in seconds.
        package var instant: Double

        package init(shown: Int, time: Double, instant: Double) {
            self.shown = shown
            self.time = time
            self.instant = instant
        }
    }

    package struct Pair: Sendable, Equatable {
        /// Seconds.
        package var start: Double
        package var end: Double
        /// Of its patch rows: pixels after resizing.
        package var hash: ContentHash

        package init(start: Double, end: Double, hash: ContentHash) {
            self.start = start
            self.end = end
            self.hash = hash
        }
    }

    /// Seconds.
    package var start: Double
    package var end: Double
    package var ending: Ending
    /// Patch rows and columns of a pair.
    package var height: Int
    package var width: Int
    package var frames: [Frame]
    package var pairs: [Pair]
    /// Key of the prefix that was stored for it.
    package var prefix: ContentHash?
    /// Key of its summary.
    package var summary: ContentHash?

    package init(
        start: Double, end: Double, ending: Ending, height: Int, width: Int, frames: [Frame],
        pairs: [Pair], prefix: ContentHash?, summary: ContentHash?
    ) {
        self.start = start
        self.end = end
        self.ending = ending
        self.height = height
        self.width = width
        self.frames = frames
        self.pairs = pairs
        self.prefix = prefix
        self.summary = summary
    }
}

/// What the model wrote of one window.
package struct StoredSummary: Sendable, Equatable {
    package var text: String
    /// Tokens that were generated, the ending one included.
    package var tokens: Int
    package var isWhole: Bool
    package var confidence: Double
    package var promptTokens: Int

    package init(
        text: String, tokens: Int, isWhole: Bool, confidence: Double, promptTokens: Int
    ) {
        self.text = text
        self.tokens = tokens
        self.isWhole = isWhole
        self.confidence = confidence
        self.promptTokens = promptTokens
    }
}

/// How much an index holds.
public struct IndexCounts: Sendable, Equatable {
    /// Different pairs of frames.
    public var pairs = 0
    public var windows = 0
    public var prefixes = 0
    public var summaries = 0
    /// Bytes of visual tokens and of prefixes.
    public var tokenBytes = 0
    public var prefixBytes = 0

    public init() {}
}

import Imaging
import OrderedJSON

/// A half-open part of the presentation, in seconds.
public struct TimeRange: Sendable, Hashable {
    public var start: Double
    public var end: Double

    public init(start: Double, end: Double) {
        self.start = start
        self.end = end
    }

    package var json: JSON { [.decimal(start), .decimal(end)] }
}

/// What parts of the asked range were seen, and what parts could not be decoded.
public struct CoverageRecord: Sendable, Equatable {
    public var seen: [TimeRange]
    public var unseen: [TimeRange]

    public init(seen: [TimeRange], unseen: [TimeRange] = []) {
        self.seen = seen
        self.unseen = unseen
    }

    var json: JSON {
        ["seen": .array(seen.map(\.json)), "unseen": .array(unseen.map(\.json))]
    }
}

/// The input, after it was read to the end.
public struct VideoRecord: Sendable, Equatable {
    /// As the user wrote it.
    public var uri: String
    /// Hexadecimal, of the file's bytes; nil for inputs that are no single file.
    public var sha256: String?
    public var container: String
    public var codec: String
    /// Seconds.
    public var duration: Double
    /// Seconds that were subtracted from every time stamp.
    public var startTime: Double
    /// Of the upright picture.
    public var size: PixelSize
    /// Degrees of the display matrix, counter-clockwise positive.
    public var rotation: Int
    /// Frames a second; nil where the file states none.
    public var frameRate: Double?
    /// Pictures that were decoded: all but those that nothing that was sampled depends on, which
    /// may be passed over.
    public var framesDecoded: Int
    public var coverage: CoverageRecord

    public init(
        uri: String, sha256: String?, container: String, codec: String, duration: Double,
        startTime: Double, size: PixelSize, rotation: Int, frameRate: Double?, framesDecoded: Int,
        coverage: CoverageRecord
    ) {
        self.uri = uri
        self.sha256 = sha256
        self.container = container
        self.codec = codec
        self.duration = duration
        self.startTime = startTime
        self.size = size
        self.rotation = rotation
        self.frameRate = frameRate
        self.framesDecoded = framesDecoded
        self.coverage = coverage
    }

    var json: JSON {
        var members = ObjectBuilder()
        members.add("uri", uri)
        members.add("sha256", orNull: sha256.map(JSON.string))
        members.add("container", container)
        members.add("codec", codec)
        members.add("duration", .decimal(duration))
        members.add("start_time", .decimal(startTime))
        members.add("width", size.width)
        members.add("height", size.height)
        members.add("rotation", rotation)
        members.add("frame_rate", orNull: frameRate.map { .decimal($0) })
        members.add("frames_decoded", framesDecoded)
        members.add("coverage", coverage.json)
        return members.json
    }
}

/// Which frames the model saw, and how large.
public struct SamplingRecord: Sendable, Equatable {
    public var mode: String
    public var fps: Double
    /// Frames taken, before an odd count is padded.
    public var frames: Int
    /// Of the pictures the model saw, after resizing.
    public var frameSize: PixelSize
    /// One a visual input.
    public var grids: [PatchGrid]
    /// PTS of the frames taken, in seconds.
    public var timestamps: [Double]

    public init(
        mode: String, fps: Double, frameSize: PixelSize, grids: [PatchGrid], timestamps: [Double]
    ) {
        self.mode = mode
        self.fps = fps
        self.frames = timestamps.count
        self.frameSize = frameSize
        self.grids = grids
        self.timestamps = timestamps
    }

    var json: JSON {
        var members = ObjectBuilder()
        members.add("mode", mode)
        members.add("fps", .decimal(fps))
        members.add("frames", frames)
        members.add("frame_size", [.int(frameSize.width), .int(frameSize.height)])
        members.add("grid_thw", .array(grids.map(\.json)))
        members.add("timestamps", .array(timestamps.map { .decimal($0) }))
        return members.json
    }
}

extension PatchGrid {
    var json: JSON { [.int(time), .int(height), .int(width)] }
}

/// The checkpoint that wrote the text.
public struct ModelRecord: Sendable, Equatable {
    public var name: String
    /// Of the checkpoint's bytes: equal fingerprints are equal models.
    public var fingerprint: String
    /// Arithmetic of the weights: `bf16`, `f16`, `f32`, …
    public var weights: String
    /// The rule for the position behind a video: `max` or `hf5`.
    public var mrope: String

    public init(name: String, fingerprint: String, weights: String, mrope: String) {
        self.name = name
        self.fingerprint = fingerprint
        self.weights = weights
        self.mrope = mrope
    }

    package var json: JSON {
        [
            "name": .string(name), "fingerprint": .string(fingerprint),
            "weights": .string(weights), "mrope": .string(mrope),
        ]
    }
}

/// Tokens that went through the model.
public struct UsageRecord: Sendable, Equatable {
    /// Those that were read.
    public var visualTokens: Int
    /// Visual tokens that were left out by `--prune`; nil without it.
    public var droppedVisualTokens: Int?
    /// Visual tokens included.
    public var promptTokens: Int
    public var generatedTokens: Int

    public init(
        visualTokens: Int = 0, droppedVisualTokens: Int? = nil, promptTokens: Int = 0,
        generatedTokens: Int = 0
    ) {
        self.visualTokens = visualTokens
        self.droppedVisualTokens = droppedVisualTokens
        self.promptTokens = promptTokens
        self.generatedTokens = generatedTokens
    }

    public static func += (total: inout UsageRecord, part: UsageRecord) {
        total.visualTokens += part.visualTokens
        if let dropped = part.droppedVisualTokens {
            total.droppedVisualTokens = (total.droppedVisualTokens ?? 0) + dropped
        }
        total.promptTokens += part.promptTokens
        total.generatedTokens += part.generatedTokens
    }

    var json: JSON {
        var members = ObjectBuilder()
        members.add("visual_tokens", visualTokens)
        members.add("dropped_visual_tokens", ifPresent: droppedVisualTokens.map(JSON.int))
        members.add("prompt_tokens", promptTokens)
        members.add("generated_tokens", generatedTokens)
        return members.json
    }
}

/// Why the text ended: the model said so, or `--max-new-tokens` was reached.
public enum FinishReason: String, Sendable {
    case stop, length
}

/// Seconds a stage took. The only part of a document that differs between equal runs.
public struct TimingRecord: Sendable, Equatable {
    public var open = 0.0
    public var decode = 0.0
    public var preprocess = 0.0
    public var vision = 0.0
    public var prefill = 0.0
    public var generate = 0.0
    public var total = 0.0

    public init() {}

    var json: JSON {
        var members = ObjectBuilder()
        for (key, seconds) in [
            ("open", open), ("decode", decode), ("preprocess", preprocess), ("vision", vision),
            ("prefill", prefill), ("generate", generate), ("total", total),
        ] {
            members.add(key, .decimal(seconds))
        }
        return members.json
    }
}

/// What summary and answer have in common: how the result came about.
public struct Provenance: Sendable, Equatable {
    public var sampling: SamplingRecord
    public var model: ModelRecord
    /// Everything that affects the result, with effective values (``Settings/json``).
    public var settings: JSON
    public var usage: UsageRecord
    public var finishReason: FinishReason
    public var warnings: [WarningRecord]
    /// Nil leaves the timing out (`--no-timing`).
    public var timing: TimingRecord?

    public init(
        sampling: SamplingRecord, model: ModelRecord, settings: JSON, usage: UsageRecord,
        finishReason: FinishReason, warnings: [WarningRecord] = [], timing: TimingRecord? = nil
    ) {
        self.sampling = sampling
        self.model = model
        self.settings = settings
        self.usage = usage
        self.finishReason = finishReason
        self.warnings = warnings
        self.timing = timing
    }
}

extension ObjectBuilder {
    /// The tail that summary and answer share.
    mutating func add(_ provenance: Provenance) {
        add("sampling", provenance.sampling.json)
        add("model", provenance.model.json)
        add("settings", provenance.settings)
        add("usage", provenance.usage.json)
        add("finish_reason", provenance.finishReason.rawValue)
        add("warnings", .array(provenance.warnings.map(\.json)))
        add("timing", ifPresent: provenance.timing?.json)
        add("tool", ToolRecord.current.json)
    }
}

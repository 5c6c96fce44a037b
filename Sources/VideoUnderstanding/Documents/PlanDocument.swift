import Imaging
import OrderedJSON

/// One model input that a plan foresees.
public struct PlannedWindow: Sendable, Equatable {
    public var range: TimeRange
    public var frames: Int
    public var frameSize: PixelSize
    public var grid: PatchGrid
    /// Pairs that go through the vision tower: those that repeat do not.
    public var encodedPairs: Int
    /// Those that are read.
    public var visualTokens: Int
    /// Left out by `--prune`; nil without it.
    public var droppedVisualTokens: Int?
    /// Visual tokens included.
    public var promptTokens: Int

    public init(
        range: TimeRange, frames: Int, frameSize: PixelSize, grid: PatchGrid, encodedPairs: Int,
        visualTokens: Int, droppedVisualTokens: Int? = nil, promptTokens: Int
    ) {
        self.range = range
        self.frames = frames
        self.frameSize = frameSize
        self.grid = grid
        self.encodedPairs = encodedPairs
        self.visualTokens = visualTokens
        self.droppedVisualTokens = droppedVisualTokens
        self.promptTokens = promptTokens
    }

    func json(index: Int) -> JSON {
        var members = ObjectBuilder()
        members.add("index", index)
        members.add("start", .decimal(range.start))
        members.add("end", .decimal(range.end))
        members.add("frames", frames)
        members.add("frame_size", [.int(frameSize.width), .int(frameSize.height)])
        members.add("grid_thw", grid.json)
        members.add("encoded_pairs", encodedPairs)
        members.add("visual_tokens", visualTokens)
        members.add("dropped_visual_tokens", ifPresent: droppedVisualTokens.map(JSON.int))
        members.add("prompt_tokens", promptTokens)
        return members.json
    }
}

/// Bytes a run needs at its peak, by purpose, and the limit it must stay under.
public struct MemoryEstimate: Sendable, Equatable {
    /// The program before anything else: code, libraries, the tokenizer.
    public var program: Int
    public var weights: Int
    /// Keys and values.
    public var cache: Int
    /// Whatever else is in use where most is.
    public var scratch: Int
    /// The decoder and its pictures.
    public var frames: Int
    public var limit: Int

    public init(
        program: Int, weights: Int, cache: Int, scratch: Int, frames: Int, limit: Int
    ) {
        self.program = program
        self.weights = weights
        self.cache = cache
        self.scratch = scratch
        self.frames = frames
        self.limit = limit
    }

    public var peak: Int { program + weights + cache + scratch + frames }

    public var fits: Bool { peak <= limit }

    var json: JSON {
        [
            "program": .int(program), "weights": .int(weights), "cache": .int(cache),
            "scratch": .int(scratch),
            "frames": .int(frames), "peak": .int(peak), "limit": .int(limit), "fits": .bool(fits),
        ]
    }
}

/// `reelscribe/plan@1`: exact tokens, peak memory and estimated seconds, before anything heavy.
public struct PlanDocument: Document, Equatable {
    public static let kind = DocumentKind.plan

    public var job: JobReference
    public var uri: String
    public var container: String
    public var codec: String
    /// Seconds.
    public var duration: Double
    /// Upright, before resizing.
    public var size: PixelSize
    public var windows: [PlannedWindow]
    public var model: ModelRecord
    /// Generated tokens are the most that the settings allow.
    public var usage: UsageRecord
    /// From sizes alone.
    public var memory: MemoryEstimate
    /// The same with what the program and the decoder took of this very video; nil with
    /// `--no-timing`, as it is not the same to the byte each time.
    public var measuredMemory: MemoryEstimate?
    /// Summing up the texts of windows, if all are as long as they may be; nil for one window.
    public var summingUp: UsageRecord?
    /// Seconds by stage, from a short measurement of this machine, if all texts are as long as they
    /// may be; nil with `--no-timing`.
    public var estimate: TimingRecord?
    public var settings: JSON
    public var warnings: [WarningRecord]

    public init(
        job: JobReference = .none, uri: String, container: String, codec: String, duration: Double,
        size: PixelSize, windows: [PlannedWindow], model: ModelRecord, usage: UsageRecord,
        memory: MemoryEstimate, measuredMemory: MemoryEstimate? = nil,
        summingUp: UsageRecord? = nil, estimate: TimingRecord?, settings: JSON,
        warnings: [WarningRecord] = []
    ) {
        self.job = job
        self.uri = uri
        self.container = container
        self.codec = codec
        self.duration = duration
        self.size = size
        self.windows = windows
        self.model = model
        self.usage = usage
        self.memory = memory
        self.measuredMemory = measuredMemory
        self.summingUp = summingUp
        self.estimate = estimate
        self.settings = settings
        self.warnings = warnings
    }

    public var json: JSON {
        var video = ObjectBuilder()
        video.add("uri", uri)
        video.add("container", container)
        video.add("codec", codec)
        video.add("duration", .decimal(duration))
        video.add("width", size.width)
        video.add("height", size.height)
        var members = ObjectBuilder(Self.kind, job: job)
        members.add("video", video.json)
        members.add("windows", .array(windows.enumerated().map { $1.json(index: $0) }))
        members.add("model", model.json)
        members.add("usage", usage.json)
        members.add(
            "summing_up",
            ifPresent: summingUp.map {
                [
                    "prompt_tokens": .int($0.promptTokens),
                    "generated_tokens": .int($0.generatedTokens),
                ]
            })
        members.add("memory", (measuredMemory ?? memory).json)
        members.add("estimate", ifPresent: estimate?.json)
        members.add("settings", settings)
        members.add("warnings", .array(warnings.map(\.json)))
        members.add("tool", ToolRecord.current.json)
        return members.json
    }
}

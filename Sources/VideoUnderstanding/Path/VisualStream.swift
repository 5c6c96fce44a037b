import Qwen2VL
import Text
import Video

/// The windows of one input, each seen and encoded while it is decoded.
package struct VisualStream: ~Copyable {
    package let plan: VisualPlan
    private var windows: FrameWindows
    /// Taken out while a window is made: a copy of what it holds would be memory for nothing.
    private var builder: VisualInputBuilder?

    package init(
        _ reader: consuming FrameReader, plan: VisualPlan, minShot: Double = 0,
        encoder: VisionEncoder, model: ModelConfiguration, prune: Double? = nil,
        ablation: Ablation? = nil, memory: VideoMemory? = nil, seat: DecodingSeat? = nil,
        tap: (([Float]) -> Void)? = nil
    ) {
        self.plan = plan
        // Whoever taps wants pictures as they are.
        windows = FrameWindows(
            reader, limit: plan.limit, minShot: minShot,
            transferSize: tap == nil ? plan.transferSize : nil, seat: seat)
        builder = VisualInputBuilder(
            encoder: encoder, plan: plan, model: model, prune: prune, ablation: ablation,
            memory: memory, seat: seat, tap: tap)
    }

    /// The next window; nil after the last.
    ///
    /// - Parameter onPair: sees every pair of frames.
    package mutating func next(
        timing: inout TimingRecord, onEvent: (AnalysisEvent) throws -> Void,
        onPair: (SampledFrame, SampledFrame?) throws -> Void = { _, _ in }
    ) throws -> VisualInput? {
        guard var builder = builder.take() else {
            preconditionFailure("a window while another is made")
        }
        defer { self.builder = builder }
        let window = try windows.next(timing: &timing) { first, second, timing in
            try onPair(first, second)
            try builder.add(first.image, (second ?? first).image, timing: &timing)
            try onEvent(.seen(time: (second ?? first).time))
        }
        guard let window else { return nil }
        return try builder.finish(kind: plan.kind, window: window, timing: &timing)
    }

    /// Reads what is left of the input, for its length and coverage.
    package mutating func finish(timing: inout TimingRecord) throws {
        while try windows.next(timing: &timing, onPair: { _, _, _ in }) != nil {}
    }

    /// Frames of the whole input, where that is exactly known before they are decoded.
    var exactFrames: Int? {
        windows.reader.exactFrames
    }

    /// Pairs that the memory knew.
    var recalledPairs: Int { builder?.recalled ?? 0 }

    /// The input as it was read; final after the last window.
    package var watched: WatchedVideo {
        WatchedVideo(plan: plan, description: description, report: report)
    }

    /// The windows alone, not encoded.
    package consuming func intoWindows() -> FrameWindows { windows }

    /// Where the part that was read ends, in seconds.
    package var end: Double { report.end }

    /// What the input turned out to be; final after the last window.
    package var description: VideoDescription { windows.reader.description }
    /// What reading it was like; final after the last window.
    package var report: DecodeReport { windows.reader.report }
}

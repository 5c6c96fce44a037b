import Imaging
import Qwen2VL
import Text
import Video

/// How the frames of one input become model inputs: their size, and how many fit.
///
/// Decided before the first frame is decoded, from sizes alone.
package struct VisualPlan: Sendable, Equatable {
    package var kind: VisualKind
    /// Upright frames as they are decoded.
    package var source: PixelSize
    /// Resized frames.
    package var target: PixelSize
    package var limit: WindowLimit
    /// Visual tokens of one pair of frames.
    package var tokensPerPair: Int
    /// Frames that one model input would have held, had the context been longer; nil where it
    /// is long enough.
    package var framesBeforeContext: Int?

    /// - Parameters:
    ///   - frames: frames of the whole input; nil where not exactly known.
    ///   - windowSeconds: nil: one window for everything.
    ///   - maxFrames: bound for one model input.
    ///   - room: tokens of the context that visual tokens may take; nil: any number.
    package init(
        kind: VisualKind, source: PixelSize, frames: Int?, fps: Double, windowSeconds: Double?,
        maxFrames: Int, budget: VisualBudget, model: ModelConfiguration, room: Int?
    ) throws(ImagingError) {
        let vision = model.vision
        let factor = vision.patchSize * vision.mergeSize
        var most = max(2, maxFrames - maxFrames % 2)
        if let windowSeconds {
            let inWindow = (windowSeconds * fps).rounded(.up)
            if inWindow < Double(most) { most = Self.even(Int(inWindow)) }
        }
        // The budget of a frame depends on how many there are.
        let wanted = min(most, frames.map { Self.even(min($0, most)) } ?? most)
        func size(for frames: Int) throws(ImagingError) -> PixelSize {
            switch kind {
            case .image: try budget.imageSize(of: source, factor: factor)
            case .video: try budget.videoFrameSize(of: source, frames: frames, factor: factor)
            }
        }
        var target = try size(for: wanted)
        var tokens = Self.tokens(target, factor: factor)
        var fitting = wanted
        if let room {
            // Fewer frames may get more pixels each, so the size is asked again until both fit.
            while fitting > 2, fitting / 2 * tokens > room {
                fitting = min(fitting - 2, max(2, 2 * (room / tokens)))
                target = try size(for: fitting)
                tokens = Self.tokens(target, factor: factor)
            }
            most = min(most, max(2, 2 * (room / tokens)))
        }
        self.kind = kind
        self.source = source
        self.target = target
        limit = WindowLimit(seconds: windowSeconds, frames: most)
        tokensPerPair = tokens
        framesBeforeContext = fitting < wanted ? wanted : nil
    }

    init(
        kind: VisualKind, source: PixelSize, target: PixelSize, limit: WindowLimit,
        tokensPerPair: Int, framesBeforeContext: Int?
    ) {
        self.kind = kind
        self.source = source
        self.target = target
        self.limit = limit
        self.tokensPerPair = tokensPerPair
        self.framesBeforeContext = framesBeforeContext
    }

    /// The size to which pictures are resized before they come from another process; nil: as they
    /// are. Resizing there costs a second, trivial resizing here, which fewer bytes must pay for.
    package var transferSize: PixelSize? { 2 * target.area <= source.area ? target : nil }

    /// Bytes of the frames that wait for the model at most, where they are decoded ahead of it.
    ///
    /// - Parameter frames: so many that are to come are known; nil: any number.
    package func waitingBytes(frames: Int?) -> Int {
        guard kind == .video else { return 0 }
        let one = FrameQueue.bytes(of: transferSize ?? source)
        let fitting = max(1, FrameQueue.standardBound / one)
        return one * min(fitting, frames ?? fitting)
    }

    private static func even(_ frames: Int) -> Int { max(2, frames + frames % 2) }

    private static func tokens(_ size: PixelSize, factor: Int) -> Int {
        (size.width / factor) * (size.height / factor)
    }
}

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
    ///   - frames: frames of the whole input as far as known, at most.
    ///   - windowSeconds: nil: one window for everything.
    ///   - maxFrames: bound for one model input.
    ///   - reserve: tokens of the context that text needs.
    ///   - fitsContext: whether frames are left out until the rest fits the model's context.
    package init(
        kind: VisualKind, source: PixelSize, frames: Int?, fps: Double, windowSeconds: Double?,
        maxFrames: Int, budget: VisualBudget, model: ModelConfiguration, reserve: Int,
        fitsContext: Bool = true
    ) throws(ImagingError) {
        let vision = model.vision
        let factor = vision.patchSize * vision.mergeSize
        var wanted = max(2, maxFrames - maxFrames % 2)
        if let windowSeconds {
            let inWindow = (windowSeconds * fps).rounded(.up)
            if inWindow < Double(wanted) { wanted = Self.even(Int(inWindow)) }
        }
        if let frames { wanted = min(wanted, Self.even(frames)) }
        func size(for frames: Int) throws(ImagingError) -> PixelSize {
            switch kind {
            case .image: try budget.imageSize(of: source, factor: factor)
            case .video: try budget.videoFrameSize(of: source, frames: frames, factor: factor)
            }
        }
        var target = try size(for: wanted)
        var tokens = Self.tokens(target, factor: factor)
        let room = max(0, model.text.maxPositions - reserve)
        var fitting = wanted
        while fitsContext, fitting > 2, fitting / 2 * tokens > room {
            // Fewer frames may get more pixels each, so the size is asked again until both fit.
            fitting = min(fitting - 2, max(2, Self.even(2 * (room / tokens))))
            target = try size(for: fitting)
            tokens = Self.tokens(target, factor: factor)
        }
        self.kind = kind
        self.source = source
        self.target = target
        limit = WindowLimit(seconds: windowSeconds, frames: fitting)
        tokensPerPair = tokens
        framesBeforeContext = fitting < wanted ? wanted : nil
    }

    private static func even(_ frames: Int) -> Int { max(2, frames + frames % 2) }

    private static func tokens(_ size: PixelSize, factor: Int) -> Int {
        (size.width / factor) * (size.height / factor)
    }
}

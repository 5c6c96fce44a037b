import Imaging
import Qwen2VL

/// A way to spoil what the model is shown, so that an evaluation can tell whether the answers rest
/// on it. No ablation changes the frames taken, their times or the number of tokens.
public enum Ablation: Sendable, Hashable {
    /// The sampled frames of each model input stand in random order: their times no longer tell
    /// when they were shown. The seed decides on the order.
    case shuffleFrames(seed: UInt64)
    /// Every visual token stands at the time of the first pair of frames on the M-RoPE time axis.
    case zeroTime

    /// As it is typed, and written in settings.
    public var name: String {
        switch self {
        case .shuffleFrames: "shuffle-frames"
        case .zeroTime: "zero-time"
        }
    }
}

/// A random order of the frames of one model input.
package struct FrameShuffle: Sendable, Equatable {
    /// The place from which each place takes its frame.
    package let sources: [Int]

    /// Never the order that was there, where there is more than one frame.
    package init(frames: Int, seed: UInt64) {
        var random = RandomSource(seed: seed)
        var order = Array(0..<frames)
        while frames > 1, order == Array(0..<frames) {
            for last in stride(from: frames - 1, to: 0, by: -1) {
                order.swapAt(last, Int(random.next() % UInt64(last + 1)))
            }
        }
        sources = order
    }

    /// Moves the frames inside patch rows, as if they had been shown in that order: every row of a
    /// pair holds the same place of both frames, and resizing looks at one frame alone.
    ///
    /// - Parameters:
    ///   - rows: `[frames / 2 · patches, channels · 2 · patchSize²]`.
    ///   - patches: of one frame.
    package func apply(to rows: inout [Float], patches: Int, geometry: PatchGeometry) {
        let plane = geometry.patchSize * geometry.patchSize
        let perPair = patches * geometry.patchLength
        precondition(
            geometry.temporalPatchSize == 2 && rows.count * 2 == sources.count * perPair,
            "\(rows.count) values for \(sources.count) frames of \(patches) patches")
        let original = rows
        // A frame has every other plane of its pair.
        for (place, source) in sources.enumerated() {
            let (from, to) = (
                source / 2 * perPair + source % 2 * plane, place / 2 * perPair + place % 2 * plane
            )
            for offset in stride(from: 0, to: perPair, by: 2 * plane) {
                rows.replaceSubrange(
                    to + offset..<to + offset + plane,
                    with: original[from + offset..<from + offset + plane])
            }
        }
    }
}

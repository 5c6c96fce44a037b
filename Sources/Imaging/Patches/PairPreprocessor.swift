internal import CKernels
internal import Synchronization

/// Turns pairs of frames into patch rows for the vision tower: resized, rounded, normalised, cut
/// into patches in merge-block order.
///
/// It has no state that changes a result, so threads may share it.
///
/// - Source: spec 2.6, 2.8 and 3.
public struct PairPreprocessor: Sendable {
    /// The size that frames normally have.
    public let source: PixelSize
    /// The size of frames after resizing.
    public let target: PixelSize
    public let patch: PatchGeometry
    private let resampler: Resampler
    private let others: ResamplerCache
    /// `level ↦ (level − offset) / divisor`, per channel.
    private let offset: (Float, Float, Float)
    private let divisor: (Float, Float, Float)

    /// - Parameters:
    ///   - target: both sides multiples of `patch.factor`.
    ///   - mean, std: red, green and blue on the scale 0…1, as in `preprocessor_config.json`.
    /// - Precondition: three channels, two frames in a patch, three numbers in `mean` and `std`, and
    ///   sides that `Resampler` takes; loaders refuse models that differ.
    public init(
        source: PixelSize, target: PixelSize, patch: PatchGeometry, mean: [Float], std: [Float]
    ) {
        self.init(
            source: source, target: target, patch: patch, mean: mean, std: std,
            instructions: .best)
    }

    package init(
        source: PixelSize, target: PixelSize, patch: PatchGeometry, mean: [Float], std: [Float],
        instructions: ResizeLevel
    ) {
        precondition(
            patch.channels == 3 && patch.temporalPatchSize == 2 && patch.patchSize > 0
                && patch.mergeSize > 0, "\(patch)")
        precondition(
            target.width % patch.factor == 0 && target.height % patch.factor == 0,
            "\(target) is not a multiple of \(patch.factor)")
        precondition(mean.count == 3 && std.count == 3, "mean \(mean), deviation \(std)")
        self.source = source
        self.target = target
        self.patch = patch
        resampler = Resampler(from: source, to: target, instructions: instructions)
        others = ResamplerCache(target: target, instructions: instructions)
        offset = (mean[0] * 255, mean[1] * 255, mean[2] * 255)
        divisor = (std[0] * 255, std[1] * 255, std[2] * 255)
    }

    /// Rows of one pair.
    public var patches: Int { target.area / (patch.patchSize * patch.patchSize) }

    /// Floats of one pair.
    public var valueCount: Int { patches * patch.patchLength }

    /// The rows of one temporal patch: `[patches, patchLength]`.
    ///
    /// A frame whose size is not `source` is resized to the same target.
    public func rows(_ first: RGBImage, _ second: RGBImage) -> [Float] {
        [Float](unsafeUninitializedCapacity: valueCount) { buffer, count in
            write(first, second, into: buffer)
            count = valueCount
        }
    }

    /// Writes what `rows` gives into a buffer of `valueCount` floats.
    public func write(
        _ first: RGBImage, _ second: RGBImage, into rows: UnsafeMutableBufferPointer<Float>
    ) {
        write(first, frame: 0, into: rows)
        if first == second {
            repeatFirstFrame(in: rows)
        } else {
            write(second, frame: 1, into: rows)
        }
    }

    /// Writes frame 0 or 1 of the rows and leaves the other as it is, so that two threads can share
    /// a pair.
    public func write(
        _ image: RGBImage, frame: Int, into rows: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(
            (0..<patch.temporalPatchSize).contains(frame) && rows.count == valueCount,
            "frame \(frame), \(rows.count) of \(valueCount) values")
        let resampler = image.size == source ? resampler : others.resampler(from: image.size)
        resampler.writeRows(
            of: image,
            to: rs_patch_target(
                patch: patch.patchSize, merge: patch.mergeSize, frames: patch.temporalPatchSize,
                frame: frame, offset: offset, divisor: divisor, rows: rows.baseAddress))
    }

    /// A picture that stands twice is resized once.
    private func repeatFirstFrame(in rows: UnsafeMutableBufferPointer<Float>) {
        guard let base = rows.baseAddress else { return }
        let plane = patch.patchSize * patch.patchSize
        for start in stride(from: 0, to: rows.count, by: 2 * plane) {
            (base + start + plane).update(from: base + start, count: plane)
        }
    }
}

/// Resamplers for the sizes that frames take where a video changes its own size on the way.
private final class ResamplerCache: Sendable {
    private let target: PixelSize
    private let instructions: ResizeLevel
    /// The most recently used last.
    private let recent = Mutex<[Resampler]>([])
    private static let capacity = 4

    init(target: PixelSize, instructions: ResizeLevel) {
        self.target = target
        self.instructions = instructions
    }

    func resampler(from source: PixelSize) -> Resampler {
        recent.withLock { recent in
            let index = recent.firstIndex { $0.source == source }
            let resampler =
                index.map { recent.remove(at: $0) }
                ?? Resampler(from: source, to: target, instructions: instructions)
            recent.append(resampler)
            if recent.count > Self.capacity { recent.removeFirst() }
            return resampler
        }
    }
}

/// How frames are cut into patches.
public struct PatchGeometry: Sendable, Hashable {
    /// Side of a patch in pixels.
    public var patchSize: Int
    /// Frames in a patch.
    public var temporalPatchSize: Int
    /// Patches per side of a merge block, which becomes one visual token.
    public var mergeSize: Int
    /// Colours of a pixel.
    public var channels: Int

    public init(patchSize: Int, temporalPatchSize: Int, mergeSize: Int, channels: Int) {
        self.patchSize = patchSize
        self.temporalPatchSize = temporalPatchSize
        self.mergeSize = mergeSize
        self.channels = channels
    }

    /// Both sides of a resized frame are multiples of this.
    public var factor: Int { patchSize * mergeSize }

    /// Values of a patch: columns of `pixel_values`.
    public var patchLength: Int { channels * temporalPatchSize * patchSize * patchSize }

    /// The grid of `pairs` pairs of frames of a size that `factor` divides.
    public func grid(of size: PixelSize, pairs: Int) -> PatchGrid {
        PatchGrid(time: pairs, height: size.height / patchSize, width: size.width / patchSize)
    }
}

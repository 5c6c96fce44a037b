/// `grid_thw` of one visual input: frame pairs, and rows and columns of **unmerged** patches.
///
/// Source: spec 3.
public struct PatchGrid: Sendable, Hashable {
    /// Temporal patches: pairs of frames.
    public var time: Int
    /// Patches from top to bottom.
    public var height: Int
    /// Patches from left to right.
    public var width: Int

    public init(time: Int, height: Int, width: Int) {
        self.time = time
        self.height = height
        self.width = width
    }

    /// Rows of `pixel_values`.
    public var patches: Int { time * height * width }
}

/// Which frames make the temporal patches of a video.
public enum FramePairing {
    /// Indices of the two frames of each pair, in order; the last frame of an odd number stands for
    /// the one that is missing, so a single picture is paired with itself.
    ///
    /// - Source: spec 2.9.
    public static func pairs(ofFrames frames: Int) -> [(Int, Int)] {
        stride(from: 0, to: frames, by: 2).map { ($0, min($0 + 1, frames - 1)) }
    }
}

/// Frames that were taken before it is certain that they are the right ones.
struct KeptFrames {
    private(set) var count = 0
    private var taken: [SampledFrame] = []
    private var bytes = 0
    private static let most = 128 << 20

    /// Whether one more picture may be kept.
    var hasRoom: Bool { bytes < Self.most }
    /// Nil where not all of them could be kept.
    var frames: [SampledFrame]? { count == taken.count ? taken : nil }

    mutating func append(_ frame: SampledFrame) {
        count += 1
        guard hasRoom else { return }
        bytes += frame.image.pixels.count
        taken.append(frame)
    }
}

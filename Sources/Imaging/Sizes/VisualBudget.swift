/// How many pixels a video frame gets where no pixel option says it.
///
/// `low` and `medium` are written as pixel options of the reference, so any size can be had from
/// the reference too: the most pixels are those below, the least are half of them. A frame between
/// the two keeps its size (to a multiple of the factor); a smaller one is enlarged only as far as
/// the half, since enlarging costs time and shows nothing new. The result is never above the value,
/// but for frames more than 64 times as long as wide, whose short side cannot shrink further.
public enum Detail: String, Sendable, CaseIterable {
    /// 64 visual tokens a frame: 25088 to 50176 pixels.
    case low
    /// 128 visual tokens a frame, the reference's own lower bound: 50176 to 100352 pixels.
    case medium
    /// The reference's budgets: 128 to 768 visual tokens a frame.
    case high

    /// The most visual tokens of a frame; nil leaves it to the reference's rule.
    package var tokens: Int? {
        switch self {
        case .low: 64
        case .medium: 128
        case .high: nil
        }
    }
}

/// How many pixels pictures may have when they reach the model.
///
/// The options hold for every visual input; each applies them by the rule of its kind, the limits of
/// an image or the budget of a video frame. Budgets in visual tokens become pixels by `factor`²
/// (28² in the published models).
///
/// - Source: spec 2.4, column 0.0.14; contract 1 for `detail`.
public struct VisualBudget: Sendable, Hashable {
    /// Least pixels of a picture; nil: the default of its kind.
    public var minPixels: Double?
    /// Most pixels of a picture; nil: the default of its kind. For videos it only lowers the default.
    public var maxPixels: Double?
    /// Pixels that the frames of one video share, a temporal patch counting once.
    public var totalPixels: Double?
    /// Video frames only, and only where none of the three above is given.
    public var detail: Detail

    public init(
        minPixels: Double? = nil, maxPixels: Double? = nil, totalPixels: Double? = nil,
        detail: Detail = .high
    ) {
        self.minPixels = minPixels
        self.maxPixels = maxPixels
        self.totalPixels = totalPixels
        self.detail = detail
    }

    /// Pixels of a picture, in the reference's option names.
    public struct Limits: Sendable, Hashable {
        public var minPixels: Double
        /// May have a fraction where it is a share of the total.
        public var maxPixels: Double
    }

    /// Limits of an image.
    public func imageLimits(factor: Int) -> Limits {
        let token = Double(factor * factor)
        return Limits(
            minPixels: minPixels ?? 4 * token, maxPixels: maxPixels ?? 16384 * token)
    }

    /// Limits of each frame of a video of which `frames` were sampled.
    ///
    /// - Throws: `noFrames`, `invalidBudget`.
    public func videoFrameLimits(frames: Int, factor: Int) throws(ImagingError) -> Limits {
        guard frames > 0 else { throw .noFrames }
        let token = Double(factor * factor)
        var least = minPixels
        var most = maxPixels
        if least == nil, most == nil, totalPixels == nil, let tokens = detail.tokens {
            most = Double(tokens) * token
            least = most.map { $0 / 2 }
        }
        let minimum = least ?? 128 * token
        let total = totalPixels ?? 128_000 * token * 0.9
        guard minimum > 0, minimum.isFinite else {
            throw .invalidBudget(option: "--min-pixels", value: minimum)
        }
        guard total > 0 else { throw .invalidBudget(option: "--total-pixels", value: total) }
        // Two frames make one temporal patch and count once.
        let share = min(768 * token, total / Double(frames) * 2)
        let computed = max(share, (minimum * 1.05).rounded(.down))
        return Limits(minPixels: minimum, maxPixels: min(most ?? computed, computed))
    }

    /// The size that an image is resized to.
    ///
    /// - Throws: see `smartResize`.
    public func imageSize(of size: PixelSize, factor: Int) throws(ImagingError) -> PixelSize {
        try resized(size, imageLimits(factor: factor), factor: factor)
    }

    /// The size that each frame of a video is resized to, of which `frames` were sampled.
    ///
    /// - Throws: `noFrames`; else see `smartResize`.
    public func videoFrameSize(
        of size: PixelSize, frames: Int, factor: Int
    ) throws(ImagingError) -> PixelSize {
        try resized(size, try videoFrameLimits(frames: frames, factor: factor), factor: factor)
    }

    private func resized(
        _ size: PixelSize, _ limits: Limits, factor: Int
    ) throws(ImagingError) -> PixelSize {
        try smartResize(
            height: size.height, width: size.width, factor: factor,
            minPixels: limits.minPixels, maxPixels: limits.maxPixels)
    }
}

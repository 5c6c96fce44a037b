/// Why a picture or a pixel budget cannot be used.
public enum ImagingError: Error, Sendable, Equatable {
    /// A side is less than 1 or more than `maximum` pixels.
    case sideOutOfRange(PixelSize, maximum: Int)
    /// One side is more than `limit` times the other.
    case aspectRatioTooLarge(PixelSize, limit: Int)
    /// A pixel budget is not a positive number.
    case invalidBudget(option: String, value: Double)
    /// The least pixels are more than the most.
    case contradictoryBudget(minimum: Double, maximum: Double)
    /// The budget asks for a picture with a side of more than `maximum` pixels.
    case targetTooLarge(PixelSize, minimum: Double, maximum: Int)
    /// A video without frames has no frame size.
    case noFrames
}

extension ImagingError: CustomStringConvertible {
    /// What is wrong and what to do, for a person.
    public var description: String {
        switch self {
        case .sideOutOfRange(let size, let maximum):
            "A picture of \(size.width)×\(size.height) pixels cannot be used: each side must be "
                + "between 1 and \(maximum) pixels."
        case .aspectRatioTooLarge(let size, let limit):
            "A picture of \(size.width)×\(size.height) pixels is too elongated: one side may be at "
                + "most \(limit) times the other. Crop it, or cut it into several pictures."
        case .invalidBudget(let option, let value):
            "\(option) is \(value), but must be a number above 0."
        case .contradictoryBudget(let minimum, let maximum):
            "The least pixels of a picture (\(Self.pixels(minimum))) are more than the most "
                + "(\(Self.pixels(maximum))). Lower --min-pixels, or raise --max-pixels or "
                + "--total-pixels."
        case .targetTooLarge(let size, let minimum, let maximum):
            "Enlarging a picture of \(size.width)×\(size.height) to \(Self.pixels(minimum)) pixels "
                + "would make a side longer than \(maximum). Lower --min-pixels."
        case .noFrames:
            "No frame was sampled, so there is no frame size to choose. Sample at least one frame."
        }
    }

    /// Budgets are whole numbers but for those divided among frames.
    private static func pixels(_ value: Double) -> String {
        Int(exactly: value).map(String.init) ?? "\(value)"
    }
}

internal import Foundation

/// What the probabilities that a model gives its own words say about its being right: the logit of
/// one is a straight line over the logit of the other.
///
/// A checkpoint may bring it in its configuration, `"reelscribe": {"calibration": {"slope": 2.1,
/// "intercept": -1.3}}`.
public struct ConfidenceCalibration: Sendable, Equatable {
    public var slope: Double
    public var intercept: Double

    public init(slope: Double, intercept: Double) {
        self.slope = slope
        self.intercept = intercept
    }

    /// The probability of being right.
    ///
    /// - Parameter probability: geometric mean of the probabilities of the tokens, 0 to 1.
    public func confidence(_ probability: Double) -> Double {
        // Nobody is ever wholly sure; and the logit of 1 is infinite.
        let bounded = min(max(probability, 1e-9), 1 - 1e-9)
        return 1 / (1 + exp(-(slope * log(bounded / (1 - bounded)) + intercept)))
    }
}

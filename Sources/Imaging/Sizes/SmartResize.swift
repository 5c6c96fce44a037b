/// Sizes that pictures may have, before and after resizing.
package enum PictureLimit {
    /// The longest side that is read. Coordinates up to here are exact in 32-bit floats.
    package static let sourceSide = 1 << 20
    /// The longest side that is made.
    package static let targetSide = 1 << 16
    /// How many times one side may be the other.
    package static let aspectRatio = 200
}

/// The size to which a picture is resized: both sides multiples of `factor`, the number of pixels
/// within the budget, the aspect ratio kept as closely as those allow.
///
/// Sides are rounded half to even; each division is a double, in the written order. A side that
/// would shrink to nothing is kept at `factor`, as in the model library's own processors, so a very
/// elongated picture may exceed `maxPixels`.
///
/// - Parameter factor: side of a patch times patches per side of a merge block.
/// - Throws: `sideOutOfRange`, `aspectRatioTooLarge` (more than 200), `invalidBudget`,
///   `contradictoryBudget`, `targetTooLarge`.
/// - Source: spec 2.4.
public func smartResize(
    height: Int, width: Int, factor: Int, minPixels: Double, maxPixels: Double
) throws(ImagingError) -> PixelSize {
    precondition(factor > 0, "factor \(factor)")
    let source = PixelSize(width: width, height: height)
    let sides = 1...PictureLimit.sourceSide
    guard sides.contains(height), sides.contains(width) else {
        throw .sideOutOfRange(source, maximum: PictureLimit.sourceSide)
    }
    // Negated, so that a value that is not a number is refused too.
    guard minPixels > 0 else { throw .invalidBudget(option: "--min-pixels", value: minPixels) }
    guard maxPixels > 0 else { throw .invalidBudget(option: "--max-pixels", value: maxPixels) }
    guard minPixels <= maxPixels else {
        throw .contradictoryBudget(minimum: minPixels, maximum: maxPixels)
    }
    guard max(height, width) <= PictureLimit.aspectRatio * min(height, width) else {
        throw .aspectRatioTooLarge(source, limit: PictureLimit.aspectRatio)
    }

    let step = Double(factor)
    let area = Double(height * width)
    func nearest(_ side: Int) -> Double {
        max(step, (Double(side) / step).rounded(.toNearestOrEven) * step)
    }
    var high = nearest(height)
    var wide = nearest(width)
    if high * wide > maxPixels {
        let shrink = (area / maxPixels).squareRoot()
        high = max(step, (Double(height) / shrink / step).rounded(.down) * step)
        wide = max(step, (Double(width) / shrink / step).rounded(.down) * step)
    } else if high * wide < minPixels {
        let enlarge = (minPixels / area).squareRoot()
        high = (Double(height) * enlarge / step).rounded(.up) * step
        wide = (Double(width) * enlarge / step).rounded(.up) * step
    }
    guard max(high, wide) <= Double(PictureLimit.targetSide) else {
        throw .targetTooLarge(source, minimum: minPixels, maximum: PictureLimit.targetSide)
    }
    return PixelSize(width: Int(wide), height: Int(high))
}

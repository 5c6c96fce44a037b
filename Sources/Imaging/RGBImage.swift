/// Width and height in pixels.
public struct PixelSize: Sendable, Hashable {
    public var width: Int
    public var height: Int

    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// Pixels of the whole.
    public var area: Int { width * height }
}

/// An upright picture: 8-bit red, green, blue, interleaved, rows from the top without padding.
public struct RGBImage: Sendable, Equatable {
    public let size: PixelSize
    /// `[height, width, 3]`.
    public let pixels: [UInt8]

    /// - Precondition: `pixels` holds exactly `3 · width · height` bytes.
    public init(size: PixelSize, pixels: [UInt8]) {
        precondition(
            pixels.count == 3 * size.area,
            "\(pixels.count) bytes for \(size.width)×\(size.height) pixels")
        self.size = size
        self.pixels = pixels
    }
}

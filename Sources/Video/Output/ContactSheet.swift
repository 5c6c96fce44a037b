import Imaging

/// A grid of thumbnails, each with its time code under it.
///
/// Cells are as wide as the first frame makes them; other frames are fitted into the cell. Frames
/// are reduced as they are added, so that a long sheet needs little memory.
public struct ContactSheet: Sendable {
    private let columns: Int
    private let thumbnailWidth: Int
    private var cell: PixelSize?
    private var thumbnails: [(image: RGBImage, label: String)] = []

    /// More thumbnails than this are thinned out by halves.
    public static let largestCount = 1024

    private static let gap = 6
    private static let dot = 2
    private static let labelHeight = BitmapFont.height * dot + 2 * 4
    /// Every how manyeth frame that is added is kept.
    private var stride = 1
    private var added = 0

    /// - Parameters:
    ///   - columns: thumbnails in a row.
    ///   - thumbnailWidth: pixels of a thumbnail's longer side.
    public init(columns: Int = 6, thumbnailWidth: Int = 240) {
        self.columns = max(1, columns)
        self.thumbnailWidth = max(120, thumbnailWidth)
    }

    /// Adds a frame, with its time under it.
    public mutating func append(_ frame: SampledFrame) {
        defer { added += 1 }
        guard added % stride == 0, frame.image.size.area > 0 else { return }
        if thumbnails.count == Self.largestCount {
            thumbnails = thumbnails.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            stride *= 2
            guard added % stride == 0 else { return }
        }
        let cell = self.cell ?? Self.fitted(frame.image.size, into: thumbnailWidth)
        self.cell = cell
        thumbnails.append((Self.reduced(frame.image, into: cell), Self.timecode(frame.time)))
    }

    /// The sheet; one grey pixel where no frame was added.
    public func image() -> RGBImage {
        guard let cell, !thumbnails.isEmpty else {
            return RGBImage(size: PixelSize(width: 1, height: 1), pixels: [32, 32, 32])
        }
        let across = min(columns, thumbnails.count)
        let down = (thumbnails.count + across - 1) / across
        let step = PixelSize(
            width: max(cell.width, Self.labelWidth) + Self.gap,
            height: cell.height + Self.labelHeight + Self.gap)
        let size = PixelSize(
            width: across * step.width + Self.gap, height: down * step.height + Self.gap)
        var canvas = Canvas(size: size, grey: 32)
        for (place, thumbnail) in thumbnails.enumerated() {
            let left = Self.gap + place % across * step.width
            let top = Self.gap + place / across * step.height
            let room = step.width - Self.gap
            let image = thumbnail.image
            canvas.draw(
                image, left: left + (room - image.size.width) / 2,
                top: top + (cell.height - image.size.height) / 2)
            let textWidth = thumbnail.label.count * (BitmapFont.width + 1) * Self.dot
            canvas.write(
                thumbnail.label, left: left + (room - textWidth) / 2, top: top + cell.height + 4,
                dot: Self.dot)
        }
        return RGBImage(size: size, pixels: canvas.pixels)
    }

    /// Room for `H:MM:SS.mmm`.
    private static let labelWidth = 11 * (BitmapFont.width + 1) * dot

    /// `M:SS.mmm`, with hours where there are any.
    package static func timecode(_ seconds: Double) -> String {
        let milliseconds = Int((max(0, min(seconds, 1e9)) * 1000).rounded())
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let (hours, rest) = milliseconds.quotientAndRemainder(dividingBy: 3_600_000)
        let minutes = rest / 60_000
        let tail = "\(padded(rest / 1000 % 60, 2)).\(padded(rest % 1000, 3))"
        return hours > 0 ? "\(hours):\(padded(minutes, 2)):\(tail)" : "\(minutes):\(tail)"
    }

    /// The size of a picture whose longer side becomes `side`; never enlarged.
    private static func fitted(_ size: PixelSize, into side: Int) -> PixelSize {
        let longer = max(size.width, size.height)
        guard longer > side else { return size }
        return PixelSize(
            width: max(1, size.width * side / longer), height: max(1, size.height * side / longer))
    }

    /// The mean of the pixels that fall on each pixel of the thumbnail.
    private static func reduced(_ image: RGBImage, into cell: PixelSize) -> RGBImage {
        let from = image.size
        let scale = min(
            1, Double(cell.width) / Double(from.width), Double(cell.height) / Double(from.height))
        let to = PixelSize(
            width: max(1, Int(Double(from.width) * scale)),
            height: max(1, Int(Double(from.height) * scale)))
        var pixels = [UInt8](repeating: 0, count: 3 * to.area)
        for y in 0..<to.height {
            let top = y * from.height / to.height
            let bottom = max(top + 1, (y + 1) * from.height / to.height)
            for x in 0..<to.width {
                let left = x * from.width / to.width
                let right = max(left + 1, (x + 1) * from.width / to.width)
                var sums = (0, 0, 0)
                for row in top..<bottom {
                    for column in left..<right {
                        let place = 3 * (row * from.width + column)
                        sums.0 += Int(image.pixels[place])
                        sums.1 += Int(image.pixels[place + 1])
                        sums.2 += Int(image.pixels[place + 2])
                    }
                }
                let count = (bottom - top) * (right - left)
                let place = 3 * (y * to.width + x)
                pixels[place] = UInt8(sums.0 / count)
                pixels[place + 1] = UInt8(sums.1 / count)
                pixels[place + 2] = UInt8(sums.2 / count)
            }
        }
        return RGBImage(size: to, pixels: pixels)
    }
}

/// A picture under construction. What falls outside is cut off.
private struct Canvas {
    let size: PixelSize
    var pixels: [UInt8]

    init(size: PixelSize, grey: UInt8) {
        self.size = size
        pixels = [UInt8](repeating: grey, count: 3 * size.area)
    }

    mutating func draw(_ image: RGBImage, left: Int, top: Int) {
        for y in 0..<image.size.height where (0..<size.height).contains(top + y) {
            for x in 0..<image.size.width where (0..<size.width).contains(left + x) {
                let target = 3 * ((top + y) * size.width + left + x)
                let source = 3 * (y * image.size.width + x)
                for channel in 0..<3 { pixels[target + channel] = image.pixels[source + channel] }
            }
        }
    }

    mutating func write(_ text: String, left: Int, top: Int, dot: Int) {
        for (place, character) in text.enumerated() {
            let start = left + place * (BitmapFont.width + 1) * dot
            for (row, dots) in BitmapFont.rows(of: character).enumerated() {
                for column in 0..<BitmapFont.width
                where dots >> (BitmapFont.width - 1 - column) & 1 == 1 {
                    fill(left: start + column * dot, top: top + row * dot, side: dot)
                }
            }
        }
    }

    private mutating func fill(left: Int, top: Int, side: Int) {
        for y in top..<top + side where (0..<size.height).contains(y) {
            for x in left..<left + side where (0..<size.width).contains(x) {
                let place = 3 * (y * size.width + x)
                for channel in 0..<3 { pixels[place + channel] = 240 }
            }
        }
    }
}

internal import CFFmpeg
import Imaging

extension Thumbnail {
    /// Averages of a decoded picture, read from its planes as they are: nothing is converted.
    ///
    /// Nil for pixel formats that are not made of whole samples of at most 16 bits (bit streams,
    /// floats, pictures that stay in a graphics card).
    init?(_ frame: borrowing DecodedFrame) {
        let picture = frame.pointer.pointee
        guard let format = av_pix_fmt_desc_get(AVPixelFormat(picture.format))?.pointee else {
            return nil
        }
        let flags = Int32(truncatingIfNeeded: format.flags)
        guard
            flags
                & (AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_FLOAT
                    | AV_PIX_FMT_FLAG_BAYER) == 0
        else { return nil }
        func plane(_ component: AVComponentDescriptor, shifted: Bool) -> SamplePlane? {
            let width = shifted ? format.log2_chroma_w : 0
            let height = shifted ? format.log2_chroma_h : 0
            return SamplePlane(
                picture, component, isBigEndian: flags & AV_PIX_FMT_FLAG_BE != 0,
                width: -(-frame.width >> width), height: -(-frame.height >> height))
        }
        let (fine, coarse) = (Self.lumaGrid, Self.chromaGrid)
        guard let first = plane(format.comp.0, shifted: false) else { return nil }
        let luma = first.averages(columns: fine.columns, rows: fine.rows)
        let grey = [UInt8](repeating: 128, count: coarse.columns * coarse.rows)
        if flags & AV_PIX_FMT_FLAG_PAL != 0 {
            // An index is no brightness: colours of a palette are looked up one by one.
            guard let table = picture.data.1 else { return nil }
            self.init(
                luma: first.averages(columns: fine.columns, rows: fine.rows) { index in
                    let colour = table + 4 * index
                    return (Int(colour[0]) + 2 * Int(colour[1]) + Int(colour[2])) / 4
                }, blue: grey, red: grey)
        } else if format.nb_components < 3 {
            self.init(luma: luma, blue: grey, red: grey)
        } else if flags & AV_PIX_FMT_FLAG_RGB != 0 {
            guard let green = plane(format.comp.1, shifted: false),
                let blue = plane(format.comp.2, shifted: false)
            else { return nil }
            self.init(
                red: { first.averages(columns: $0, rows: $1) },
                green: { green.averages(columns: $0, rows: $1) },
                blue: { blue.averages(columns: $0, rows: $1) })
        } else {
            guard let blue = plane(format.comp.1, shifted: true),
                let red = plane(format.comp.2, shifted: true)
            else { return nil }
            self.init(
                luma: luma, blue: blue.averages(columns: coarse.columns, rows: coarse.rows),
                red: red.averages(columns: coarse.columns, rows: coarse.rows))
        }
    }

    /// Averages of a picture that was converted already; nil where it is empty.
    init?(_ image: RGBImage) {
        let size = image.size
        guard size.width > 0, size.height > 0, image.pixels.count == 3 * size.area else {
            return nil
        }
        let pixels = image.pixels
        func averages(_ channel: Int) -> (Int, Int) -> [UInt8] {
            { columns, rows in
                pixels.withUnsafeBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return [] }
                    return SamplePlane(
                        base: base + channel, stride: 3 * size.width, step: 3, width: size.width,
                        height: size.height
                    ).averages(columns: columns, rows: rows)
                }
            }
        }
        self.init(red: averages(0), green: averages(1), blue: averages(2))
    }

    /// From averages of red, green and blue over any grid. Full-range BT.601, in integers.
    private init(
        red: (_ columns: Int, _ rows: Int) -> [UInt8], green: (Int, Int) -> [UInt8],
        blue: (Int, Int) -> [UInt8]
    ) {
        func mixed(_ grid: (columns: Int, rows: Int), _ weights: [Int], _ offset: Int) -> [UInt8] {
            let (red, green) = (red(grid.columns, grid.rows), green(grid.columns, grid.rows))
            let blue = blue(grid.columns, grid.rows)
            return red.indices.map { cell in
                let sum =
                    Int(red[cell]) * weights[0] + Int(green[cell]) * weights[1]
                    + Int(blue[cell]) * weights[2]
                return UInt8(clamping: (sum >> 8) + offset)
            }
        }
        self.init(
            luma: mixed(Self.lumaGrid, [77, 150, 29], 0),
            blue: mixed(Self.chromaGrid, [-43, -85, 128], 128),
            red: mixed(Self.chromaGrid, [128, -107, -21], 128))
    }
}

/// One channel of a picture in memory, which outlives this value.
private struct SamplePlane {
    private enum ByteOrder { case little, big }

    private let base: UnsafePointer<UInt8>
    /// Bytes from a row to the next; negative in pictures that are stored upside down.
    private let stride: Int
    /// Bytes from a sample to the next.
    private let step: Int
    /// Of samples of two bytes; nil: a sample is a byte.
    private let order: ByteOrder?
    private let shift: Int
    private let depth: Int
    private let width: Int
    private let height: Int

    /// Samples of a cell that are read: enough to stand for it, few enough not to be felt.
    private static let (samplesPerRow, rowsPerCell) = (32, 4)

    /// A plane of bytes.
    init(base: UnsafePointer<UInt8>, stride: Int, step: Int, width: Int, height: Int) {
        self.base = base
        self.stride = stride
        self.step = step
        self.width = width
        self.height = height
        (order, shift, depth) = (nil, 0, 8)
    }

    init?(
        _ picture: AVFrame, _ component: AVComponentDescriptor, isBigEndian: Bool, width: Int,
        height: Int
    ) {
        let planes = [
            (picture.data.0, picture.linesize.0), (picture.data.1, picture.linesize.1),
            (picture.data.2, picture.linesize.2), (picture.data.3, picture.linesize.3),
        ]
        let place = Int(component.plane)
        guard planes.indices.contains(place), let data = planes[place].0,
            component.shift + component.depth <= 16, width > 0, height > 0
        else { return nil }
        let isWide = component.shift + component.depth > 8
        // The low byte of a big-endian sample comes second.
        base = UnsafePointer(data) + Int(component.offset) + (!isWide && isBigEndian ? 1 : 0)
        stride = Int(planes[place].1)
        step = Int(component.step)
        order = isWide ? (isBigEndian ? .big : .little) : nil
        shift = Int(component.shift)
        depth = Int(component.depth)
        self.width = width
        self.height = height
    }

    /// The average of each cell of a grid over the plane, on a scale to 255.
    ///
    /// - Parameter level: what a sample stands for; nil: its own value.
    func averages(columns: Int, rows: Int, level: ((Int) -> Int)? = nil) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(columns * rows)
        for row in 0..<rows {
            let (top, tall) = Self.cell(row, of: rows, along: height)
            let lines = min(tall, Self.rowsPerCell)
            for column in 0..<columns {
                let (left, broad) = Self.cell(column, of: columns, along: width)
                let count = min(broad, Self.samplesPerRow)
                let from = left + (broad - count) / 2
                var sum = 0
                for line in 0..<lines {
                    let y = top + (2 * line + 1) * tall / (2 * lines)
                    sum += self.sum(base + y * stride + from * step, count, level)
                }
                result.append(UInt8(clamping: scaled(sum) / (lines * count)))
            }
        }
        return result
    }

    /// Where a cell begins and how long it is; at least one sample.
    private static func cell(_ place: Int, of cells: Int, along length: Int) -> (Int, Int) {
        let first = min(place * length / cells, length - 1)
        return (first, max(1, (place + 1) * length / cells - first))
    }

    private func scaled(_ sum: Int) -> Int { depth >= 8 ? sum >> (depth - 8) : sum << (8 - depth) }

    private func sum(_ start: UnsafePointer<UInt8>, _ count: Int, _ level: ((Int) -> Int)?) -> Int {
        var sum = 0
        if let level {
            for place in 0..<count { sum += level(Int(start[place * step])) }
        } else if let order {
            let mask = (1 << depth) - 1
            for place in 0..<count {
                let sample = start + place * step
                let (one, two) = (Int(sample[0]), Int(sample[1]))
                let value = order == .big ? one << 8 | two : two << 8 | one
                sum += value >> shift & mask
            }
        } else if step == 1, depth == 8 {
            for place in 0..<count { sum &+= Int(start[place]) }
        } else {
            let mask = (1 << depth) - 1
            for place in 0..<count { sum += Int(start[place * step]) >> shift & mask }
        }
        return sum
    }
}

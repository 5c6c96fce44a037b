internal import CFFmpeg

/// The 8-bit formats that need no conversion: RGB in its orders, grey, and palettes.
///
/// Done here and not by swscale, so that pictures pass through to the bit.
enum ExactPixels {
    /// Interleaved bytes: where red, green, blue and alpha (nil: none) lie, and bytes a pixel.
    case packed(red: Int, green: Int, blue: Int, alpha: Int?, bytes: Int)
    /// Green, blue and red planes, and an alpha plane.
    case planar(alpha: Bool)
    /// Indices into 256 native-endian ARGB words.
    case palette

    init?(_ format: AVPixelFormat, range: AVColorRange) {
        switch format {
        case AV_PIX_FMT_RGB24: self = .packed(red: 0, green: 1, blue: 2, alpha: nil, bytes: 3)
        case AV_PIX_FMT_BGR24: self = .packed(red: 2, green: 1, blue: 0, alpha: nil, bytes: 3)
        case AV_PIX_FMT_RGBA: self = .packed(red: 0, green: 1, blue: 2, alpha: 3, bytes: 4)
        case AV_PIX_FMT_BGRA: self = .packed(red: 2, green: 1, blue: 0, alpha: 3, bytes: 4)
        case AV_PIX_FMT_ARGB: self = .packed(red: 1, green: 2, blue: 3, alpha: 0, bytes: 4)
        case AV_PIX_FMT_ABGR: self = .packed(red: 3, green: 2, blue: 1, alpha: 0, bytes: 4)
        case AV_PIX_FMT_RGB0: self = .packed(red: 0, green: 1, blue: 2, alpha: nil, bytes: 4)
        case AV_PIX_FMT_BGR0: self = .packed(red: 2, green: 1, blue: 0, alpha: nil, bytes: 4)
        case AV_PIX_FMT_0RGB: self = .packed(red: 1, green: 2, blue: 3, alpha: nil, bytes: 4)
        case AV_PIX_FMT_0BGR: self = .packed(red: 3, green: 2, blue: 1, alpha: nil, bytes: 4)
        case AV_PIX_FMT_YA8: self = .packed(red: 0, green: 0, blue: 0, alpha: 1, bytes: 2)
        case AV_PIX_FMT_GRAY8 where range != AVCOL_RANGE_MPEG:
            self = .packed(red: 0, green: 0, blue: 0, alpha: nil, bytes: 1)
        case AV_PIX_FMT_GBRP: self = .planar(alpha: false)
        case AV_PIX_FMT_GBRAP: self = .planar(alpha: true)
        case AV_PIX_FMT_PAL8: self = .palette
        default: return nil
        }
    }

    /// `[height, width, 3]`.
    func pixels(of frame: borrowing DecodedFrame) -> [UInt8] {
        let picture = frame.pointer.pointee
        let width = frame.width
        let height = frame.height
        return [UInt8](unsafeUninitializedCapacity: 3 * width * height) { result, count in
            var target = 0
            func put(_ red: UInt8, _ green: UInt8, _ blue: UInt8, _ alpha: UInt8) {
                if alpha == 255 {
                    (result[target], result[target + 1], result[target + 2]) = (red, green, blue)
                } else {
                    result[target] = onWhite(red, alpha: alpha)
                    result[target + 1] = onWhite(green, alpha: alpha)
                    result[target + 2] = onWhite(blue, alpha: alpha)
                }
                target += 3
            }
            guard let first = picture.data.0 else { return }
            for y in 0..<height {
                let row = first + y * Int(picture.linesize.0)
                switch self {
                case .packed(let red, let green, let blue, let alpha, let bytes):
                    for x in 0..<width {
                        let pixel = row + x * bytes
                        put(pixel[red], pixel[green], pixel[blue], alpha.map { pixel[$0] } ?? 255)
                    }
                case .planar(let hasAlpha):
                    guard let second = picture.data.1, let third = picture.data.2 else { return }
                    let blue = second + y * Int(picture.linesize.1)
                    let red = third + y * Int(picture.linesize.2)
                    let alpha =
                        hasAlpha ? picture.data.3.map { $0 + y * Int(picture.linesize.3) } : nil
                    for x in 0..<width { put(red[x], row[x], blue[x], alpha?[x] ?? 255) }
                case .palette:
                    guard let table = picture.data.1 else { return }
                    let words = UnsafeRawPointer(table)
                    for x in 0..<width {
                        let word = words.loadUnaligned(
                            fromByteOffset: 4 * Int(row[x]), as: UInt32.self)
                        put(
                            UInt8(truncatingIfNeeded: word >> 16),
                            UInt8(truncatingIfNeeded: word >> 8),
                            UInt8(truncatingIfNeeded: word), UInt8(truncatingIfNeeded: word >> 24))
                    }
                }
            }
            count = target
        }
    }
}

internal import CFFmpeg
import Imaging

/// Turns decoded frames into upright 8-bit RGB.
///
/// Colour matrix and range are those the frame states, BT.601 and limited where it states none.
/// 8-bit RGB, grey and palette pictures pass through unchanged; alpha is composited on white.
/// Pixel aspect, interlacing and transfer curves are left as they are, as the reference tools do.
struct PictureConverter: ~Copyable {
    private var scaler: UnsafeMutableRawPointer?
    private var scalerKey: ScalerKey?
    private let containerOrientation: Orientation?
    /// A display matrix was not a right-angle turn.
    private(set) var ignoredMatrix = false
    /// The angle of the first picture.
    private(set) var rotation = 0

    private struct ScalerKey: Equatable {
        var width: Int32
        var height: Int32
        var source: AVPixelFormat
        var target: AVPixelFormat
        var space: Int32
        var fullRange: Bool
    }

    /// - Parameter containerMatrix: the display matrix of the stream; it wins over those of frames.
    init(containerMatrix: [Int32]?) {
        if let containerMatrix {
            containerOrientation = Orientation(matrix: containerMatrix)
            ignoredMatrix = containerOrientation == nil
            rotation = containerOrientation?.rotation ?? 0
        } else {
            containerOrientation = nil
        }
    }

    deinit { if let scaler { rs_scaler_destroy(scaler) } }

    private func orientation(of frame: borrowing DecodedFrame) -> Orientation {
        if let containerOrientation { return containerOrientation }
        var numbers = [Int32](repeating: 0, count: 9)
        guard rs_frame_display_matrix(frame.pointer, &numbers) != 0 else { return .upright }
        return Orientation(matrix: numbers) ?? .upright
    }

    /// The size of a frame after it is turned upright.
    mutating func uprightSize(of frame: borrowing DecodedFrame) -> PixelSize {
        let turn = orientation(of: frame)
        rotation = turn.rotation
        return turn.swapsAxes
            ? PixelSize(width: frame.height, height: frame.width)
            : PixelSize(width: frame.width, height: frame.height)
    }

    /// - Throws: `VideoError.systemFailure` where swscale cannot read the pixel format.
    mutating func image(of frame: borrowing DecodedFrame) throws(VideoError) -> RGBImage {
        let turn = orientation(of: frame)
        let stored = try pixels(of: frame)
        let turned = turn.upright(stored, width: frame.width, height: frame.height)
        return RGBImage(
            size: turn.swapsAxes
                ? PixelSize(width: frame.height, height: frame.width)
                : PixelSize(width: frame.width, height: frame.height),
            pixels: turned)
    }

    /// `[height, width, 3]`, as stored.
    private mutating func pixels(of frame: borrowing DecodedFrame) throws(VideoError) -> [UInt8] {
        let picture = frame.pointer.pointee
        let format = AVPixelFormat(picture.format)
        if let exact = ExactPixels(format, range: picture.color_range) {
            return exact.pixels(of: frame)
        }
        guard let described = av_pix_fmt_desc_get(format) else {
            throw .systemFailure(operation: "colour conversion", reason: "unknown pixel format")
        }
        let hasAlpha = described.pointee.flags & UInt64(AV_PIX_FMT_FLAG_ALPHA) != 0
        let channels = hasAlpha ? 4 : 3
        let width = frame.width
        let height = frame.height
        let context = try scaler(
            for: picture, format: format, target: hasAlpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24)
        // swscale writes whole vectors, so rows have room behind them.
        let stride = (width * channels + 63) & ~63
        var rows = [UInt8](repeating: 0, count: stride * height + 64)
        let written = rows.withUnsafeMutableBufferPointer { buffer in
            rs_scaler_convert(context, frame.pointer, buffer.baseAddress, Int32(stride))
        }
        guard written == Int32(height) else {
            throw .systemFailure(
                operation: "colour conversion", reason: "\(written) of \(height) rows were written")
        }
        return rows.withUnsafeBufferPointer { source in
            [UInt8](unsafeUninitializedCapacity: 3 * width * height) { result, count in
                for y in 0..<height {
                    let row = y * stride
                    let to = y * 3 * width
                    if hasAlpha {
                        for x in 0..<width {
                            let alpha = source[row + 4 * x + 3]
                            for channel in 0..<3 {
                                result[to + 3 * x + channel] = onWhite(
                                    source[row + 4 * x + channel], alpha: alpha)
                            }
                        }
                    } else {
                        for x in 0..<3 * width { result[to + x] = source[row + x] }
                    }
                }
                count = 3 * width * height
            }
        }
    }

    private mutating func scaler(
        for picture: AVFrame, format: AVPixelFormat, target: AVPixelFormat
    ) throws(VideoError) -> UnsafeMutableRawPointer {
        let (source, impliedFull) = Self.plainFormat(format)
        let key = ScalerKey(
            width: picture.width, height: picture.height, source: source, target: target,
            space: Self.matrix(of: picture.colorspace),
            fullRange: impliedFull || picture.color_range == AVCOL_RANGE_JPEG)
        if key == scalerKey, let scaler { return scaler }
        if let scaler { rs_scaler_destroy(scaler) }
        scaler = nil
        scalerKey = nil
        guard
            let made = rs_scaler_create(
                key.width, key.height, source, target, key.space, key.fullRange ? 1 : 0)
        else {
            let name = av_get_pix_fmt_name(format).map { String(cString: $0) } ?? "unknown"
            throw .systemFailure(
                operation: "colour conversion", reason: "pixel format \(name) cannot be converted")
        }
        scaler = made
        scalerKey = key
        return made
    }

    /// The formats with "full range" in their name are deprecated names of others.
    private static func plainFormat(_ format: AVPixelFormat) -> (AVPixelFormat, full: Bool) {
        switch format {
        case AV_PIX_FMT_YUVJ411P: (AV_PIX_FMT_YUV411P, true)
        case AV_PIX_FMT_YUVJ420P: (AV_PIX_FMT_YUV420P, true)
        case AV_PIX_FMT_YUVJ422P: (AV_PIX_FMT_YUV422P, true)
        case AV_PIX_FMT_YUVJ440P: (AV_PIX_FMT_YUV440P, true)
        case AV_PIX_FMT_YUVJ444P: (AV_PIX_FMT_YUV444P, true)
        default: (format, false)
        }
    }

    private static func matrix(of space: AVColorSpace) -> Int32 {
        switch space {
        case AVCOL_SPC_BT709: SWS_CS_ITU709
        case AVCOL_SPC_FCC: SWS_CS_FCC
        case AVCOL_SPC_SMPTE240M: SWS_CS_SMPTE240M
        case AVCOL_SPC_BT2020_NCL, AVCOL_SPC_BT2020_CL: SWS_CS_BT2020
        default: SWS_CS_ITU601
        }
    }
}

/// Alpha composited on white, rounded to nearest.
func onWhite(_ value: UInt8, alpha: UInt8) -> UInt8 {
    let sum = Int(value) * Int(alpha) + 255 * (255 - Int(alpha))
    return UInt8((sum + 127) / 255)
}

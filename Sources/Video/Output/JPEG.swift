internal import CFFmpeg
import Imaging

/// JPEG files, written by FFmpeg's encoder.
public enum JPEG {
    /// The bytes of a JPEG file of a picture: colours at half the resolution, a quality at which
    /// thumbnails show no blocks.
    ///
    /// Equal pixels give equal bytes with one version of FFmpeg.
    ///
    /// - Throws: `VideoError.cannotEncode`.
    public static func encode(_ image: RGBImage) throws(VideoError) -> [UInt8] {
        let (width, height) = (image.size.width, image.size.height)
        let encoder = try PictureEncoder(
            AV_CODEC_ID_MJPEG, name: "JPEG", format: AV_PIX_FMT_YUVJ420P, size: image.size,
            quantizer: quantizer)
        return try encoder.encode { frame in
            frame.fill(plane: 0, width: width, height: height) { x, y in
                let (red, green, blue) = pixel(image, x, y)
                return level(19595 * red + 38470 * green + 7471 * blue)
            }
            // BT.601 with full range, as JFIF has it, in 16-bit fractions.
            for (plane, weights) in [(-11059, -21709, 32768), (32768, -27439, -5329)].enumerated() {
                frame.fill(plane: plane + 1, width: (width + 1) / 2, height: (height + 1) / 2) {
                    x, y in
                    var sum = 0
                    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                        let (red, green, blue) = pixel(
                            image, min(2 * x + dx, width - 1), min(2 * y + dy, height - 1))
                        sum += weights.0 * red + weights.1 * green + weights.2 * blue
                    }
                    return level(sum / 4 + 128 << 16)
                }
            }
        }
    }

    /// 2 is the finest, 31 the coarsest.
    private static let quantizer: Int32 = 3

    private static func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> (Int, Int, Int) {
        let place = 3 * (y * image.size.width + x)
        return (
            Int(image.pixels[place]), Int(image.pixels[place + 1]), Int(image.pixels[place + 2])
        )
    }

    private static func level(_ fraction: Int) -> UInt8 {
        UInt8(min(max((fraction + 32768) >> 16, 0), 255))
    }
}

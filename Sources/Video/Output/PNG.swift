internal import CFFmpeg
import Imaging

/// PNG files, written by FFmpeg's encoder.
public enum PNG {
    /// The bytes of a PNG file with exactly these pixels.
    ///
    /// - Throws: `VideoError.cannotEncode`.
    public static func encode(_ image: RGBImage) throws(VideoError) -> [UInt8] {
        let encoder = try PictureEncoder(
            AV_CODEC_ID_PNG, name: "PNG", format: AV_PIX_FMT_RGB24, size: image.size)
        return try encoder.encode { frame in
            frame.fill(plane: 0, width: 3 * image.size.width, height: image.size.height) { x, y in
                image.pixels[y * 3 * image.size.width + x]
            }
        }
    }
}

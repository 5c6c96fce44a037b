internal import CFFmpeg

/// The FFmpeg that the program is linked with.
public enum LinkedFFmpeg {
    /// Names and versions of the libraries, as they say it themselves.
    public static var libraries: [(name: String, version: String)] {
        [
            ("libavformat", avformat_version()), ("libavcodec", avcodec_version()),
            ("libavutil", avutil_version()), ("libswscale", swscale_version()),
        ].map { ($0.0, "\($0.1 >> 16).\($0.1 >> 8 & 255).\($0.1 & 255)") }
    }

    /// Whether there is a decoder of this name.
    public static func hasDecoder(_ name: String) -> Bool {
        avcodec_find_decoder_by_name(name) != nil
    }
}

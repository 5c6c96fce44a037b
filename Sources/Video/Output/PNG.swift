internal import CFFmpeg
import Imaging

/// PNG files, written by FFmpeg's encoder.
public enum PNG {
    /// The bytes of a PNG file with exactly these pixels.
    ///
    /// - Throws: `VideoError.cannotEncode`.
    public static func encode(_ image: RGBImage) throws(VideoError) -> [UInt8] {
        guard image.size.width > 0, image.size.height > 0,
            let width = Int32(exactly: image.size.width),
            let height = Int32(exactly: image.size.height)
        else {
            throw .cannotEncode(reason: "\(image.size.width)×\(image.size.height) pixels")
        }
        let encoder = try PNGEncoder(width: width, height: height)
        do throws(FFmpegStatus) {
            return try encoder.encode(image.pixels)
        } catch {
            throw .cannotEncode(reason: error.text)
        }
    }
}

/// An encoder for one picture, with its frame and packet.
private struct PNGEncoder: ~Copyable {
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let packet: UnsafeMutablePointer<AVPacket>
    private let frame: DecodedFrame

    init(width: Int32, height: Int32) throws(VideoError) {
        guard let codec = avcodec_find_encoder(AV_CODEC_ID_PNG) else {
            throw .cannotEncode(reason: "the linked FFmpeg has no PNG encoder")
        }
        let frame = try DecodedFrame()
        var packet: UnsafeMutablePointer<AVPacket>? = try allocated(
            av_packet_alloc(), "creating a packet")
        var context = avcodec_alloc_context3(codec)
        guard let madePacket = packet, let made = context else {
            av_packet_free(&packet)
            throw .systemFailure(operation: "creating an encoder", reason: "out of memory")
        }
        made.pointee.width = width
        made.pointee.height = height
        made.pointee.pix_fmt = AV_PIX_FMT_RGB24
        made.pointee.time_base = AVRational(num: 1, den: 1)
        made.pointee.thread_count = 1
        frame.pointer.pointee.width = width
        frame.pointer.pointee.height = height
        frame.pointer.pointee.format = AV_PIX_FMT_RGB24.rawValue
        do throws(FFmpegStatus) {
            try check(avcodec_open2(made, codec, nil))
            try check(av_frame_get_buffer(frame.pointer, 0))
        } catch {
            avcodec_free_context(&context)
            av_packet_free(&packet)
            throw .cannotEncode(reason: error.text)
        }
        self.context = made
        self.packet = madePacket
        self.frame = frame
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
        var packet: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&packet)
    }

    func encode(_ pixels: [UInt8]) throws(FFmpegStatus) -> [UInt8] {
        let picture = frame.pointer.pointee
        let rowBytes = 3 * Int(picture.width)
        guard let target = picture.data.0 else { throw FFmpegStatus(code: rs_error_no_memory) }
        pixels.withUnsafeBufferPointer { source in
            for y in 0..<Int(picture.height) {
                for x in 0..<rowBytes {
                    target[y * Int(picture.linesize.0) + x] = source[y * rowBytes + x]
                }
            }
        }
        try check(avcodec_send_frame(context, frame.pointer))
        try check(avcodec_send_frame(context, nil))
        try check(avcodec_receive_packet(context, packet))
        return Array(
            UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size)))
    }
}

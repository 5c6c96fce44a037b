internal import CFFmpeg
import Imaging

/// A moving test picture, encoded into a file: for measurements that must not depend on the videos
/// that happen to be at hand.
package enum RenderedClip {
    /// Renders and encodes a clip as MP4: H.264 with B-frames where the linked FFmpeg can encode
    /// it, else MPEG-4 part 2.
    ///
    /// - Parameter size: even sides.
    /// - Throws: `cannotEncode`.
    package static func write(
        to path: String, size: PixelSize, framesPerSecond: Int, seconds: Int
    ) throws(VideoError) {
        var writer = try ClipWriter(path: path, size: size, framesPerSecond: framesPerSecond)
        for index in 0..<framesPerSecond * seconds { try writer.append(index) }
        try writer.finish()
    }
}

/// Owns the muxer, the encoder, and the one frame and packet that pass between them.
private struct ClipWriter: ~Copyable {
    private var muxer: UnsafeMutablePointer<AVFormatContext>?
    private var encoder: UnsafeMutablePointer<AVCodecContext>?
    private var frame: UnsafeMutablePointer<AVFrame>?
    private var packet: UnsafeMutablePointer<AVPacket>?
    private let size: PixelSize

    init(path: String, size: PixelSize, framesPerSecond: Int) throws(VideoError) {
        Diagnostics.silence()
        self.size = size
        muxer = nil
        encoder = nil
        frame = av_frame_alloc()
        packet = av_packet_alloc()
        avformat_alloc_output_context2(&muxer, nil, "mp4", path)
        guard
            let codec = avcodec_find_encoder_by_name("libx264")
                ?? avcodec_find_encoder(AV_CODEC_ID_MPEG4)
        else { throw .cannotEncode(reason: "FFmpeg has no encoder for H.264 or MPEG-4") }
        encoder = avcodec_alloc_context3(codec)
        guard let muxer, let encoder, let frame, packet != nil,
            let stream = avformat_new_stream(muxer, nil)
        else { throw .cannotEncode(reason: "out of memory") }
        encoder.pointee.width = Int32(size.width)
        encoder.pointee.height = Int32(size.height)
        encoder.pointee.pix_fmt = AV_PIX_FMT_YUV420P
        encoder.pointee.time_base = AVRational(num: 1, den: Int32(framesPerSecond))
        encoder.pointee.framerate = AVRational(num: Int32(framesPerSecond), den: 1)
        encoder.pointee.gop_size = Int32(8 * framesPerSecond)
        encoder.pointee.max_b_frames = 2
        encoder.pointee.bit_rate = 4_000_000
        encoder.pointee.flags |= AV_CODEC_FLAG_GLOBAL_HEADER
        av_opt_set(encoder.pointee.priv_data, "preset", "superfast", 0)
        try Self.check(avcodec_open2(encoder, codec, nil))
        try Self.check(avcodec_parameters_from_context(stream.pointee.codecpar, encoder))
        stream.pointee.time_base = encoder.pointee.time_base
        try Self.check(avio_open(&muxer.pointee.pb, path, AVIO_FLAG_WRITE))
        try Self.check(avformat_write_header(muxer, nil))
        frame.pointee.format = AV_PIX_FMT_YUV420P.rawValue
        frame.pointee.width = Int32(size.width)
        frame.pointee.height = Int32(size.height)
        try Self.check(av_frame_get_buffer(frame, 0))
    }

    deinit {
        var (muxer, encoder, frame, packet) = (muxer, encoder, frame, packet)
        if muxer != nil { avio_closep(&muxer!.pointee.pb) }
        avformat_free_context(muxer)
        avcodec_free_context(&encoder)
        av_frame_free(&frame)
        av_packet_free(&packet)
        muxer = nil
    }

    /// Draws and encodes picture `index`.
    mutating func append(_ index: Int) throws(VideoError) {
        guard let frame else { return }
        try Self.check(av_frame_make_writable(frame))
        draw(index, frame)
        frame.pointee.pts = Int64(index)
        try encode(frame)
    }

    mutating func finish() throws(VideoError) {
        try encode(nil)
        try Self.check(av_write_trailer(muxer))
    }

    /// A texture that moves to the right, a lighter box that crosses it, slowly turning colours.
    private func draw(_ index: Int, _ frame: UnsafeMutablePointer<AVFrame>) {
        let (luma, blue, red) = (
            frame.pointee.data.0, frame.pointee.data.1, frame.pointee.data.2
        )
        let strides = frame.pointee.linesize
        guard let luma, let blue, let red else { return }
        let boxLeft = (index * 7) % size.width
        for y in 0..<size.height {
            let row = luma + y * Int(strides.0)
            for x in 0..<size.width {
                let texture = ((x &+ index &* 3) ^ (y &* 5)) & 63
                let isBox = x >= boxLeft && x < boxLeft + 200 && y % 540 < 200
                row[x] = UInt8(64 + texture + (isBox ? 90 : 0))
            }
        }
        for y in 0..<size.height / 2 {
            for x in 0..<size.width / 2 {
                blue[y * Int(strides.1) + x] = UInt8(truncatingIfNeeded: 96 + (x + index) % 64)
                red[y * Int(strides.2) + x] = UInt8(truncatingIfNeeded: 96 + (y + 2 * index) % 64)
            }
        }
    }

    private mutating func encode(_ frame: UnsafeMutablePointer<AVFrame>?) throws(VideoError) {
        guard let encoder, let muxer, let packet, let stream = muxer.pointee.streams[0] else {
            return
        }
        try Self.check(avcodec_send_frame(encoder, frame))
        while avcodec_receive_packet(encoder, packet) >= 0 {
            av_packet_rescale_ts(
                packet, encoder.pointee.time_base, stream.pointee.time_base)
            try Self.check(av_interleaved_write_frame(muxer, packet))
        }
    }

    private static func check(_ status: Int32) throws(VideoError) {
        guard status >= 0 else {
            throw .cannotEncode(reason: "FFmpeg error \(status) while a test clip was written")
        }
    }
}

internal import CFFmpeg
import Imaging

/// Pictures that are drawn and encoded into a file: for measurements and tests that must not depend
/// on the videos that happen to be at hand.
package enum RenderedClip {
    /// One picture to draw on: full-size brightness, colour differences of half the size.
    package struct Canvas {
        package let size: PixelSize
        /// `[height, width]`, black is 16 and white 235.
        package var luma: [UInt8]
        /// `[height / 2, width / 2]`, 128 is grey.
        package var blue: [UInt8]
        package var red: [UInt8]

        package init(size: PixelSize) {
            precondition(size.width % 2 == 0 && size.height % 2 == 0, "odd sides")
            self.size = size
            luma = [UInt8](repeating: 16, count: size.area)
            blue = [UInt8](repeating: 128, count: size.area / 4)
            red = blue
        }
    }

    /// Encodes a clip as MP4: H.264 with B-frames where the linked FFmpeg can encode it, else
    /// MPEG-4 part 2.
    ///
    /// - Parameters:
    ///   - size: even sides.
    ///   - ticksPerSecond: the time base, and the rate where `times` is nil.
    ///   - times: rising time stamps of the pictures in ticks; nil: one picture a tick.
    ///   - draw: draws picture `index` over the one before it.
    /// - Throws: `cannotEncode`.
    package static func write(
        to path: String, size: PixelSize, ticksPerSecond: Int, frames: Int, times: [Int]? = nil,
        draw: (_ index: Int, _ canvas: inout Canvas) -> Void
    ) throws(VideoError) {
        var writer = try ClipWriter(path: path, size: size, framesPerSecond: ticksPerSecond)
        var canvas = Canvas(size: size)
        for index in 0..<frames {
            draw(index, &canvas)
            try writer.append(canvas, at: times?[index] ?? index)
        }
        try writer.finish()
    }

    /// A moving picture for measurements: a texture that moves to the right, a lighter box that
    /// crosses it, slowly turning colours.
    ///
    /// - Throws: `cannotEncode`.
    package static func write(
        to path: String, size: PixelSize, framesPerSecond: Int, seconds: Int
    ) throws(VideoError) {
        try write(
            to: path, size: size, ticksPerSecond: framesPerSecond,
            frames: framesPerSecond * seconds
        ) { index, canvas in
            let boxLeft = (index * 7) % size.width
            for y in 0..<size.height {
                for x in 0..<size.width {
                    let texture = ((x &+ index &* 3) ^ (y &* 5)) & 63
                    let isBox = x >= boxLeft && x < boxLeft + 200 && y % 540 < 200
                    canvas.luma[y * size.width + x] = UInt8(64 + texture + (isBox ? 90 : 0))
                }
            }
            let width = size.width / 2
            for y in 0..<size.height / 2 {
                for x in 0..<width {
                    canvas.blue[y * width + x] = UInt8(96 + (x + index) % 64)
                    canvas.red[y * width + x] = UInt8(96 + (y + 2 * index) % 64)
                }
            }
        }
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

    mutating func append(_ canvas: RenderedClip.Canvas, at time: Int) throws(VideoError) {
        guard let frame else { return }
        try Self.check(av_frame_make_writable(frame))
        let (width, height) = (size.width, size.height)
        let (data, strides) = (frame.pointee.data, frame.pointee.linesize)
        Self.copy(canvas.luma, width, height, to: data.0, strides.0)
        Self.copy(canvas.blue, width / 2, height / 2, to: data.1, strides.1)
        Self.copy(canvas.red, width / 2, height / 2, to: data.2, strides.2)
        frame.pointee.pts = Int64(time)
        try encode(frame)
    }

    private static func copy(
        _ samples: [UInt8], _ width: Int, _ height: Int, to plane: UnsafeMutablePointer<UInt8>?,
        _ stride: Int32
    ) {
        guard let plane else { return }
        samples.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            for y in 0..<height {
                (plane + y * Int(stride)).update(from: base + y * width, count: width)
            }
        }
    }

    mutating func finish() throws(VideoError) {
        try encode(nil)
        try Self.check(av_write_trailer(muxer))
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

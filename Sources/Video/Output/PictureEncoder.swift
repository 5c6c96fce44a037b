internal import CFFmpeg
import Imaging

/// One of FFmpeg's encoders for a single picture, with its frame and packet.
struct PictureEncoder: ~Copyable {
    private let context: UnsafeMutablePointer<AVCodecContext>
    private let packet: UnsafeMutablePointer<AVPacket>
    private let frame: DecodedFrame

    /// - Parameters:
    ///   - name: of the format, for messages.
    ///   - quantizer: how coarse the picture may be; nil where the encoder loses nothing.
    /// - Throws: `VideoError.cannotEncode`.
    init(
        _ id: AVCodecID, name: String, format: AVPixelFormat, size: PixelSize,
        quantizer: Int32? = nil
    ) throws(VideoError) {
        guard size.width > 0, size.height > 0, let width = Int32(exactly: size.width),
            let height = Int32(exactly: size.height)
        else { throw .cannotEncode(reason: "\(size.width)×\(size.height) pixels") }
        guard let codec = avcodec_find_encoder(id) else {
            throw .cannotEncode(reason: "the linked FFmpeg has no \(name) encoder")
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
        made.pointee.pix_fmt = format
        made.pointee.time_base = AVRational(num: 1, den: 1)
        made.pointee.thread_count = 1
        // Otherwise the version of the library stands in the file.
        made.pointee.flags |= AV_CODEC_FLAG_BITEXACT
        frame.pointer.pointee.width = width
        frame.pointer.pointee.height = height
        frame.pointer.pointee.format = format.rawValue
        if let quantizer {
            made.pointee.flags |= Int32(AV_CODEC_FLAG_QSCALE)
            made.pointee.global_quality = quantizer * FF_QP2LAMBDA
            frame.pointer.pointee.quality = quantizer * FF_QP2LAMBDA
        }
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

    /// The bytes of the file.
    ///
    /// - Parameter draw: fills every plane of the frame.
    func encode(_ draw: (borrowing DecodedFrame) -> Void) throws(VideoError) -> [UInt8] {
        draw(frame)
        do throws(FFmpegStatus) {
            try check(avcodec_send_frame(context, frame.pointer))
            try check(avcodec_send_frame(context, nil))
            try check(avcodec_receive_packet(context, packet))
        } catch {
            throw .cannotEncode(reason: error.text)
        }
        return Array(
            UnsafeBufferPointer(start: packet.pointee.data, count: Int(packet.pointee.size)))
    }
}

extension DecodedFrame {
    /// Writes the bytes of a plane.
    ///
    /// - Parameter value: gets the place of a byte in its row, and the row.
    borrowing func fill(plane: Int, width: Int, height: Int, value: (Int, Int) -> UInt8) {
        let picture = pointer.pointee
        let planes = [picture.data.0, picture.data.1, picture.data.2]
        let strides = [picture.linesize.0, picture.linesize.1, picture.linesize.2]
        guard let target = planes[plane] else {
            preconditionFailure("plane \(plane) of a frame without it")
        }
        for y in 0..<height {
            for x in 0..<width { target[y * Int(strides[plane]) + x] = value(x, y) }
        }
    }
}

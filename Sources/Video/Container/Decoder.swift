internal import CFFmpeg

/// One decoded picture in the decoder's own pixel format: an `AVFrame`.
struct DecodedFrame: ~Copyable {
    let pointer: UnsafeMutablePointer<AVFrame>

    init() throws(VideoError) {
        pointer = try allocated(av_frame_alloc(), "creating a frame")
    }

    deinit {
        var pointer: UnsafeMutablePointer<AVFrame>? = pointer
        av_frame_free(&pointer)
    }

    /// Best-effort time stamp in ticks of the stream; nil where the file gives none.
    var timestamp: Int64? {
        let ticks = pointer.pointee.best_effort_timestamp
        return ticks == rs_no_timestamp ? nil : ticks
    }

    /// The time stamp of the packet it came from; nil where the file gives none.
    var packetTimestamp: Int64? {
        let ticks = pointer.pointee.pts
        return ticks == rs_no_timestamp ? nil : ticks
    }

    /// Ticks that it is to be shown; 0 where unknown.
    var duration: Int64 { max(0, rs_frame_duration(pointer)) }

    /// Its references were damaged or missing.
    var isCorrupt: Bool { pointer.pointee.flags & AV_FRAME_FLAG_CORRUPT != 0 }

    var width: Int { Int(pointer.pointee.width) }
    var height: Int { Int(pointer.pointee.height) }
}

/// What a decoder can leave out without a trace in any other picture.
enum DecoderEconomy: Equatable {
    /// Nothing, or nothing that is known well enough.
    case none
    /// Pictures that the stream itself marks as not needed by others.
    case nonReference
    /// Every packet: each picture stands alone.
    case packetByPacket

    init(codec: String) {
        switch codec {
        case "h264", "hevc", "mpeg1video", "mpeg2video": self = .nonReference
        case "mjpeg", "prores", "dnxhd": self = .packetByPacket
        default: self = .none
        }
    }
}

/// A decoder of one video stream: an `AVCodecContext`.
struct Decoder: ~Copyable {
    private let context: UnsafeMutablePointer<AVCodecContext>
    /// Packets sent so far, which marks them.
    private var sent: Int64 = 0
    /// How pictures that nobody wants can be passed over.
    let economy: DecoderEconomy

    /// - Parameters:
    ///   - threads: pictures decoded at the same time; the result does not depend on it.
    /// - Throws: `VideoError.noDecoder`, `VideoError.systemFailure`.
    init(
        _ demuxer: borrowing Demuxer, uri: String, limits: DecodeLimits, threads: Int
    ) throws(VideoError) {
        economy = DecoderEconomy(codec: demuxer.facts.codec)
        context = try demuxer.withStream { stream, diagnostics throws(VideoError) in
            let parameters = stream.pointee.codecpar
            let identifier = parameters?.pointee.codec_id ?? AV_CODEC_ID_NONE
            guard let parameters, let codec = avcodec_find_decoder(identifier) else {
                throw .noDecoder(uri: uri, codec: Self.name(of: stream))
            }
            var made: UnsafeMutablePointer<AVCodecContext>? = try allocated(
                avcodec_alloc_context3(codec), "creating a decoder")
            guard let context = made else {
                throw .systemFailure(operation: "creating a decoder", reason: "out of memory")
            }
            do throws(FFmpegStatus) {
                try check(avcodec_parameters_to_context(context, parameters))
                context.pointee.opaque = UnsafeMutableRawPointer(diagnostics)
                context.pointee.pkt_timebase = stream.pointee.time_base
                let count =
                    Self.onOneThread(identifier) ? 1 : max(1, min(threads, Self.mostThreads))
                context.pointee.thread_count = Int32(count)
                context.pointee.max_pixels = Int64(limits.maximumPixels)
                try check(avcodec_open2(context, codec, nil))
            } catch {
                let (width, height) = (
                    Int(parameters.pointee.width), Int(parameters.pointee.height)
                )
                avcodec_free_context(&made)
                if width > 0, height > 0, width > limits.maximumPixels / height {
                    throw .tooManyPixels(
                        uri: uri, width: width, height: height, limit: limits.maximumPixels)
                }
                throw .noDecoder(
                    uri: uri, codec: "\(String(cString: codec.pointee.name)) (\(error.text))")
            }
            return context
        }
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    /// More are of no use to decoders, and each of them holds a picture.
    static let mostThreads = 16

    /// Codecs whose pictures may depend on the number of threads: damaged VP8 data is not noticed
    /// as such, and what is made of it differs; FFmpeg's decoder of Theora gives another picture
    /// now and then (seen in one of six runs on a sound file).
    private static func onOneThread(_ codec: AVCodecID) -> Bool {
        [AV_CODEC_ID_VP8, AV_CODEC_ID_THEORA, AV_CODEC_ID_VP3, AV_CODEC_ID_VP4].contains(codec)
    }

    private static func name(of stream: UnsafeMutablePointer<AVStream>) -> String {
        let identifier = stream.pointee.codecpar.pointee.codec_id
        if identifier != AV_CODEC_ID_NONE { return String(cString: avcodec_get_name(identifier)) }
        // Unknown to FFmpeg: the four letters of the container say more.
        let tag = stream.pointee.codecpar.pointee.codec_tag
        let letters = (0..<4).map { UInt8(truncatingIfNeeded: tag >> (8 * $0)) }
        guard letters.allSatisfy({ (32..<127).contains($0) }) else { return "unknown" }
        return String(decoding: letters, as: UTF8.self)
    }

    /// Takes the packet that `packets` gave last.
    ///
    /// - Parameter isUnneeded: its picture is not wanted; it is still decoded where others need it.
    mutating func send(
        _ packets: borrowing PacketQueue, isUnneeded: Bool = false
    ) throws(FFmpegStatus) {
        if isUnneeded, economy == .packetByPacket { return }
        sent += 1
        rs_mark_next_packet(context, sent)
        // Read when the packet is decoded, which is before the next one is sent.
        context.pointee.skip_frame = isUnneeded ? AVDISCARD_NONREF : AVDISCARD_DEFAULT
        try check(avcodec_send_packet(context, packets.current))
    }

    /// No more packets: the pictures held back come out.
    mutating func finish() { avcodec_send_packet(context, nil) }

    /// Forgets everything, for reading on at another place.
    mutating func reset() { avcodec_flush_buffers(context) }

    /// The next picture in display order.
    ///
    /// - Throws: `FFmpegStatus.again` where another packet is needed, `.endOfFile` after the last.
    mutating func receive(into frame: borrowing DecodedFrame) throws(FFmpegStatus) {
        try check(avcodec_receive_frame(context, frame.pointer))
    }
}

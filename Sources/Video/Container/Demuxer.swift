internal import CFFmpeg
import Glibc

/// One open container: an `AVFormatContext` over our own bytes, with one video stream chosen.
///
/// Nothing but these bytes is ever opened unless references are allowed: demuxers that follow
/// names or open sockets are refused once the content is recognised, and `io_open`, through which
/// FFmpeg would open anything else, refuses as well.
struct Demuxer: ~Copyable {
    let context: UnsafeMutablePointer<AVFormatContext>
    private let io: UnsafeMutablePointer<AVIOContext>
    let packet: UnsafeMutablePointer<AVPacket>
    /// Keeps alive what the callbacks point at.
    let bytes: ByteSource
    /// Keeps alive what the log points at.
    private let diagnostics: Diagnostics
    let limits: DecodeLimits
    private let streamIndex: Int

    /// What the container says about itself and the chosen stream.
    let facts: ContainerFacts

    // MARK: Opening

    /// - Throws: what is wrong with the input, from `VideoError.notAVideo` to
    ///   `VideoError.noVideoStream`.
    init(
        _ bytes: ByteSource, limits: DecodeLimits, allowReferences: Bool
    ) throws(VideoError) {
        let uri = bytes.uri
        let diagnostics = try Diagnostics()
        let io = try Self.makeIO(bytes)
        var opened: UnsafeMutablePointer<AVFormatContext>?
        var succeeded = false
        defer {
            if !succeeded {
                avformat_close_input(&opened)
                rs_io_destroy(io)
            }
        }

        // What it is, by content alone.
        var format: UnsafePointer<AVInputFormat>?
        let probed = av_probe_input_buffer2(io, &format, "", nil, 0, UInt32(limits.probeBytes))
        try bytes.checkInterruption()
        guard probed >= 0, let format else {
            throw .notAVideo(
                uri: uri,
                reason: bytes.isEmpty
                    ? Wording.empty : "its content is of no known format")
        }
        let name = String(cString: format.pointee.name)
        if !allowReferences, Self.followsNames(format) {
            throw .namesOtherInputs(uri: uri, format: name)
        }

        // Its streams.
        opened = avformat_alloc_context()
        guard let context = opened else {
            throw .systemFailure(operation: "creating a container", reason: "out of memory")
        }
        context.pointee.pb = io
        // Ours to free, also where the container is closed before it was opened.
        context.pointee.flags |= AVFMT_FLAG_CUSTOM_IO
        context.pointee.opaque = UnsafeMutableRawPointer(diagnostics.pointer)
        context.pointee.max_streams = Int32(clamping: limits.maximumStreams)
        context.pointee.probesize = Int64(limits.analyzeBytes)
        context.pointee.max_analyze_duration = Int64(min(limits.analyzeSeconds, 1e9) * 1e6)
        if !allowReferences { rs_refuse_other_inputs(context) }
        if bytes.isPipe, bytes.canRewind, name.hasPrefix("mov"), try Self.needsItsEndFirst(bytes) {
            // The spool makes a pipe seekable; only worth it where the index comes last.
            io.pointee.seekable = AVIO_SEEKABLE_NORMAL
        }
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        let protocols =
            allowReferences ? "file,data,\(ByteSource.networkProtocols)" : "none"
        av_dict_set(&options, "protocol_whitelist", protocols, 0)
        if allowReferences { av_dict_set(&options, "enable_drefs", "1", 0) }
        let status = avformat_open_input(
            &opened, allowReferences ? uri : "", format, &options)
        guard status >= 0, opened != nil else {
            // avformat_open_input frees the context where it fails, but not our io.
            opened = nil
            try bytes.checkInterruption()
            let seen = diagnostics.read()
            if let refused = seen.refused {
                throw .tooManyPixels(
                    uri: uri, width: refused.width, height: refused.height,
                    limit: limits.maximumPixels)
            }
            throw .notAVideo(
                uri: uri,
                reason: Wording.unreadableHeader(
                    seen.line, endsEarly: status == rs_error_end_of_file))
        }
        avformat_find_stream_info(context, nil)
        try bytes.checkInterruption()
        let count = Int(context.pointee.nb_streams)
        if count > limits.maximumStreams {
            throw .tooManyStreams(uri: uri, count: count, limit: limits.maximumStreams)
        }
        guard let chosen = Self.bestVideoStream(context) else {
            throw .noVideoStream(uri: uri, container: name)
        }
        for index in 0..<count where index != chosen {
            rs_stream(context, Int32(index)).pointee.discard = AVDISCARD_ALL
        }
        guard let packet = av_packet_alloc() else {
            throw .systemFailure(operation: "creating a packet", reason: "out of memory")
        }
        succeeded = true
        self.context = context
        self.io = io
        self.packet = packet
        self.bytes = bytes
        self.diagnostics = diagnostics
        self.limits = limits
        streamIndex = chosen
        facts = ContainerFacts(context, stream: chosen, name: name)
    }

    deinit {
        var packet: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&packet)
        var context: UnsafeMutablePointer<AVFormatContext>? = context
        avformat_close_input(&context)
        rs_io_destroy(io)
    }

    private static func makeIO(
        _ bytes: ByteSource
    ) throws(VideoError) -> UnsafeMutablePointer<AVIOContext> {
        let io = try allocated(
            rs_io_create(
                1 << 16, Unmanaged.passUnretained(bytes).toOpaque(),
                { owner, buffer, count in
                    guard let owner, let buffer else { return rs_error_invalid_data }
                    return ByteSource.from(owner).read(into: buffer, count: count)
                },
                { owner, offset, whence in
                    guard let owner else { return Int64(rs_error_invalid_data) }
                    return ByteSource.from(owner).seek(offset, whence)
                }), "creating an input")
        io.pointee.seekable = bytes.isRandomAccess ? AVIO_SEEKABLE_NORMAL : 0
        return io
    }

    /// Demuxers that read names of other inputs from their input, open sockets or devices, or run
    /// scripts.
    private static let followers: Set<String> = [
        "concat", "concatf", "hls", "applehttp", "dash", "webm_dash_manifest", "sdp", "rtsp",
        "rtp", "sap", "imf", "image2", "lavfi", "avisynth", "vapoursynth", "vobsub", "mpjpeg",
        "alsa", "v4l2", "video4linux2", "kmsgrab", "x11grab", "fbdev",
    ]

    private static func followsNames(_ format: UnsafePointer<AVInputFormat>) -> Bool {
        if format.pointee.flags & AVFMT_NOFILE != 0 { return true }
        let names = String(cString: format.pointee.name).split(separator: ",")
        return names.contains { followers.contains(String($0)) }
    }

    /// Whether an MP4 or QuickTime file has its samples before the index that tells where they are.
    private static func needsItsEndFirst(_ bytes: ByteSource) throws(VideoError) -> Bool {
        // The probe has read these bytes already; where reading goes on does not change.
        let head = try bytes.peekKeepingPosition(4096)
        var offset = 0
        while offset + 8 <= head.count {
            let size = head[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
            switch String(decoding: head[offset + 4..<offset + 8], as: UTF8.self) {
            case "moov", "moof": return false
            case "mdat": return true
            default: break
            }
            guard size >= 8 else { return true }
            offset += size
        }
        return true
    }

    /// The stream with the largest picture; attached pictures and streams without a decoder only
    /// where there is nothing better.
    private static func bestVideoStream(
        _ context: UnsafeMutablePointer<AVFormatContext>
    ) -> Int? {
        var best: (index: Int, rank: (Int, Int, Int, Int))?
        for index in 0..<Int(context.pointee.nb_streams) {
            let stream = rs_stream(context, Int32(index)).pointee
            guard let parameters = stream.codecpar?.pointee,
                parameters.codec_type == AVMEDIA_TYPE_VIDEO
            else { continue }
            let still =
                stream.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)
            let decodable = avcodec_find_decoder(parameters.codec_id) != nil
            let area =
                Int(max(0, min(parameters.width, 1 << 20)))
                * Int(max(0, min(parameters.height, 1 << 20)))
            let isDefault = stream.disposition & AV_DISPOSITION_DEFAULT != 0
            let rank = (still == 0 ? 1 : 0, decodable ? 1 : 0, area, isDefault ? 1 : 0)
            if let found = best, found.rank >= rank { continue }
            best = (index, rank)
        }
        return best?.index
    }

    // MARK: Reading

    /// What one call of `read` gave.
    enum Outcome {
        /// A packet of the video stream, valid until the next call.
        case packet(PacketFacts)
        case end
        /// The container is broken here, and nothing more can be read.
        case failure(FFmpegStatus)
    }

    /// The next packet of the video stream.
    ///
    /// - Throws: see `ByteSource.checkInterruption`.
    mutating func read() throws(VideoError) -> Outcome {
        var foreign = 0
        while true {
            av_packet_unref(packet)
            let status = av_read_frame(context, packet)
            try bytes.checkInterruption()
            if status == rs_error_end_of_file { return .end }
            if status == rs_error_again {
                foreign += 1
                if foreign < limits.foreignPackets { continue }
            }
            if status < 0 { return .failure(FFmpegStatus(code: status)) }
            if Int(packet.pointee.stream_index) == streamIndex {
                return .packet(PacketFacts(packet))
            }
            foreign += 1
            if foreign >= limits.foreignPackets { return .end }
        }
    }

    /// Goes to the last key frame at or before `ticks` of the stream's time base, as far as the
    /// container's index knows.
    mutating func seek(toTicks ticks: Int64) -> Bool {
        av_seek_frame(context, Int32(streamIndex), ticks, AVSEEK_FLAG_BACKWARD) >= 0
    }

    // MARK: For the decoder

    /// Calls `body` with the parameters of the video stream and the log of this reader.
    func withStream<Result>(
        _ body: (UnsafeMutablePointer<AVStream>, UnsafeMutablePointer<rs_diagnostics>)
            throws(VideoError) -> Result
    ) throws(VideoError) -> Result {
        try body(rs_stream(context, Int32(streamIndex)), diagnostics.pointer)
    }

    /// Moves the packet that `read` gave into another one, which must be empty.
    func movePacket(into other: UnsafeMutablePointer<AVPacket>) {
        av_packet_move_ref(other, packet)
    }

    /// Whether the decoder had to invent a part of the picture, or its references.
    func isDamaged(_ frame: borrowing DecodedFrame) -> Bool {
        frame.isCorrupt || rs_frame_is_concealed(diagnostics.pointer, frame.pointer) != 0
    }

    /// FFmpeg's last error line, and the largest picture that it refused.
    func complaints() -> (line: String?, refused: (width: Int, height: Int)?) {
        diagnostics.read()
    }
}

/// What matters of a packet besides its bytes.
struct PacketFacts: Equatable {
    /// Nil where the container gives none.
    let pts: Int64?
    let dts: Int64?
    let isKey: Bool
    /// Decoded for its successors only, not to be shown (edit lists).
    let isDiscarded: Bool
    let isCorrupt: Bool
    let isEncrypted: Bool
    let size: Int
    let duration: Int64

    init(_ pointer: UnsafePointer<AVPacket>) {
        let packet = pointer.pointee
        isEncrypted = rs_packet_is_encrypted(pointer) != 0
        pts = packet.pts == rs_no_timestamp ? nil : packet.pts
        dts = packet.dts == rs_no_timestamp ? nil : packet.dts
        isKey = packet.flags & AV_PKT_FLAG_KEY != 0
        isDiscarded = packet.flags & AV_PKT_FLAG_DISCARD != 0
        isCorrupt = packet.flags & AV_PKT_FLAG_CORRUPT != 0
        size = Int(packet.size)
        duration = packet.duration
    }
}

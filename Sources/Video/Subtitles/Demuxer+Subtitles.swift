internal import CFFmpeg

extension Demuxer {
    private enum Rank: Int {
        case forced, plain, standard
    }

    /// Reads the subtitles of the container in place of its video, to its end.
    ///
    /// Of several streams with text that is read which is the default, and none that holds only
    /// what is forced on the viewer where there is another.
    mutating func subtitles() throws(VideoError) -> EmbeddedSubtitles {
        var found = EmbeddedSubtitles()
        found.startTime = facts.start?.seconds ?? 0
        var texts: [(stream: EmbeddedSubtitles.Stream, rank: Rank)] = []
        for index in 0..<Int(context.pointee.nb_streams) {
            let stream = rs_stream(context, Int32(index))
            guard let parameters = stream.pointee.codecpar,
                parameters.pointee.codec_type == AVMEDIA_TYPE_SUBTITLE
            else {
                stream.pointee.discard = AVDISCARD_ALL
                continue
            }
            let description = EmbeddedSubtitles.Stream(
                index: index, codec: String(cString: avcodec_get_name(parameters.pointee.codec_id)),
                language: Self.language(of: stream))
            guard Self.isText(parameters.pointee.codec_id) else {
                found.pictures.append(description)
                stream.pointee.discard = AVDISCARD_ALL
                continue
            }
            let disposition = stream.pointee.disposition
            let rank: Rank =
                disposition & AV_DISPOSITION_FORCED != 0
                ? .forced : disposition & AV_DISPOSITION_DEFAULT != 0 ? .standard : .plain
            texts.append((description, rank))
        }
        // Of equals the first.
        guard
            let chosen = texts.enumerated().max(by: {
                ($0.element.rank.rawValue, -$0.offset) < ($1.element.rank.rawValue, -$1.offset)
            })?.element.stream
        else { return found }
        found.stream = chosen
        found.others = texts.map(\.stream).filter { $0 != chosen }
        for stream in texts.map(\.stream) {
            rs_stream(context, Int32(stream.index)).pointee.discard =
                stream == chosen ? AVDISCARD_DEFAULT : AVDISCARD_ALL
        }
        try read(chosen.index, into: &found)
        found.cues = found.cues.ordered()
        return found
    }

    private mutating func read(
        _ index: Int, into found: inout EmbeddedSubtitles
    ) throws(VideoError) {
        let stream = rs_stream(context, Int32(index))
        guard let timeBase = stream.pointee.time_base.rational,
            let decoder = SubtitleDecoder(stream)
        else { return }
        let start = facts.start ?? .zero
        var openEnds: [Int] = []
        var foreign = 0
        while found.cues.count < SubtitleLimits.cues {
            av_packet_unref(packet)
            let status = av_read_frame(context, packet)
            try bytes.checkInterruption()
            if status == rs_error_again, foreign < limits.foreignPackets {
                foreign += 1
                continue
            }
            guard status >= 0 else { break }
            guard Int(packet.pointee.stream_index) == index else { continue }
            guard packet.pointee.pts != rs_no_timestamp,
                ContainerFacts.isPlausible(packet.pointee.pts, timeBase)
            else {
                found.damaged += 1
                continue
            }
            guard let texts = decoder.texts(of: packet) else {
                found.damaged += 1
                continue
            }
            let from = (MediaTime(ticks: packet.pointee.pts, timeBase: timeBase) - start).seconds
            let ticks = max(0, packet.pointee.duration)
            let length =
                ContainerFacts.isPlausible(ticks, timeBase)
                ? MediaTime(ticks: ticks, timeBase: timeBase).seconds : 0
            for place in openEnds { found.cues[place].end = min(found.cues[place].end, from) }
            openEnds = []
            let words = texts.compactMap { SubtitleMarkup.words(in: $0, .subStation) }
            guard !words.isEmpty, from + max(length, Self.unknownLength) > 0 else { continue }
            if length == 0 { openEnds.append(found.cues.count) }
            found.cues.append(
                SubtitleCue(
                    start: max(0, from), end: from + (length > 0 ? length : Self.unknownLength),
                    text: words.joined(separator: " ")))
        }
        found.cues.removeAll { $0.end <= $0.start }
    }

    /// Seconds that a text is shown whose end is not told, unless another follows.
    private static let unknownLength = 5.0

    private static func isText(_ codec: AVCodecID) -> Bool {
        guard let descriptor = avcodec_descriptor_get(codec) else { return false }
        return descriptor.pointee.props & AV_CODEC_PROP_TEXT_SUB != 0
            && avcodec_find_decoder(codec) != nil
    }

    /// A short tag of letters; nil for anything else.
    private static func language(of stream: UnsafeMutablePointer<AVStream>) -> String? {
        guard let entry = av_dict_get(stream.pointee.metadata, "language", nil, 0) else {
            return nil
        }
        let tag = String(cString: entry.pointee.value)
        let isTag =
            (2...12).contains(tag.utf8.count)
            && tag.utf8.allSatisfy { (97...122).contains($0 | 32) || $0 == 45 }
        return isTag && tag != "und" ? tag : nil
    }
}

/// One of FFmpeg's decoders of text subtitles.
private struct SubtitleDecoder: ~Copyable {
    private let context: UnsafeMutablePointer<AVCodecContext>

    /// Nil where the decoder does not take the stream.
    init?(_ stream: UnsafeMutablePointer<AVStream>) {
        guard let parameters = stream.pointee.codecpar,
            let codec = avcodec_find_decoder(parameters.pointee.codec_id),
            let made = avcodec_alloc_context3(codec)
        else { return nil }
        made.pointee.pkt_timebase = stream.pointee.time_base
        guard avcodec_parameters_to_context(made, parameters) >= 0,
            avcodec_open2(made, codec, nil) >= 0
        else {
            var context: UnsafeMutablePointer<AVCodecContext>? = made
            avcodec_free_context(&context)
            return nil
        }
        context = made
    }

    deinit {
        var context: UnsafeMutablePointer<AVCodecContext>? = context
        avcodec_free_context(&context)
    }

    /// The event texts of a packet, in the notation of SubStation Alpha; nil where it is damaged.
    func texts(of packet: UnsafeMutablePointer<AVPacket>) -> [String]? {
        var subtitle = AVSubtitle()
        var isThere: Int32 = 0
        guard avcodec_decode_subtitle2(context, &subtitle, &isThere, packet) >= 0 else {
            return nil
        }
        guard isThere != 0 else { return [] }
        defer { avsubtitle_free(&subtitle) }
        return (0..<Int(subtitle.num_rects)).compactMap { index in
            guard let rect = subtitle.rects?[index] else { return nil }
            if let line = rect.pointee.ass { return Self.event(String(cString: line)) }
            return rect.pointee.text.map { String(cString: $0) }
        }
    }

    /// The text behind the eight fields of an event's line.
    private static func event(_ line: String) -> String {
        let fields = line.split(separator: ",", maxSplits: 8, omittingEmptySubsequences: false)
        return fields.count == 9 ? String(fields[8]) : line
    }
}

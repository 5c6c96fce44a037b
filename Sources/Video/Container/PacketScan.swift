/// What the packets of a stream tell without decoding them.
struct PacketScan {
    /// Packets that are to be shown.
    let count: Int
    /// Where the last picture ends, on the axis of the stream's time stamps; nil without packets.
    let end: MediaTime?
    /// Time stamps were missing, or packets were damaged, so that decoding may find otherwise.
    let isDoubtful: Bool
    /// Every packet was whole and had its time stamp, so that `end` is not a guess.
    let hasAllTimes: Bool
    /// Pixels of a picture as the container tells; 0 where it does not.
    let area: Int
    let averageRate: Rational?

    /// Reads the whole of a container.
    init(
        _ bytes: ByteSource, limits: DecodeLimits, allowReferences: Bool, fps: Rational
    ) throws(VideoError) {
        var demuxer = try Demuxer(bytes, limits: limits, allowReferences: allowReferences)
        let facts = demuxer.facts
        let rate = facts.nominalRate ?? fps
        let period = MediaTime(ticks: Int128(rate.denominator), scale: Int128(rate.numerator))
        var count = 0
        var doubtful = false
        var last: (pts: Int64, duration: Int64)?
        var before: Int64?
        reading: while true {
            switch try demuxer.read() {
            case .end: break reading
            case .failure:
                doubtful = true
                break reading
            case .packet(let packet):
                if packet.isCorrupt { doubtful = true }
                guard !packet.isDiscarded, packet.size > 0 else { continue }
                count += 1
                guard let pts = packet.pts, ContainerFacts.isPlausible(pts, facts.timeBase) else {
                    doubtful = true
                    continue
                }
                if let latest = last?.pts, pts <= latest {
                    if pts < latest { before = max(before ?? pts, pts) }
                } else {
                    before = last?.pts
                    last = (pts, packet.duration)
                }
            }
        }
        self.count = count
        let size = facts.declaredSize
        area = max(0, min(size.width, 1 << 20)) * max(0, min(size.height, 1 << 20))
        averageRate = facts.averageRate
        hasAllTimes = !doubtful
        isDoubtful =
            doubtful || averageRate == nil || Self.codecsWithSilentPackets.contains(facts.codec)
        guard let last else {
            end = count > 0 ? (facts.start ?? .zero) + period * count : nil
            return
        }
        var length = period
        if last.duration > 0, ContainerFacts.isPlausible(last.duration, facts.timeBase) {
            var duration = last.duration
            if let short = facts.missingFromLastPacket,
                last.pts.addingReportingOverflow(duration).partialValue == short.end
            {
                duration += short.delay
            }
            length = MediaTime(ticks: duration, timeBase: facts.timeBase)
        } else if let before {
            length = MediaTime(ticks: last.pts - before, timeBase: facts.timeBase)
        }
        end = MediaTime(ticks: last.pts, timeBase: facts.timeBase) + length
    }

    /// Codecs in which a packet of a sound file may give no picture, or two packets give one.
    private static let codecsWithSilentPackets: Set<String> = [
        "mpeg4", "msmpeg4v3", "msmpeg4v2", "vp8", "vp7", "vp6f", "mpeg1video", "mpeg2video", "gif",
        "theora", "flv1", "vc1", "wmv3", "rv40", "rv30", "svq3", "cinepak",
    ]
}

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
        var tally = PacketTally(timeBase: facts.timeBase)
        reading: while true {
            switch try demuxer.read() {
            case .end: break reading
            case .failure:
                tally.fail()
                break reading
            case .packet(let packet): tally.add(packet)
            }
        }
        count = tally.count
        let size = facts.declaredSize
        area = max(0, min(size.width, 1 << 20)) * max(0, min(size.height, 1 << 20))
        averageRate = facts.averageRate
        hasAllTimes = !tally.isDoubtful
        isDoubtful =
            tally.isDoubtful || averageRate == nil
            || Self.codecsWithSilentPackets.contains(facts.codec)
        end = tally.end(facts, period: period)
    }

    /// Codecs in which a packet of a sound file may give no picture, or two packets give one.
    private static let codecsWithSilentPackets: Set<String> = [
        "mpeg4", "msmpeg4v3", "msmpeg4v2", "vp8", "vp7", "vp6f", "mpeg1video", "mpeg2video", "gif",
        "theora", "flv1", "vc1", "wmv3", "rv40", "rv30", "svq3", "cinepak",
    ]
}

/// What the packets of a stream, as far as they were read, tell of how many pictures there are and
/// where they end.
struct PacketTally {
    /// Packets that are to be shown.
    private(set) var count = 0
    /// A time stamp was missing, or a packet was damaged: decoding may find otherwise.
    private(set) var isDoubtful = false
    /// All packets, and their bytes.
    private(set) var packets = 0
    private(set) var bytes = 0
    private let timeBase: Rational
    private var last: (pts: Int64, duration: Int64)?
    private var before: Int64?

    init(timeBase: Rational) { self.timeBase = timeBase }

    mutating func add(_ packet: PacketFacts) {
        if packet.isCorrupt { isDoubtful = true }
        packets += 1
        bytes += packet.size
        guard !packet.isDiscarded, packet.size > 0 else { return }
        count += 1
        guard let pts = packet.pts, ContainerFacts.isPlausible(pts, timeBase) else {
            isDoubtful = true
            return
        }
        if let latest = last?.pts, pts <= latest {
            if pts < latest { before = max(before ?? pts, pts) }
        } else {
            before = last?.pts
            last = (pts, packet.duration)
        }
    }

    /// The container broke off.
    mutating func fail() { isDoubtful = true }

    /// Where the last picture ends, on the axis of the stream's time stamps; nil without packets.
    ///
    /// - Parameter period: how long a picture lasts where nothing tells it.
    func end(_ facts: ContainerFacts, period: MediaTime) -> MediaTime? {
        guard let last else {
            return count > 0 ? (facts.start ?? .zero) + period * count : nil
        }
        var length = period
        if last.duration > 0, ContainerFacts.isPlausible(last.duration, timeBase) {
            var duration = last.duration
            if let short = facts.missingFromLastPacket,
                last.pts.addingReportingOverflow(duration).partialValue == short.end
            {
                duration += short.delay
            }
            length = MediaTime(ticks: duration, timeBase: timeBase)
        } else if let before {
            length = MediaTime(ticks: last.pts - before, timeBase: timeBase)
        }
        return MediaTime(ticks: last.pts, timeBase: timeBase) + length
    }
}

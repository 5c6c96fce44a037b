/// Watches whether packets and pictures keep the order that their time stamps tell, on which it
/// rests which picture is shown when without decoding all of them.
struct PacketOrder {
    /// A time stamp was missing, came too late, or was not that of the picture.
    private(set) var isDoubtful = false
    private var latestDTS = Int64.min
    private var latestShown = Int64.min
    /// Packets decoded so far, and the time stamps of the last ones.
    private(set) var count = 0
    private var recent: [Int64?] = []
    /// More than packets that wait in a decoder.
    private static let reach = 128

    /// A packet is decoded next.
    ///
    /// - Parameter start: earlier pictures are not shown; nil: all are.
    mutating func note(_ packet: PacketFacts, from start: Int64?) {
        count += 1
        recent.append(packet.isDiscarded ? nil : packet.pts)
        if recent.count > Self.reach { recent.removeFirst() }
        if let dts = packet.dts {
            if dts < latestDTS { isDoubtful = true }
            latestDTS = dts
        }
        if packet.isDiscarded { return }
        guard let pts = packet.pts else {
            isDoubtful = true
            return
        }
        if let dts = packet.dts, pts < dts { isDoubtful = true }
        if pts >= start ?? .min, pts < latestShown { isDoubtful = true }
    }

    /// The number of the last packet with a time stamp, from 0; nil where there was none lately.
    func number(ofPacketAt pts: Int64) -> Int? {
        recent.lastIndex(of: pts).map { count - recent.count + $0 }
    }

    /// A picture came out.
    ///
    /// - Parameters:
    ///   - ticks: when it is shown.
    ///   - packet: the time stamp of its packet.
    mutating func noteShown(ticks: Int64?, packet: Int64?) {
        guard let ticks, ticks == packet else {
            isDoubtful = true
            return
        }
        latestShown = max(latestShown, ticks)
    }
}

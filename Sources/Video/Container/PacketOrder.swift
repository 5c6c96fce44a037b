/// Watches whether packets and pictures keep the order that their time stamps tell, on which it
/// rests which picture is shown when without decoding all of them.
struct PacketOrder {
    /// A time stamp was missing, came too late, or was not that of the picture.
    private(set) var isDoubtful = false
    private var latestDTS = Int64.min
    private var latestShown = Int64.min

    /// A packet is decoded next.
    ///
    /// - Parameter start: earlier pictures are not shown; nil: all are.
    mutating func note(_ packet: PacketFacts, from start: Int64?) {
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

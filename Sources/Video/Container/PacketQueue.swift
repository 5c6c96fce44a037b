internal import CFFmpeg

/// Packets that were read and not decoded yet, in the order of the file.
///
/// Which pictures are passed over depends on when their neighbours are shown, and those come later
/// in the file. So a few packets are read ahead.
struct PacketQueue: ~Copyable {
    private struct Entry {
        var facts: PacketFacts
        var packet: UnsafeMutablePointer<AVPacket>
    }

    /// The packet that `next` gave last; empty before and after that.
    let current: UnsafeMutablePointer<AVPacket>
    private var waiting: [Entry] = []
    /// Entries at the front of `waiting` that were handed out.
    private var taken = 0
    /// What follows the packets that wait; nil where that is not known yet.
    private var ending: Demuxer.Outcome?
    private var spare: [UnsafeMutablePointer<AVPacket>] = []

    /// When the pictures of packets that wait, and of some before them, are shown.
    private(set) var times = PacketTimes()
    /// Of all packets read.
    private(set) var tally: PacketTally

    init(timeBase: Rational) throws(VideoError) {
        current = try allocated(av_packet_alloc(), "creating a packet")
        tally = PacketTally(timeBase: timeBase)
    }

    deinit {
        for entry in waiting[taken...] { Self.free(entry.packet) }
        for packet in spare + [current] { Self.free(packet) }
    }

    private static func free(_ packet: UnsafeMutablePointer<AVPacket>) {
        var packet: UnsafeMutablePointer<AVPacket>? = packet
        av_packet_free(&packet)
    }

    /// The next packet, which becomes the current one, or what comes after the last.
    ///
    /// - Parameter ahead: packets behind it that are read as well.
    mutating func next(
        from demuxer: inout Demuxer, ahead: Int
    ) throws(VideoError) -> Demuxer.Outcome {
        av_packet_unref(current)
        while ending == nil, waiting.count - taken <= ahead { try readOne(from: &demuxer) }
        guard taken < waiting.count else { return ending ?? .end }
        let entry = waiting[taken]
        taken += 1
        // Moved in blocks, so that a long queue costs no more for each packet than a short one.
        if 2 * taken >= waiting.count {
            waiting.removeFirst(taken)
            taken = 0
        }
        av_packet_move_ref(current, entry.packet)
        spare.append(entry.packet)
        if let pts = entry.facts.shownAt { times.pass(pts) }
        return .packet(entry.facts)
    }

    /// Reads to the end, unless that is so many packets or bytes from the beginning.
    ///
    /// - Returns: whether the end was reached.
    mutating func readAll(
        from demuxer: inout Demuxer, most: Int, bytes: Int
    ) throws(VideoError) -> Bool {
        while ending == nil, tally.packets < most, tally.bytes < bytes {
            try readOne(from: &demuxer)
        }
        if case .end? = ending { return true }
        return false
    }

    private mutating func readOne(from demuxer: inout Demuxer) throws(VideoError) {
        let outcome = try demuxer.read()
        guard case .packet(let facts) = outcome else {
            if case .failure = outcome { tally.fail() }
            ending = outcome
            return
        }
        let packet: UnsafeMutablePointer<AVPacket>
        if let again = spare.popLast() {
            packet = again
        } else {
            packet = try allocated(av_packet_alloc(), "creating a packet")
        }
        demuxer.movePacket(into: packet)
        waiting.append(Entry(facts: facts, packet: packet))
        tally.add(facts)
        if let pts = facts.shownAt { times.add(pts) }
    }

    /// Forgets everything: reading goes on at another place.
    mutating func removeAll(timeBase: Rational) {
        av_packet_unref(current)
        for entry in waiting[taken...] {
            av_packet_unref(entry.packet)
            spare.append(entry.packet)
        }
        waiting = []
        taken = 0
        ending = nil
        times = PacketTimes()
        tally = PacketTally(timeBase: timeBase)
    }
}

extension PacketFacts {
    /// The time stamp of a packet whose picture is shown.
    fileprivate var shownAt: Int64? { isDiscarded ? nil : pts }
}

/// Time stamps of packets that come, and of the last ones that went, in the order of presentation.
package struct PacketTimes: Sendable {
    private var sorted: [Int64] = []
    private var passed: [Int64] = []
    /// More than a decoder reorders.
    private static let reach = 32

    package init() {}

    package mutating func add(_ pts: Int64) {
        sorted.insert(pts, at: sorted.partitioningIndex { $0 > pts })
    }

    /// A packet that was added is decoded now.
    package mutating func pass(_ pts: Int64) {
        passed.append(pts)
        guard passed.count > Self.reach else { return }
        let oldest = passed.removeFirst()
        sorted.remove(at: sorted.partitioningIndex { $0 >= oldest })
    }

    /// The time stamps around one that was added.
    package struct Neighbours: Sendable, Equatable {
        package var before: Int64?
        package var next: Int64
        package var second: Int64

        package init(before: Int64?, next: Int64, second: Int64) {
            self.before = before
            self.next = next
            self.second = second
        }
    }

    /// Nil where two pictures have this time stamp, and for the last two pictures that are known.
    ///
    /// Packets that were not read yet may lie between, so that a picture is shown no longer than
    /// this tells.
    package func neighbours(of pts: Int64) -> Neighbours? {
        let place = sorted.partitioningIndex { $0 >= pts }
        guard place + 2 < sorted.count, sorted[place] == pts, sorted[place + 1] > pts else {
            return nil
        }
        return Neighbours(
            before: place > 0 ? sorted[place - 1] : nil, next: sorted[place + 1],
            second: sorted[place + 2])
    }
}

internal import CFFmpeg
import Imaging

/// When one picture is shown, and what it is worth.
struct PictureTiming: Equatable {
    /// Number in display order, counted from where decoding began.
    var index: Int
    /// Shown from here …
    var time: MediaTime
    /// … to here: the next picture's time, or the end of the last picture.
    var end: MediaTime
    /// A part of the picture was made up by the decoder.
    var isDamaged: Bool
    /// A new shot begins with it; false where cuts are not looked for.
    var beginsShot = false
}

/// The pictures of one video stream in display order, each with the time for which it is shown.
///
/// Two frames are alive at any time: the current one and its successor, whose time stamp ends the
/// current one; a few more while it is doubtful whether a shot begins. Nothing grows with the
/// length of the video.
struct ContainerFrames: ~Copyable {
    let bytes: ByteSource
    var demuxer: Demuxer
    private var packets: PacketQueue
    private var decoder: Decoder
    private var converter: PictureConverter
    private let limits: DecodeLimits

    private var shown: DecodedFrame
    private var incoming: DecodedFrame
    /// What follows the current picture.
    var coming: ComingPictures
    /// Nil where cuts are not looked for.
    private var cuts: CutDetector?
    private var lastGap: MediaTime?
    private var reachedEnd = false

    var clock: FrameClock
    private var losses = LossTracker()
    private var lost = SpanList()
    var coveredFrom: MediaTime?
    private var coveredTo: MediaTime?
    private var undecodable = 0
    private var drained = false
    private var sawEncryption = false
    private var sawDamage = false
    /// Packets before the next key frame are passed over; set by a seek.
    private var waitsForKey = false
    /// Time stamp of the key frame that a seek led to; earlier pictures lack their references.
    var firstKey: Int64?
    /// Pictures at other times need not be decoded; nil: all must.
    private var wanted: WantedTimes?
    /// Packets whose pictures nobody wants: all that no other picture needs were passed over.
    private(set) var passedOver = 0
    private var order = PacketOrder()
    /// No packet before this one is passed over.
    private var firstToPassOver = Int.max

    /// The picture that is shown; nil before the first `advance` and after the end.
    private(set) var current: PictureTiming?
    /// Upright size of the first picture.
    private(set) var firstSize: PixelSize?
    /// Pictures whose size is not that of the first.
    private(set) var sizeChanges = 0
    private(set) var framesDecoded = 0

    // MARK: Opening

    /// - Parameter fps: the sampling rate, which gives the last picture its duration where neither
    ///   the container nor a second picture does.
    init(
        _ bytes: ByteSource, limits: DecodeLimits, threads: Int, allowReferences: Bool,
        fps: Rational, detectsCuts: Bool = false
    ) throws(VideoError) {
        let demuxer = try Demuxer(bytes, limits: limits, allowReferences: allowReferences)
        let packets = try PacketQueue(timeBase: demuxer.facts.timeBase)
        let decoder = try Decoder(demuxer, uri: bytes.uri, limits: limits, threads: threads)
        let shown = try DecodedFrame()
        let incoming = try DecodedFrame()
        let coming = try ComingPictures()
        let facts = demuxer.facts
        let rate = facts.nominalRate ?? fps
        self.bytes = bytes
        self.limits = limits
        self.demuxer = demuxer
        self.packets = packets
        self.decoder = decoder
        self.shown = shown
        self.incoming = incoming
        self.coming = coming
        cuts = detectsCuts ? CutDetector() : nil
        converter = PictureConverter(containerMatrix: facts.matrix)
        clock = FrameClock(
            timeBase: facts.timeBase, containerStart: facts.start,
            period: MediaTime(ticks: Int128(rate.denominator), scale: Int128(rate.numerator)),
            maximumDuration: limits.maximumDuration)
    }

    // MARK: What is known so far

    var facts: ContainerFacts { demuxer.facts }
    /// What was subtracted from time stamps.
    var startTime: MediaTime { clock.start ?? facts.start ?? .zero }
    var rotation: Int { converter.rotation }
    var ignoredMatrix: Bool { converter.ignoredMatrix }
    var synthesisedTimes: Int { clock.synthesised }
    var disorderedTimes: Int { clock.disordered }
    /// Errors that the decoder and the container reported.
    var damageEvents: Int { losses.errors }
    /// Something was damaged up to the picture after the current one, so that decoding it with
    /// several threads gives results that depend on chance.
    var dependsOnThreads: Bool { losses.errors > 0 || sawDamage }
    /// Some time is not covered, or shown by a damaged picture.
    var hasLosses: Bool { !lost.spans.isEmpty }
    var lostPlaces: [TimeSpan] { lost.seconds }

    /// The end of the last picture that was the current one.
    var measuredEnd: MediaTime? { coveredTo }
    /// Whether every picture to the end has been the current one.
    var isFinished: Bool { reachedEnd && current == nil && coveredTo != nil }

    /// Where the stream says that it ends, since the start of the presentation.
    var claimedEnd: MediaTime? { facts.claimedEnd.map { $0 - startTime } }
    /// Where the stream presumably ends, since the start of the presentation.
    var estimatedEnd: MediaTime? { facts.estimatedEnd.map { $0 - startTime } }

    /// Whether the container promises notably more than there is: more than a second, and more
    /// than a fiftieth of its length.
    var isTruncated: Bool {
        guard isFinished, let claimed = claimedEnd, let measured = coveredTo else { return false }
        return claimed.seconds - measured.seconds > max(1, claimed.seconds / 50)
    }

    /// What was seen between the first picture, or the place a seek led to, and the current one.
    var coverage: Coverage {
        var unseen = lost
        guard let from = coveredFrom, let to = coveredTo, from <= to else {
            return Coverage(unseen: unseen.seconds)
        }
        let seen = lost.gaps(in: from..<to)
        if isTruncated, let claimed = claimedEnd { unseen.insert(from: to, to: claimed) }
        return Coverage(seen: seen.seconds, unseen: unseen.seconds)
    }

    // MARK: Pictures

    /// Makes the next picture the current one; false after the last.
    ///
    /// - Throws: `VideoError.stalled`, a limit, or `VideoError.nothingDecodable` where the end
    ///   comes before the first picture.
    mutating func advance() throws(VideoError) -> Bool {
        try decodeAhead { $0.isFirstDecided }
        guard let (first, duration) = coming.takeFirst(into: &shown) else {
            if framesDecoded == 0 { throw nothingDecodable() }
            current = nil
            return false
        }
        var picture = first
        try decodeAhead { !$0.isEmpty }
        if let next = coming.first {
            picture.end = next.time
            if picture.time < next.time { lastGap = next.time - picture.time }
        } else {
            picture.end = picture.time + length(ofLast: duration)
        }
        current = picture
        coveredFrom = coveredFrom ?? picture.time
        coveredTo = picture.end
        if picture.isDamaged { lost.insert(from: picture.time, to: picture.end) }
        return true
    }

    /// The current picture, after the end the last one, upright, in 8-bit RGB.
    mutating func image() throws(VideoError) -> RGBImage {
        try converter.image(of: shown)
    }

    /// How long the last picture lasts: what the container says, else as long as the picture
    /// before it, else a period of the stream's rate.
    private func length(ofLast duration: Int64) -> MediaTime {
        if duration > 0, ContainerFacts.isPlausible(duration, clock.timeBase) {
            let length = MediaTime(ticks: duration, timeBase: clock.timeBase)
            if length.seconds <= limits.maximumDuration { return length }
        }
        return lastGap ?? clock.period
    }

    // MARK: Decoding

    /// Decodes until enough is known about the pictures that come, or until the end.
    mutating func decodeAhead(
        until isEnough: (borrowing ComingPictures) -> Bool
    ) throws(VideoError) {
        while !isEnough(coming), !reachedEnd {
            reachedEnd = !(try decodeIncoming())
            if reachedEnd { cuts?.finish() }
            while let isCut = cuts?.nextDecision() { coming.decide(isCut) }
        }
    }

    /// Decodes a picture and adds it to those that come; false at the end.
    private mutating func decodeIncoming() throws(VideoError) -> Bool {
        while true {
            var status: FFmpegStatus?
            do throws(FFmpegStatus) {
                try decoder.receive(into: incoming)
            } catch {
                status = error
                noteRefusal(error)
            }
            switch status {
            case nil:
                undecodable = 0
                if try acceptIncoming() { return true }
            case .again?:
                if !(try feed()) { return false }
            case .endOfFile?:
                noteLosses(losses.finished())
                return false
            default:
                losses.failed()
                undecodable += 1
                if undecodable > limits.undecodablePackets { return false }
            }
        }
    }

    /// Sends one packet, or the end, to the decoder; false where that has been done.
    private mutating func feed() throws(VideoError) -> Bool {
        guard !drained else { return false }
        guard undecodable <= limits.undecodablePackets,
            case .packet(let packet) = try nextPacket()
        else {
            drained = true
            decoder.finish()
            return true
        }
        if waitsForKey {
            guard packet.isKey else { return true }
            waitsForKey = false
            firstKey = packet.pts
        }
        order.note(packet, from: firstKey)
        let isUnneeded = isUnneeded(packet)
        sawEncryption = sawEncryption || packet.isEncrypted
        if isUnneeded {
            passedOver += 1
        } else {
            undecodable += 1
            if let pts = packet.pts, !packet.isDiscarded, pts >= firstKey ?? .min {
                losses.sent(pts: pts)
            }
        }
        if packet.isCorrupt { losses.failed() }
        do throws(FFmpegStatus) {
            try decoder.send(packets, isUnneeded: isUnneeded)
        } catch {
            losses.failed()
            noteRefusal(error)
        }
        return true
    }

    private func noteRefusal(_ status: FFmpegStatus) {
        if status.code == rs_error_no_memory { bytes.activity?.noteMemoryRefusal() }
    }

    private mutating func nextPacket() throws(VideoError) -> Demuxer.Outcome {
        let outcome = try packets.next(
            from: &demuxer, ahead: wanted == nil ? 0 : Self.packetsAhead)
        if case .failure = outcome { losses.failed() }
        return outcome
    }

    /// Takes the frame that came out; false where it is not to be shown.
    private mutating func acceptIncoming() throws(VideoError) -> Bool {
        let width = incoming.width
        let height = incoming.height
        let (area, overflow) = width.multipliedReportingOverflow(by: height)
        guard width > 0, height > 0, !overflow else { return false }
        if area > limits.maximumPixels {
            throw .tooManyPixels(
                uri: bytes.uri, width: width, height: height, limit: limits.maximumPixels)
        }
        let ticks = incoming.timestamp
        if let firstKey, let ticks, ticks < firstKey { return false }
        let duration = incoming.duration
        guard case .at(let time) = clock.time(ofTicks: ticks, duration: duration) else {
            throw .tooLong(uri: bytes.uri, limit: limits.maximumDuration)
        }
        order.noteShown(ticks: ticks, packet: incoming.packetTimestamp)
        if let pts = incoming.packetTimestamp { noteLosses(losses.received(pts: pts)) }
        let size = converter.uprightSize(of: incoming)
        if let firstSize, size != firstSize { sizeChanges += 1 }
        firstSize = firstSize ?? size
        let isDamaged = demuxer.isDamaged(incoming)
        sawDamage = sawDamage || isDamaged
        var length = duration
        if let short = facts.missingFromLastPacket, let ticks, duration > 0,
            ticks.addingReportingOverflow(duration).partialValue == short.end
        {
            length = duration + short.delay
        }
        if cuts != nil {
            let thumbnail = isDamaged ? nil : Thumbnail(incoming)
            cuts?.observe(thumbnail)
        }
        coming.append(
            PictureTiming(index: framesDecoded, time: time, end: time, isDamaged: isDamaged),
            duration: length, frame: &incoming, isDecided: cuts == nil)
        framesDecoded += 1
        return true
    }

    private mutating func noteLosses(_ losses: [LossTracker.Loss]) {
        for loss in losses {
            guard let from = clock.time(ofTicks: loss.pts) else { continue }
            let to = loss.next.flatMap { clock.time(ofTicks: $0) } ?? from + clock.period
            lost.insert(from: from, to: to)
        }
    }

    private func nothingDecodable() -> VideoError {
        let (line, refused) = demuxer.complaints()
        for size in [refused, facts.declaredSize].compactMap(\.self) {
            let (area, overflow) = size.width.multipliedReportingOverflow(by: size.height)
            if overflow || area > limits.maximumPixels {
                return .tooManyPixels(
                    uri: bytes.uri, width: size.width, height: size.height,
                    limit: limits.maximumPixels)
            }
        }
        return .nothingDecodable(
            uri: bytes.uri, reason: Wording.noPicture(line),
            encrypted: facts.isEncrypted || sawEncryption)
    }

    /// Forgets all pictures: the demuxer was led to another place.
    mutating func beginAtNextKey() {
        packets.removeAll(timeBase: facts.timeBase)
        decoder.reset()
        order = PacketOrder()
        (wanted, firstToPassOver) = (nil, .max)
        clock.forgetOrder()
        losses = LossTracker()
        lost = SpanList()
        coming.removeAll()
        if cuts != nil { cuts = CutDetector() }
        (current, lastGap, coveredFrom, coveredTo) = (nil, nil, nil, nil)
        (undecodable, framesDecoded) = (0, 0)
        (drained, reachedEnd) = (false, false)
        (waitsForKey, firstKey) = (true, nil)
    }
}

// MARK: - Passing over

extension ContainerFrames {
    /// Packets read ahead, so that the time stamps after each of them are known.
    fileprivate static let packetsAhead = 8

    /// From here on pictures that are not wanted, and that no other picture needs, may be missing
    /// among those that become the current one. The pictures that are shown at the wanted times
    /// are the same.
    ///
    /// The first picture must have been the current one already.
    ///
    /// Packets that may be in the decoder already are not passed over, however many threads it has,
    /// so that the pictures that are decoded do not depend on it.
    mutating func passOver(allBut wanted: WantedTimes) {
        guard let pts = shown.packetTimestamp, let number = order.number(ofPacketAt: pts) else {
            return
        }
        // Of codecs that reorder, 16 pictures may be held back for it; two more are coming.
        let heldBack = decoder.economy == .packetByPacket ? 3 : 20
        firstToPassOver = number + Decoder.mostThreads + heldBack
        self.wanted = wanted
    }

    /// Pictures were passed over of which it turned out later that they may matter: the input has
    /// to be read again without that.
    var lacksPictures: Bool { passedOver > 0 && mustDecodeAll }

    /// Every picture counts in a report on damage; and time stamps that are missing or out of order
    /// do not tell which picture is shown when.
    private var mustDecodeAll: Bool {
        dependsOnThreads || order.isDoubtful || sizeChanges > 0 || clock.synthesised > 0
            || clock.disordered > 0
    }

    fileprivate func isUnneeded(_ packet: PacketFacts) -> Bool {
        guard let wanted, order.count > firstToPassOver, decoder.economy != .none, !mustDecodeAll,
            !packet.isDiscarded,
            packet.size > 0, let pts = packet.pts, pts >= firstKey ?? .min,
            let around = packets.times.neighbours(of: pts),
            let from = clock.time(ofTicks: pts), let to = clock.time(ofTicks: around.next),
            let before = clock.time(ofTicks: around.before ?? pts),
            let second = clock.time(ofTicks: around.second)
        else { return false }
        return !wanted.includes(from..<to, surroundings: before..<second)
    }

    /// Where the video ends by its packets, since the start of the presentation; nil where that is
    /// not sure, or more packets would have to be kept than is worth it.
    mutating func endOfFewPackets() throws(VideoError) -> MediaTime? {
        guard try packets.readAll(from: &demuxer, most: 512, bytes: 64 << 20) else { return nil }
        let tally = packets.tally
        guard !tally.isDoubtful, let end = tally.end(facts, period: clock.period) else {
            return nil
        }
        return end - startTime
    }
}

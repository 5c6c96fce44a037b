import Imaging

/// Reads the sampled frames of one input, one after the other.
///
/// Only what the next frame needs is kept: memory does not grow with the length of the video. A
/// clip too short for `SamplingOptions.minFrames` instants is read twice, as its length must be
/// known before the instants can be spread over it.
public struct VideoReader: ~Copyable {
    private let origin: SourceOpener
    private var source: FrameSource
    private var threads: Int
    /// Pictures that nobody needs may be left undecoded.
    private var passesOver: Bool
    private var plan: FramePlan
    /// How many instants or indices of the plan have been served.
    private var served = 0
    /// Frames that were taken while the plan was still open.
    private var ready: ArraySlice<SampledFrame> = []
    private var latest: (index: Int, frame: SampledFrame)?
    private var finished = false
    /// Frames that the plan expected and the file did not have.
    private var missing = 0
    /// The end of the video as found by an earlier reading.
    private var knownEnd: MediaTime?
    /// Where the packets end, since the start of the presentation, and whether decoding must find
    /// the same; nil where they were not counted.
    private var scanned: (end: MediaTime, isExact: Bool)?
    /// The last picture that was the current one.
    private var lastPicture: PictureTiming?
    /// What the pictures in the range have covered so far.
    private var shown: (from: MediaTime, to: MediaTime)?
    /// Begin of the last shot that was noticed, and whether a frame has told it.
    private var shot: (start: MediaTime, isTold: Bool)?
    /// Finds cuts between pictures that are not decoded one after the other.
    private var imageCuts = CutDetector()

    // MARK: Opening

    /// Opens an input and decodes to its first picture.
    ///
    /// - Parameters:
    ///   - threads: pictures decoded at the same time; the result does not depend on it.
    ///   - allowReferences: whether playlists and the like in the input may open what they name.
    ///   - activity: counts what goes on inside long calls.
    /// - Throws: what is wrong with the input or the options; `VideoError.nothingDecodable` where
    ///   there is no decodable picture.
    public static func open(
        _ input: VideoInput, sampling: SamplingOptions = SamplingOptions(),
        limits: DecodeLimits = .standard, threads: Int = 1, allowReferences: Bool = false,
        activity: ReadingActivity? = nil
    ) throws(VideoError) -> VideoReader {
        try SourceOpener.check(sampling)
        let origin = try SourceOpener(
            input: input, sampling: sampling, limits: limits, threads: threads,
            allowReferences: allowReferences, activity: activity)
        if input.isStillImage { return try VideoReader(origin, plan: .indices([0])) }
        switch sampling.mode {
        case .qwen:
            return try VideoReader(origin, plan: .indices(try origin.referenceIndices()))
        case .pts:
            // Before the source is opened, as both read the same bytes.
            let scan =
                sampling.maxFrames != nil || input.isImageFolder ? try origin.scannedEnd() : nil
            var reader = try VideoReader(origin, plan: .undecided)
            reader.scanned = scan.map { ($0.end - reader.source.state.startTime, $0.isExact) }
            try reader.decidePlan()
            return reader
        }
    }

    private init(_ origin: SourceOpener, plan: FramePlan) throws(VideoError) {
        var threads = origin.threads
        var source = try origin.open(seeking: plan.mayBeginLate, threads: threads)
        if threads > 1, source.dependsOnThreads, origin.canRestart {
            threads = 1
            source = try origin.open(seeking: plan.mayBeginLate, threads: 1)
        }
        self.threads = threads
        let sampling = origin.sampling
        passesOver = !sampling.needsIndices && !sampling.detectsCuts && origin.canRestart
        self.origin = origin
        self.source = source
        self.plan = plan
        noteCurrent()
    }

    /// Serves a plan from its beginning; the source is at its first picture.
    private mutating func follow(_ plan: FramePlan) {
        self.plan = plan
        served = 0
        if passesOver, case .instants(let sequence, let until) = plan {
            source.passOver(allBut: WantedTimes(instants: sequence, until: until))
        }
    }

    /// Chooses the instants: those of the rate, or evenly spread ones where they would be too few
    /// or too many.
    private mutating func decidePlan() throws(VideoError) {
        let sampling = origin.sampling
        guard let first = source.current else { return }
        let from = max(sampling.start.map { MediaTime(seconds: $0) } ?? first.time, first.time)
        let until = self.until
        if let until, until <= from { throw emptyRange() }
        let minimum = min(sampling.minFrames, sampling.maxFrames ?? .max)

        if let maximum = sampling.maxFrames, let end = scanned?.end {
            let bounded = min(end, until ?? end)
            if bounded > from,
                InstantSequence.count(from: from, to: bounded, fps: sampling.fps) > maximum
            {
                follow(
                    .instants(
                        InstantSequence(origin: from, end: bounded, count: maximum), until: until))
                return
            }
        }
        if try takeAllOfShort(from: from, minimum: minimum) { return }

        // Take frames until there are enough. Large ones are not kept: the reading begins anew.
        follow(.instants(InstantSequence(origin: from, fps: sampling.fps), until: until))
        var kept = KeptFrames()
        while kept.count < minimum {
            guard let frame = try pull(converting: kept.hasRoom && sampling.needsPictures) else {
                // The range was read to its end, if not the video.
                let state = source.state
                guard let end = state.measuredEnd, kept.count > 0 else { throw emptyRange() }
                if state.isFinished { knownEnd = end }
                try restart(
                    .instants(
                        InstantSequence(
                            origin: from, end: min(end, until ?? end), count: minimum),
                        until: until))
                return
            }
            kept.append(frame)
        }
        if let frames = kept.frames { ready = frames[...] } else { try restart(plan) }
    }

    /// Reads a clip that is too short for the rate, as its packets tell, in one go.
    ///
    /// Its instants are spread over its length, which is known for sure only when all was decoded;
    /// so its frames are kept until then.
    ///
    /// - Returns: false where it is not known to be so short, or decoding has found another length:
    ///   nothing has been read then.
    private mutating func takeAllOfShort(
        from: MediaTime, minimum: Int
    ) throws(VideoError) -> Bool {
        let sampling = origin.sampling
        func isShort(_ end: MediaTime) -> Bool {
            from < end && InstantSequence.count(from: from, to: end, fps: sampling.fps) < minimum
        }
        func bounded(_ end: MediaTime) -> MediaTime { min(end, until ?? end) }
        guard let claimed = source.state.estimatedEnd, isShort(bounded(claimed)),
            let end = try source.endOfFewPackets().map(bounded), isShort(end)
        else { return false }
        follow(
            .instants(InstantSequence(origin: from, end: end, count: minimum), until: until))
        var kept = KeptFrames()
        while let frame = try pull(converting: kept.hasRoom && sampling.needsPictures) {
            kept.append(frame)
        }
        let state = source.state
        guard let measured = state.measuredEnd, bounded(measured) == end, let frames = kept.frames
        else {
            try restart(.undecided)
            return false
        }
        ready = frames[...]
        return true
    }

    private mutating func restart(_ plan: FramePlan) throws(VideoError) {
        source = try origin.open(seeking: plan.mayBeginLate, threads: threads)
        follow(plan)
        latest = nil
        finished = false
        missing = 0
        shot = nil
        imageCuts = CutDetector()
        noteCurrent()
    }

    private func emptyRange() -> VideoError {
        let state = source.state
        return .emptyRange(
            uri: origin.input.uri, start: origin.sampling.start?.value,
            end: origin.sampling.end?.value,
            duration: (state.measuredEnd ?? state.estimatedEnd ?? .zero).seconds)
    }

    /// Where the range ends that was asked for.
    private var until: MediaTime? { origin.sampling.end.map { MediaTime(seconds: $0) } }

    // MARK: Reading

    /// The next sampled frame in rising order of time; nil after the last.
    public mutating func next() throws(VideoError) -> SampledFrame? {
        if let frame = ready.popFirst() { return frame }
        return try pull(converting: origin.sampling.needsPictures)
    }

    /// - Parameter converting: false gives frames with an empty picture, to count them.
    private mutating func pull(converting: Bool) throws(VideoError) -> SampledFrame? {
        while !finished {
            guard let picture = source.current else { return try finish(converting: converting) }
            switch plan.decision(served: served, picture: picture) {
            case .take(let instant):
                served += 1
                return try take(picture, at: instant, converting: converting)
            case .skip:
                _ = try advance()
            case .stop, .done:
                try readOn()
                finished = true
            }
        }
        return nil
    }

    /// Reads what is left of the range all the same: it tells how long the video is, where the
    /// range ends, and what of it can be seen.
    private mutating func readOn() throws(VideoError) {
        guard case .instants(_, let until?) = plan else {
            while try advance() {}
            return
        }
        while let picture = source.current, picture.end < until, try advance() {}
    }

    /// Makes the next picture the current one.
    private mutating func advance() throws(VideoError) -> Bool {
        let moved = try source.advance()
        noteCurrent()
        guard mustReadAgain else { return moved }
        repeat { try readAgain() } while mustReadAgain
        return source.current != nil
    }

    /// What decoders make of damaged data depends on how their threads happen to run, and a picture
    /// that was passed over may turn out to matter.
    private var mustReadAgain: Bool {
        origin.canRestart && (threads > 1 && source.dependsOnThreads || source.lacksPictures)
    }

    /// Goes back to the beginning and comes again to the same picture, with every picture decoded
    /// and, after damage, with one thread. Damage is noticed before the first damaged picture is
    /// shown, so that nothing that was handed out changes.
    private mutating func readAgain() throws(VideoError) {
        let place = source.current
        let hasAll = !passesOver
        if source.dependsOnThreads { threads = 1 }
        passesOver = false
        source = try origin.open(seeking: plan.mayBeginLate, threads: threads)
        while let current = source.current {
            if let place, hasAll ? current.index >= place.index : current.time >= place.time {
                break
            }
            noteCurrent()
            if !(try source.advance()) { return }
        }
        noteCurrent()
    }

    /// Remembers the current picture, and that it could be seen if it belongs to the range.
    private mutating func noteCurrent() {
        guard let picture = source.current else { return }
        lastPicture = picture
        if picture.beginsShot { noteShot(at: picture.time) }
        if let start = origin.sampling.start, picture.end <= MediaTime(seconds: start) { return }
        if let until, picture.time >= until { return }
        shown = (min(shown?.from ?? picture.time, picture.time), picture.end)
    }

    /// Remembers that a shot begins. A part that is read again tells the same shots again.
    private mutating func noteShot(at start: MediaTime) {
        if let shot, start <= shot.start { return }
        shot = (start, false)
    }

    /// Where the shot of the frame that is handed out next begins, where no frame has told it.
    private mutating func tellShot() -> Double? {
        guard let untold = shot, !untold.isTold else { return nil }
        shot = (untold.start, true)
        return untold.start.seconds
    }

    /// The end came first: indices that the file does not have are served by its last picture.
    private mutating func finish(converting: Bool) throws(VideoError) -> SampledFrame? {
        if case .indices(let indices) = plan, served < indices.count, let last = lastPicture {
            served += 1
            missing += 1
            return try take(last, at: last.time, converting: converting)
        }
        finished = true
        return nil
    }

    private mutating func take(
        _ picture: PictureTiming, at instant: MediaTime, converting: Bool
    ) throws(VideoError) -> SampledFrame {
        let seesImages = origin.sampling.detectsCuts && origin.input.isImageFolder
        guard converting || seesImages else {
            return SampledFrame(
                index: picture.index, time: picture.time.seconds,
                image: RGBImage(size: PixelSize(width: 0, height: 0), pixels: []),
                instant: instant.seconds, shotStart: tellShot())
        }
        if let latest, latest.index == picture.index {
            var again = latest.frame
            again.instant = instant.seconds
            again.shotStart = nil
            return again
        }
        let taken = try source.image(of: picture)
        if seesImages, imageCuts.decideAtOnce(Thumbnail(taken.image)) { noteShot(at: taken.time) }
        let frame = SampledFrame(
            index: taken.index, time: taken.time.seconds, image: taken.image,
            instant: instant.seconds, shotStart: tellShot())
        latest = (picture.index, frame)
        return frame
    }

    // MARK: What is known

    /// What the video is; `duration` is final once `next` has returned nil.
    public var description: VideoDescription {
        let state = source.state
        let measured = state.measuredEnd ?? .zero
        // A range may have shown more than the container claims.
        let end =
            state.isFinished
            ? measured : max(knownEnd ?? state.estimatedEnd ?? measured, measured)
        return VideoDescription(
            uri: origin.input.uri, container: state.container, codec: state.codec,
            duration: origin.input.isStillImage ? 0 : end.seconds,
            startTime: state.startTime.seconds, width: state.size.width,
            height: state.size.height, rotation: state.rotation,
            frameRate: origin.input.isStillImage ? nil : state.averageRate?.value)
    }

    /// Where the frames will end as far as it is known before they do, in seconds; nil where even
    /// the container does not say.
    package var promisedEnd: Double? {
        guard let end = knownEnd ?? scanned?.end ?? source.state.estimatedEnd else { return nil }
        return min(end, until ?? end).seconds
    }

    /// How many frames `next` gives in all, or nil where even the container does not say.
    ///
    /// A claim of the container, and no bound at all, unless `expectedFramesIsExact`.
    public var expectedFrames: Int? {
        switch plan {
        case .undecided: return nil
        case .indices(let indices): return indices.count
        case .instants(let sequence, let until):
            if let count = sequence.count { return count }
            guard let end = measuredOrScannedEnd ?? scanned?.end ?? source.state.estimatedEnd
            else { return nil }
            return InstantSequence.count(
                from: sequence.origin, to: min(end, until ?? end), fps: origin.sampling.fps)
        }
    }

    /// Whether `expectedFrames` was counted or follows from a length that was measured, rather than
    /// from what the container claims. A file that breaks off inside its last pictures may still
    /// give fewer.
    public var expectedFramesIsExact: Bool {
        switch plan {
        case .undecided: return false
        case .indices: return true
        case .instants(let sequence, _):
            return sequence.count != nil || measuredOrScannedEnd != nil
        }
    }

    /// Where the video ends by its pictures, or else by all of its packets.
    private var measuredOrScannedEnd: MediaTime? {
        let state = source.state
        if state.isFinished { return state.measuredEnd }
        return knownEnd ?? scanned.flatMap { $0.isExact ? $0.end : nil }
    }

    /// What reading was like so far; final once `next` has returned nil.
    public var report: DecodeReport {
        let state = source.state
        var warnings = state.warnings
        if missing > 0 {
            warnings.append(
                VideoWarning(
                    code: "video.frames_missing",
                    message:
                        "\(Wording.count(missing, "chosen frame")) beyond the end of the video; "
                        + "its last one stands in"))
        }
        var coverage = state.coverage
        if origin.sampling.start != nil || until != nil {
            let from = shown?.from.seconds ?? 0
            let to = shown?.to.seconds ?? from
            coverage = coverage.clipped(
                from: from, to: to, unseenEnd: until.map { max($0.seconds, to) } ?? .infinity)
        }
        if origin.input.isStillImage { coverage.seen = [TimeSpan(start: 0, end: 0)] }
        return DecodeReport(
            framesDecoded: state.framesDecoded, coverage: coverage, warnings: warnings)
    }
}

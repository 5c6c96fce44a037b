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

    // MARK: Opening

    /// Opens an input and decodes to its first picture.
    ///
    /// - Parameters:
    ///   - threads: pictures decoded at the same time; the result does not depend on it.
    ///   - allowReferences: whether playlists and the like in the input may open what they name.
    /// - Throws: what is wrong with the input or the options; `VideoError.nothingDecodable` where
    ///   there is no decodable picture.
    public static func open(
        _ input: VideoInput, sampling: SamplingOptions = SamplingOptions(),
        limits: DecodeLimits = .standard, threads: Int = 1, allowReferences: Bool = false
    ) throws(VideoError) -> VideoReader {
        try SourceOpener.check(sampling)
        let origin = try SourceOpener(
            input: input, sampling: sampling, limits: limits, threads: threads,
            allowReferences: allowReferences)
        if input.isStillImage { return try VideoReader(origin, plan: .indices([0])) }
        switch sampling.mode {
        case .qwen:
            return try VideoReader(origin, plan: .indices(try origin.referenceIndices()))
        case .pts:
            // Before the source is opened, as both read the same bytes.
            let end = sampling.maxFrames == nil ? nil : try origin.scannedEnd()
            var reader = try VideoReader(origin, plan: .undecided)
            try reader.decidePlan(scannedEnd: end)
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
        self.origin = origin
        self.source = source
        self.plan = plan
    }

    /// Chooses the instants: those of the rate, or evenly spread ones where they would be too few
    /// or too many.
    ///
    /// - Parameter scannedEnd: where the packets end, on the axis of the file's time stamps; known
    ///   where there is a maximum.
    private mutating func decidePlan(scannedEnd: MediaTime?) throws(VideoError) {
        let sampling = origin.sampling
        guard let first = source.current else { return }
        let from = max(sampling.start.map { MediaTime(seconds: $0) } ?? first.time, first.time)
        let until = sampling.end.map { MediaTime(seconds: $0) }
        if let until, until <= from { throw emptyRange() }
        let minimum = min(sampling.minFrames, sampling.maxFrames ?? .max)

        if let maximum = sampling.maxFrames, let scannedEnd {
            let end = scannedEnd - source.state.startTime
            let bounded = min(end, until ?? end)
            if bounded > from,
                InstantSequence.count(from: from, to: bounded, fps: sampling.fps) > maximum
            {
                plan = .instants(
                    InstantSequence(origin: from, end: bounded, count: maximum), until: until)
                return
            }
        }

        // Take frames until there are enough. Large ones are not kept: the reading begins anew.
        plan = .instants(InstantSequence(origin: from, fps: sampling.fps), until: until)
        var taken: [SampledFrame] = []
        var count = 0
        var bytes = 0
        while count < minimum {
            let isKept = bytes < Self.keptBytes
            guard let frame = try pull(converting: isKept) else {
                guard let end = source.state.measuredEnd, count > 0 else { throw emptyRange() }
                try restart(
                    .instants(
                        InstantSequence(
                            origin: from, end: min(end, until ?? end), count: minimum),
                        until: until))
                knownEnd = end
                return
            }
            count += 1
            bytes += frame.image.pixels.count
            if isKept { taken.append(frame) } else { bytes = .max }
        }
        if bytes == .max {
            try restart(plan)
        } else {
            ready = taken[...]
        }
    }

    /// Frames kept while it is not known yet whether a clip is long enough.
    private static let keptBytes = 64 << 20

    private mutating func restart(_ plan: FramePlan) throws(VideoError) {
        self.plan = plan
        source = try origin.open(seeking: plan.mayBeginLate, threads: threads)
        served = 0
        latest = nil
        finished = false
        missing = 0
    }

    private func emptyRange() -> VideoError {
        let state = source.state
        return .emptyRange(
            uri: origin.input.uri,
            duration: (state.measuredEnd ?? state.estimatedEnd ?? .zero).seconds)
    }

    // MARK: Reading

    /// The next sampled frame in rising order of time; nil after the last.
    public mutating func next() throws(VideoError) -> SampledFrame? {
        if let frame = ready.popFirst() { return frame }
        return try pull(converting: true)
    }

    /// - Parameter converting: false gives frames with an empty picture, to count them.
    private mutating func pull(converting: Bool) throws(VideoError) -> SampledFrame? {
        while !finished, let picture = source.current {
            switch plan.decision(served: served, picture: picture) {
            case .take(let instant):
                served += 1
                return try take(picture, at: instant, converting: converting)
            case .skip:
                if !(try advance()) { return try finish() }
            case .stop, .done:
                try readOn()
                finished = true
            }
        }
        finished = true
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
    ///
    /// What decoders make of damaged data depends on how their threads happen to run. So the first
    /// damage, which is noticed before the first damaged picture is shown, makes the reading go
    /// back to the beginning and come again to the same picture with one thread.
    private mutating func advance() throws(VideoError) -> Bool {
        let moved = try source.advance()
        guard threads > 1, source.dependsOnThreads, origin.canRestart else { return moved }
        let index = source.current?.index ?? .max
        threads = 1
        source = try origin.open(seeking: plan.mayBeginLate, threads: 1)
        while let current = source.current, current.index < index {
            if !(try source.advance()) { return false }
        }
        return source.current != nil
    }

    /// The end came first: indices that the file does not have are served by its last picture.
    private mutating func finish() throws(VideoError) -> SampledFrame? {
        if case .indices(let indices) = plan, served < indices.count, let last = latest?.frame {
            served += 1
            missing += 1
            return last
        }
        finished = true
        return nil
    }

    private mutating func take(
        _ picture: PictureTiming, at instant: MediaTime, converting: Bool
    ) throws(VideoError) -> SampledFrame {
        guard converting else {
            return SampledFrame(
                index: picture.index, time: picture.time.seconds,
                image: RGBImage(size: PixelSize(width: 0, height: 0), pixels: []),
                instant: instant.seconds)
        }
        if let latest, latest.index == picture.index {
            var again = latest.frame
            again.instant = instant.seconds
            return again
        }
        let shown = try source.image()
        let frame = SampledFrame(
            index: shown.index, time: shown.time.seconds, image: shown.image,
            instant: instant.seconds)
        latest = (picture.index, frame)
        return frame
    }

    // MARK: What is known

    /// What the video is; `duration` is final once `next` has returned nil.
    public var description: VideoDescription {
        let state = source.state
        let end =
            (state.isFinished ? state.measuredEnd : nil) ?? knownEnd ?? state.estimatedEnd
            ?? state.measuredEnd ?? .zero
        return VideoDescription(
            uri: origin.input.uri, container: state.container, codec: state.codec,
            duration: origin.input.isStillImage ? 0 : end.seconds,
            startTime: state.startTime.seconds, width: state.size.width,
            height: state.size.height, rotation: state.rotation,
            frameRate: origin.input.isStillImage ? nil : state.averageRate?.value)
    }

    /// How many frames `next` will give in all: exact for `--sampling qwen` and spread instants,
    /// else as many as the duration that the container states makes; nil where it states none.
    public var expectedFrames: Int? {
        switch plan {
        case .undecided: return nil
        case .indices(let indices): return indices.count
        case .instants(let sequence, let until):
            if let count = sequence.count { return count }
            guard let end = knownEnd ?? source.state.estimatedEnd else { return nil }
            return InstantSequence.count(
                from: sequence.origin, to: min(end, until ?? end), fps: origin.sampling.fps)
        }
    }

    /// What reading was like so far; final once `next` has returned nil.
    public var report: DecodeReport {
        let state = source.state
        var warnings = state.warnings
        if missing > 0 {
            warnings.append(
                VideoWarning(
                    code: "video.frames_missing",
                    message: "\(missing) chosen frames do not exist; the last one stands in"))
        }
        var coverage = state.coverage
        if origin.input.isStillImage { coverage.seen = [TimeSpan(start: 0, end: 0)] }
        return DecodeReport(
            framesDecoded: state.framesDecoded, coverage: coverage, warnings: warnings)
    }
}

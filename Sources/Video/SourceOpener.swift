import Imaging

/// Opens one input as often as it has to be read.
struct SourceOpener {
    let input: VideoInput
    let sampling: SamplingOptions
    private let limits: DecodeLimits
    let threads: Int
    private let allowReferences: Bool
    private let activity: ReadingActivity?
    /// Nil for pictures.
    private let bytes: ByteSource?

    init(
        input: VideoInput, sampling: SamplingOptions, limits: DecodeLimits, threads: Int,
        allowReferences: Bool, activity: ReadingActivity? = nil
    ) throws(VideoError) {
        self.input = input
        self.sampling = sampling
        self.limits = limits
        self.threads = threads
        self.allowReferences = allowReferences
        self.activity = activity
        switch input {
        case .file(let path):
            bytes = try ByteSource.file(path, limits: limits, activity: activity)
        case .fetched(let path, let uri, isImage: false):
            bytes = try ByteSource.file(path, named: uri, limits: limits, activity: activity)
        case .standardInput:
            bytes = try ByteSource.standardInput(limits: limits, activity: activity)
        case .url(let address):
            bytes = try ByteSource(
                address: address, limits: limits, agent: "reelscribe", activity: activity)
        case .imageFolder, .image, .fetched: bytes = nil
        }
    }

    /// Refuses options that contradict themselves.
    static func check(_ sampling: SamplingOptions) throws(VideoError) {
        if sampling.fps.numerator <= 0 || sampling.fps.value > 10_000 {
            throw .invalidSampling(reason: "a rate of \(sampling.fps) frames a second")
        }
        if sampling.minFrames < 1 || sampling.minFrames > 65_536 {
            throw .invalidSampling(reason: "a minimum of \(sampling.minFrames) frames")
        }
        if let maximum = sampling.maxFrames, maximum < 1 || maximum > 65_536 {
            throw .invalidSampling(reason: "a maximum of \(maximum) frames")
        }
        for seconds in [sampling.start, sampling.end].compactMap(\.self)
        where seconds.numerator < 0 || seconds.denominator > 1_000_000 {
            throw .invalidSampling(reason: "\(seconds.value) s as the bound of a range")
        }
        if let start = sampling.start, let end = sampling.end, start.value >= end.value {
            throw .invalidSampling(
                reason: "a range from \(start.value) s to \(end.value) s, which is empty")
        }
    }

    /// A source whose first wanted picture is the current one.
    ///
    /// - Parameter seeking: pictures before the range may be passed over.
    func open(seeking: Bool, threads: Int) throws(VideoError) -> FrameSource {
        var source = try begin(threads: threads)
        _ = try source.advance()
        guard seeking, !sampling.needsIndices,
            let start = sampling.start.map(MediaTime.init(seconds:)),
            let first = source.current, start.seconds - first.end.seconds > Self.worthSeeking
        else { return source }
        if try source.seek(to: start) { return source }
        source = try begin(threads: threads)
        _ = try source.advance()
        return source
    }

    /// Seconds that are decoded rather than sought over.
    private static let worthSeeking = 1.0

    private func begin(threads: Int) throws(VideoError) -> FrameSource {
        switch input {
        case .imageFolder(let paths, let rate, let uri):
            return FrameSource(
                try ImageFrames(
                    paths, rate: rate, uri: uri, limits: limits, activity: activity))
        case .image(let path):
            return FrameSource(
                try ImageFrames(
                    [path], rate: Rational(1), uri: path, limits: limits, activity: activity))
        case .fetched(let path, let uri, isImage: true):
            return FrameSource(
                try ImageFrames(
                    [path], rate: Rational(1), uri: uri, limits: limits, activity: activity))
        case .file, .url, .standardInput, .fetched:
            return FrameSource(
                try ContainerFrames(
                    try rewound(), limits: limits, threads: threads,
                    allowReferences: allowReferences, fps: sampling.fps,
                    detectsCuts: sampling.detectsCuts),
                activity: activity)
        }
    }

    private func rewound() throws(VideoError) -> ByteSource {
        guard let bytes else { preconditionFailure("pictures are not read as a stream of bytes") }
        try bytes.rewind()
        return bytes
    }

    /// Where the video ends by its packets alone, on the axis of the file's time stamps, and
    /// whether decoding must find the same.
    func scannedEnd() throws(VideoError) -> (end: MediaTime, isExact: Bool)? {
        if case .imageFolder(let paths, let rate, _) = input {
            let end = MediaTime(
                ticks: Int128(paths.count) * Int128(rate.denominator),
                scale: Int128(rate.numerator))
            return (end, true)
        }
        guard bytes != nil else { return nil }
        let scan = try PacketScan(
            try rewound(), limits: limits, allowReferences: allowReferences, fps: sampling.fps)
        return scan.end.map { ($0, scan.hasAllTimes) }
    }

    // MARK: The reference's rule

    /// The indices that the reference takes.
    ///
    /// Frames are counted by decoding where that is quick or where packets may lie, else by
    /// packets.
    func referenceIndices() throws(VideoError) -> [Int] {
        let total: Int
        let rate: Double
        if case .imageFolder(let paths, let framesPerSecond, _) = input {
            total = paths.count
            rate = framesPerSecond.value
        } else {
            let scan = try PacketScan(
                try rewound(), limits: limits, allowReferences: allowReferences, fps: sampling.fps)
            let counted: Counted
            if scan.isDoubtful || scan.count < Self.quick / max(1, scan.area) {
                counted = try countFrames()
            } else {
                counted = Counted(frames: scan.count, duration: nil, rate: scan.averageRate)
            }
            total = counted.frames
            rate = counted.rate?.value ?? counted.duration.map { Double(total) / $0 } ?? 0
        }
        // The reference refuses a single frame; one frame is what there is to see.
        if total == 1 { return [0] }
        var frames = 0...max(0, total - 1)
        if sampling.start != nil || sampling.end != nil {
            guard
                let part = ReferenceSampling.range(
                    total: total, videoRate: rate, start: sampling.start?.value,
                    end: sampling.end?.value)
            else {
                throw .emptyRange(
                    uri: input.uri, start: sampling.start?.value, end: sampling.end?.value,
                    duration: rate > 0 ? Double(total) / rate : 0)
            }
            frames = part
        }
        guard
            let count = ReferenceSampling.frameCount(
                total: frames.count, videoRate: rate, rate: sampling.fps.value,
                minFrames: sampling.minFrames, maxFrames: sampling.maxFrames)
        else {
            throw .invalidSampling(
                reason:
                    "the reference's rule takes no frames from \(frames.count) at \(rate) a second")
        }
        return ReferenceSampling.indices(
            count: count, first: frames.lowerBound, last: frames.upperBound)
    }

    private struct Counted {
        var frames: Int
        /// Seconds; nil where it is not needed or 0.
        var duration: Double?
        var rate: Rational?
    }

    /// Counts frames by decoding all of them; what is damaged with one thread.
    private func countFrames() throws(VideoError) -> Counted {
        for threads in [threads, 1] {
            var source = try begin(threads: threads)
            while try source.advance() {}
            if threads > 1, source.dependsOnThreads, canRestart { continue }
            let state = source.state
            let duration = (state.measuredEnd ?? .zero).seconds
            return Counted(
                frames: state.framesDecoded, duration: duration > 0 ? duration : nil,
                rate: state.averageRate)
        }
        return Counted(frames: 0, duration: nil, rate: nil)
    }

    /// Whether the input can be read from its beginning once more.
    var canRestart: Bool { bytes?.canRewind ?? true }

    /// Pixels that are decoded in about a second on one core.
    private static let quick = 1 << 30
}

import Imaging

/// The pictures of one input in display order, whatever the input is.
struct FrameSource: ~Copyable {
    private var container: ContainerFrames?
    private var images: ImageFrames?
    private let activity: ReadingActivity?

    init(_ container: consuming ContainerFrames, activity: ReadingActivity?) {
        self.container = consume container
        self.activity = activity
        images = nil
    }

    init(_ images: consuming ImageFrames) {
        container = nil
        activity = nil
        self.images = consume images
    }

    /// The picture that is shown; nil before the first `advance` and after the end.
    var current: PictureTiming? {
        read({ $0.current }, { $0.current })
    }

    /// Everything known so far about the input and its reading.
    var state: SourceState {
        read({ $0.state }, { $0.state })
    }

    /// See `ContainerFrames.dependsOnThreads`.
    var dependsOnThreads: Bool {
        read({ $0.dependsOnThreads }, { _ in false })
    }

    /// See `ContainerFrames.lacksPictures`.
    var lacksPictures: Bool {
        read({ $0.lacksPictures }, { _ in false })
    }

    /// See `ContainerFrames.passOver`; pictures of a folder are not decoded until they are asked for.
    mutating func passOver(allBut wanted: WantedTimes) { container?.passOver(allBut: wanted) }

    /// See `ContainerFrames.endOfFewPackets`; nil for a folder, whose end is known.
    mutating func endOfFewPackets() throws(VideoError) -> MediaTime? {
        try container?.endOfFewPackets() ?? nil
    }

    /// Makes the next picture the current one; false after the last.
    mutating func advance() throws(VideoError) -> Bool {
        activity?.note()
        if let activity, activity.isStopped {
            throw .systemFailure(operation: "reading", reason: "it was ended")
        }
        if let moved = try container?.advance() { return moved }
        return images?.advance() ?? false
    }

    /// A picture, or what stands in for it, with its number and time.
    ///
    /// - Parameter picture: the current one; after the end the last one.
    mutating func image(
        of picture: PictureTiming
    ) throws(VideoError) -> (image: RGBImage, index: Int, time: MediaTime) {
        if let image = try container?.image() { return (image, picture.index, picture.time) }
        if let taken = try images?.image() { return taken }
        preconditionFailure("a source without an input")
    }

    /// See `ContainerFrames.seek`; a folder of images needs no seeking.
    mutating func seek(to target: MediaTime) throws(VideoError) -> Bool {
        try container?.seek(to: target) ?? true
    }

    private func read<Result>(
        _ ofContainer: (borrowing ContainerFrames) -> Result,
        _ ofImages: (borrowing ImageFrames) -> Result
    ) -> Result {
        switch container {
        case .some(let container): return ofContainer(container)
        case nil: break
        }
        switch images {
        case .some(let images): return ofImages(images)
        case nil: preconditionFailure("a source without an input")
        }
    }
}

/// A snapshot of what is known about an input.
struct SourceState {
    var container: String
    var codec: String
    var size: PixelSize
    var rotation: Int
    var averageRate: Rational?
    var startTime: MediaTime
    /// End of the last picture that was the current one.
    var measuredEnd: MediaTime?
    /// Where the last picture ends as far as the container says.
    var estimatedEnd: MediaTime?
    /// Every picture to the end has been the current one.
    var isFinished: Bool
    var framesDecoded: Int
    var coverage: Coverage
    var warnings: [VideoWarning]
}

extension ContainerFrames {
    var state: SourceState {
        SourceState(
            container: facts.container, codec: facts.codec,
            size: firstSize ?? PixelSize(width: 0, height: 0), rotation: rotation,
            averageRate: facts.averageRate, startTime: startTime, measuredEnd: measuredEnd,
            estimatedEnd: estimatedEnd, isFinished: isFinished, framesDecoded: framesDecoded,
            coverage: coverage, warnings: warnings)
    }

    private var warnings: [VideoWarning] {
        var result: [VideoWarning] = []
        func warn(_ code: String, _ message: String) {
            result.append(VideoWarning(code: "video.\(code)", message: message))
        }
        if damageEvents > 0 || hasLosses { warn("damaged", damage) }
        if isTruncated, let claimed = claimedEnd, let measured = measuredEnd {
            warn(
                "truncated",
                "the video ends early: the container promises "
                    + "\(Wording.moment(claimed.seconds)), but the last picture ends at "
                    + Wording.moment(measured.seconds))
        }
        if synthesisedTimes > 0 {
            warn(
                "timestamps_synthesised",
                "\(Wording.count(synthesisedTimes, "frame")) without a time stamp; the frame rate "
                    + "stands in for it")
        }
        if disorderedTimes > 0 {
            warn(
                "timestamps_disordered",
                "\(Wording.count(disorderedTimes, "frame")) with a time stamp earlier than that "
                    + "of the frame before")
        }
        if ignoredMatrix {
            warn(
                "rotation_ignored",
                "the display matrix is not a right-angle turn; the pictures are left as they are")
        }
        if sizeChanges > 0 {
            warn(
                "size_changed",
                "\(Wording.count(sizeChanges, "frame")) of another size than the first")
        }
        return result
    }

    /// What is damaged, for a person; the document's coverage tells where to the millisecond.
    private var damage: String {
        let places = lostPlaces
        var clauses: [String] = []
        if damageEvents > 0 {
            clauses.append("\(Wording.count(damageEvents, "error")) while decoding")
        }
        if let first = places.first {
            let sum = places.reduce(0) { $0 + $1.end - $1.start }
            clauses.append(
                "\(Wording.length(sum)) missing or damaged, "
                    + (places.count == 1
                        ? "at \(Wording.moment(first.start))"
                        : "in \(places.count) places from \(Wording.moment(first.start)) on"))
        } else {
            clauses.append("every picture came out all the same")
        }
        return "parts of the video are damaged: " + clauses.joined(separator: "; ")
    }
}

extension ImageFrames {
    var state: SourceState {
        SourceState(
            container: container, codec: codec, size: firstSize, rotation: rotation,
            averageRate: rate, startTime: .zero, measuredEnd: measuredEnd, estimatedEnd: end,
            isFinished: isFinished, framesDecoded: decoded, coverage: coverage, warnings: warnings)
    }

    private var warnings: [VideoWarning] {
        var result: [VideoWarning] = []
        if damagedFiles > 0 {
            result.append(
                VideoWarning(
                    code: "video.damaged",
                    message: "\(Wording.count(damagedFiles, "picture")) of the folder cannot be "
                        + "decoded; a neighbour stands in"))
        }
        if sizeChanges > 0 {
            result.append(
                VideoWarning(
                    code: "video.size_changed",
                    message:
                        "\(Wording.count(sizeChanges, "picture")) of another size than the first"
                ))
        }
        return result
    }
}

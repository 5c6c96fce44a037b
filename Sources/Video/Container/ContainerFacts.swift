internal import CFFmpeg

/// What a container says about itself and its chosen video stream. None of it is trusted beyond
/// being in range.
struct ContainerFacts {
    /// FFmpeg's name of the format.
    let container: String
    /// FFmpeg's name of the codec.
    let codec: String
    /// Seconds a tick of the stream.
    let timeBase: Rational
    /// Where the presentation starts; nil where the container does not say.
    let start: MediaTime?
    /// Where the stream says that it ends, on the same axis as `start`; nil where it does not.
    let claimedEnd: MediaTime?
    /// What the duration of the last packet has to be lengthened by.
    ///
    /// FFmpeg's demuxer of MP4 and QuickTime takes the end of the media for that packet's end, but
    /// leaves an edit list's delay out of it.
    let missingFromLastPacket: (end: Int64, delay: Int64)?
    /// Where the stream presumably ends, also where only the whole container says something.
    let estimatedEnd: MediaTime?
    /// Average frames a second; nil where unknown.
    let averageRate: Rational?
    /// Frames a second to fall back to where time stamps are missing.
    let nominalRate: Rational?
    let matrix: [Int32]?
    let isEncrypted: Bool
    /// Width and height as the container or the first packets tell.
    let declaredSize: (width: Int, height: Int)
    /// A single picture: an image file, or a cover.
    let isStillPicture: Bool

    init(_ context: UnsafeMutablePointer<AVFormatContext>, stream index: Int, name: String) {
        let stream = rs_stream(context, Int32(index))
        let parameters = stream.pointee.codecpar.pointee
        container = name
        codec = String(cString: avcodec_get_name(parameters.codec_id))
        let timeBase = stream.pointee.time_base.rational ?? Rational(1)
        self.timeBase = timeBase
        declaredSize = (Int(parameters.width), Int(parameters.height))
        isEncrypted = rs_stream_is_encrypted(stream) != 0
        isStillPicture =
            name.hasSuffix("_pipe") || stream.pointee.disposition & AV_DISPOSITION_ATTACHED_PIC != 0
        averageRate = stream.pointee.avg_frame_rate.rational
        nominalRate = averageRate ?? stream.pointee.r_frame_rate.rational
        let delay = stream.pointee.start_time
        missingFromLastPacket =
            name.hasPrefix("mov") && delay > 0 && stream.pointee.duration > 0
                && Self.isPlausible(delay, timeBase)
            ? (stream.pointee.duration, delay) : nil
        var numbers = [Int32](repeating: 0, count: 9)
        matrix = rs_stream_display_matrix(stream, &numbers) != 0 ? numbers : nil

        let start = Self.start(context)
        self.start = start
        let streamEnd = Self.streamEnd(stream, timeBase: timeBase, start: start)
        let whole = Self.wholeEnd(context, start: start)
        let tag = Self.taggedEnd(stream)
        claimedEnd = streamEnd ?? tag ?? (context.pointee.nb_streams == 1 ? whole : nil)
        estimatedEnd = claimedEnd ?? whole
    }

    /// The largest number of ticks whose seconds stay far from the bounds of `MediaTime`.
    static func isPlausible(_ ticks: Int64, _ timeBase: Rational) -> Bool {
        let (product, overflow) = ticks.multipliedReportingOverflow(by: timeBase.numerator)
        guard !overflow else { return false }
        return (product / timeBase.denominator).magnitude < 1 << 34
    }

    /// The container's start time, exactly.
    ///
    /// FFmpeg rounds it to microseconds; the stream that it comes from has it in its own ticks.
    private static func start(
        _ context: UnsafeMutablePointer<AVFormatContext>
    ) -> MediaTime? {
        let rounded = context.pointee.start_time
        guard rounded != rs_no_timestamp,
            isPlausible(rounded, Rational(1, 1_000_000) ?? Rational(1))
        else { return nil }
        for index in 0..<Int32(context.pointee.nb_streams) {
            let stream = rs_stream(context, index).pointee
            guard stream.start_time != rs_no_timestamp,
                let timeBase = stream.time_base.rational, timeBase.denominator <= 1 << 30,
                isPlausible(stream.start_time, timeBase)
            else { continue }
            let microseconds = av_rescale_q(
                stream.start_time, stream.time_base, AVRational(num: 1, den: 1_000_000))
            if microseconds == rounded {
                return MediaTime(ticks: stream.start_time, timeBase: timeBase)
            }
        }
        return MediaTime(ticks: Int128(rounded), scale: 1_000_000)
    }

    private static func streamEnd(
        _ stream: UnsafeMutablePointer<AVStream>, timeBase: Rational, start: MediaTime?
    ) -> MediaTime? {
        let duration = stream.pointee.duration
        guard duration != rs_no_timestamp, duration > 0, isPlausible(duration, timeBase) else {
            return nil
        }
        let length = MediaTime(ticks: duration, timeBase: timeBase)
        let first = stream.pointee.start_time
        if first != rs_no_timestamp, isPlausible(first, timeBase) {
            return MediaTime(ticks: first, timeBase: timeBase) + length
        }
        return (start ?? .zero) + length
    }

    /// Where the whole container ends, unless FFmpeg only guessed that from the bit rate.
    private static func wholeEnd(
        _ context: UnsafeMutablePointer<AVFormatContext>, start: MediaTime?
    ) -> MediaTime? {
        let duration = context.pointee.duration
        guard duration != rs_no_timestamp, duration > 0, duration < 1 << 54,
            context.pointee.duration_estimation_method != AVFMT_DURATION_FROM_BITRATE
        else { return nil }
        return (start ?? .zero) + MediaTime(ticks: Int128(duration), scale: 1_000_000)
    }

    /// Matroska's statistics tag of a track.
    private static func taggedEnd(_ stream: UnsafeMutablePointer<AVStream>) -> MediaTime? {
        guard let entry = av_dict_get(stream.pointee.metadata, "DURATION", nil, 0) else {
            return nil
        }
        // Nanoseconds are more than `Rational` reads.
        let text = String(cString: entry.pointee.value).prefix(15)
        guard let seconds = Rational(timecode: text), seconds.numerator > 0 else { return nil }
        return MediaTime(seconds: seconds)
    }
}

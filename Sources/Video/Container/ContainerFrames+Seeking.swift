extension ContainerFrames {
    /// Codecs whose key frames really stand alone, so that decoding from one gives the pictures
    /// that decoding from the beginning gives.
    private static let seekable: Set<String> = [
        "h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg",
        "prores",
    ]

    /// Makes the picture that is shown at `target` the current one without decoding all before it.
    ///
    /// The first picture must have been the current one already. False where the container cannot
    /// do it, or where the pictures might differ from those of decoding from the beginning: no
    /// key frame before the target is found, time stamps are missing, or anything is damaged. The
    /// reader is of no use then and has to be opened again.
    mutating func seek(to target: MediaTime) throws(VideoError) -> Bool {
        guard bytes.isRandomAccess, Self.seekable.contains(facts.codec), synthesisedTimes == 0,
            damageEvents == 0, let first = current
        else { return false }
        for margin: Int64 in [0, 4, 30] {
            let wanted = target - MediaTime(ticks: margin, timeBase: Rational(1)) + startTime
            let ticks =
                wanted.ticks * Int128(clock.timeBase.denominator)
                / (wanted.scale * Int128(clock.timeBase.numerator))
            guard wanted > first.time + startTime, let ticks = Int64(exactly: ticks),
                demuxer.seek(toTicks: ticks)
            else { return false }
            if try decode(to: target) { return true }
        }
        return false
    }

    /// Decodes from where a seek led to the picture that is shown at `target`.
    private mutating func decode(to target: MediaTime) throws(VideoError) -> Bool {
        beginAtNextKey()
        try decodeAhead { !$0.isEmpty }
        guard let landed = coming.first, let firstKey, let keyTime = clock.time(ofTicks: firstKey),
            landed.time == keyTime, landed.time <= target
        else { return false }
        while try advance() {
            guard damageEvents == 0, synthesisedTimes == 0, let current, !current.isDamaged
            else { return false }
            if current.end > target {
                coveredFrom = current.time
                return true
            }
        }
        return false
    }
}

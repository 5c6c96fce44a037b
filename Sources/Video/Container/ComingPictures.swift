internal import CFFmpeg

/// Pictures that are decoded and not yet shown, the next one first.
///
/// One where cuts are not looked for; where it is doubtful whether a picture begins a shot, those
/// that decide it stand behind it. The frames they are in are used again.
struct ComingPictures: ~Copyable {
    private struct Entry {
        var picture: PictureTiming
        /// Ticks.
        var duration: Int64
        var isDecided: Bool
        var slot: Int
    }

    private var entries: [Entry] = []
    /// A doubtful picture and `CutDetector.lookahead` more.
    private var frames: [4 of DecodedFrame]
    private var free = [0, 1, 2, 3]

    init() throws(VideoError) {
        frames = try [4 of DecodedFrame] { _ throws(VideoError) in try DecodedFrame() }
    }

    var isEmpty: Bool { entries.isEmpty }
    var first: PictureTiming? { entries.first?.picture }
    /// Whether there is a first picture, of which it is known whether it begins a shot.
    var isFirstDecided: Bool { entries.first?.isDecided ?? false }

    /// Adds a picture behind the others; its frame changes places with a free one.
    mutating func append(
        _ picture: PictureTiming, duration: Int64, frame: inout DecodedFrame, isDecided: Bool
    ) {
        guard let slot = free.popLast() else {
            preconditionFailure("more than \(entries.count) pictures wait")
        }
        swap(&frames[slot], &frame)
        entries.append(
            Entry(picture: picture, duration: duration, isDecided: isDecided, slot: slot))
    }

    /// Says of the first picture that is not decided yet whether it begins a shot.
    mutating func decide(_ beginsShot: Bool) {
        guard let place = entries.firstIndex(where: { !$0.isDecided }) else {
            preconditionFailure("a decision about no picture")
        }
        entries[place].picture.beginsShot = beginsShot
        entries[place].isDecided = true
    }

    /// The first picture and its duration, which leave; nil where there is none.
    ///
    /// - Parameter frame: gets the picture; what was in it is let go.
    mutating func takeFirst(
        into frame: inout DecodedFrame
    ) -> (picture: PictureTiming, duration: Int64)? {
        guard !entries.isEmpty else { return nil }
        let entry = entries.removeFirst()
        swap(&frames[entry.slot], &frame)
        recycle(entry.slot)
        return (entry.picture, entry.duration)
    }

    mutating func removeAll() {
        for entry in entries { recycle(entry.slot) }
        entries = []
    }

    private mutating func recycle(_ slot: Int) {
        av_frame_unref(frames[slot].pointer)
        free.append(slot)
    }
}

import Compute
import Imaging
import Isolation
import Synchronization
import Video

/// One input that this process decodes, read like a `VideoReader`: when a frame is asked for or, after
/// `begin`, by a thread of its own ahead of that, while the model is busy. What is read is the same.
package final class LocalVideo: Sendable {
    private enum Phase {
        case onDemand
        /// From the first frame that is asked for on.
        case ahead(target: PixelSize?, onDecoded: (@Sendable () -> Void)?)
        case begun(FrameQueue)
    }

    private let reader: Mutex<VideoReader>
    private let phase = Mutex(Phase.onDemand)
    /// What is told of the input while and after it is read ahead; nil: what the reader says.
    private let known = Mutex<ReaderState?>(nil)
    private let isStillImage: Bool
    private let activity = ReadingActivity()

    /// See `VideoReader.open`.
    package init(
        _ input: VideoInput, sampling: SamplingOptions, limits: DecodeLimits = .standard,
        threads: Int = 1, allowReferences: Bool = false
    ) throws(VideoError) {
        isStillImage = input.isStillImage
        reader = Mutex(
            try VideoReader.open(
                input, sampling: sampling, limits: limits, threads: threads,
                allowReferences: allowReferences, activity: activity))
    }

    /// Lets frames be decoded ahead, from the first that is asked for on.
    ///
    /// - Parameters:
    ///   - target: the size to which they are resized, with the result of
    ///   `Resampler.resized`; nil leaves them as they are.
    ///   - onDecoded: called by that thread for each frame, when most memory is in use for it.
    package func begin(target: PixelSize?, onDecoded: (@Sendable () -> Void)? = nil) {
        // One picture leaves nothing to do ahead.
        guard !isStillImage else { return }
        phase.withLock { phase in
            if case .onDemand = phase { phase = .ahead(target: target, onDecoded: onDecoded) }
        }
    }

    /// The next sampled frame; nil after the last.
    ///
    /// - Parameter timing: gets the seconds that decoding and resizing took, whichever thread did it.
    package func next(timing: inout TimingRecord) throws(VideoError) -> SampledFrame? {
        guard let queue = queue() else {
            return try timing.measure(\.decode) { () throws(VideoError) in try decode() }
        }
        let (frame, work) = try queue.next()
        timing.decode += work.decode
        timing.preprocess += work.preprocess
        return frame
    }

    /// What is known of the input. While it is read ahead that is what was known at its opening: it
    /// does not depend on how far ahead that is.
    package var state: ReaderState {
        if let state = known.withLock({ $0 }) { return state }
        return current()
    }

    /// The most bytes of frames that have waited at once.
    package var mostWaitingBytes: Int {
        phase.withLock { if case .begun(let queue) = $0 { queue.mostBytes } else { 0 } }
    }

    /// Ends the reading, and waits until no thread is at it.
    package func close() {
        activity.stop()
        let queue: FrameQueue? = phase.withLock { phase in
            if case .begun(let queue) = phase { queue } else { nil }
        }
        queue?.close()
    }

    // MARK: - Reading

    private func decode() throws(VideoError) -> SampledFrame? {
        try reader.withLock { reader throws(VideoError) in try reader.next() }
    }

    private func current() -> ReaderState {
        reader.withLock { ReaderState($0, isStillImage: isStillImage) }
    }

    /// Where frames come from that are decoded ahead; nil where they are decoded on demand, as they
    /// are where there is no thread to be had.
    private func queue() -> FrameQueue? {
        phase.withLock { phase in
            switch phase {
            case .onDemand: return nil
            case .begun(let queue): return queue
            case .ahead(let target, let onDecoded):
                let queue = FrameQueue()
                let state = current()
                known.withLock { $0 = state }
                guard
                    DetachedThread.start({
                        self.decodeAhead(into: queue, target: target, onDecoded: onDecoded)
                    })
                else {
                    known.withLock { $0 = nil }
                    phase = .onDemand
                    return nil
                }
                phase = .begun(queue)
                return queue
            }
        }
    }

    /// Decodes until the end, an error, or until nobody wants more; for a thread of its own.
    private func decodeAhead(
        into queue: FrameQueue, target: PixelSize?, onDecoded: (@Sendable () -> Void)?
    ) {
        var resizer = target.map(FrameResizer.init)
        var work = TimingRecord()
        var failure: VideoError?
        do throws(VideoError) {
            while let frame = try work.measure(\.decode, decode) {
                onDecoded?()
                var sent = frame
                if resizer != nil {
                    sent = work.measure(\.preprocess) { resizer?.resized(frame) ?? frame }
                }
                guard queue.put(sent, work) else { break }
                work = TimingRecord()
            }
        } catch {
            failure = error
        }
        let state = current()
        known.withLock { $0 = state }
        queue.end(failure, work)
    }
}

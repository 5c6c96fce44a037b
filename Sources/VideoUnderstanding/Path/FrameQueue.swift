import Compute
import Imaging
import Synchronization
import Video

/// Sampled frames between the thread that decodes them and the one that looks at them. It is bounded
/// in bytes, so that large frames do not fill the memory: who brings them waits while it is full, who
/// takes them while it is empty.
package final class FrameQueue: Sendable {
    /// Bytes of frames that wait, at most: more than one pass of the vision tower takes at
    /// `--detail medium`. A single frame may always wait, however large it is.
    package static let standardBound = 4 << 20

    private struct State {
        var waiting: [(frame: SampledFrame, work: TimingRecord)] = []
        /// Of those that wait.
        var bytes = 0
        var mostBytes = 0
        /// What came behind the last frame.
        var ending: (error: VideoError?, work: TimingRecord)?
        /// Nobody will take more.
        var isClosed = false
    }

    private let bound: Int
    private let state = Mutex(State())
    private let changed = Signal()

    /// - Parameter bound: bytes.
    package init(bound: Int = standardBound) { self.bound = bound }

    /// Bytes that count for a frame of that size; a frame without a picture takes some, too.
    package static func bytes(of size: PixelSize) -> Int { 3 * size.area + 256 }

    /// The most bytes that ever waited at once.
    package var mostBytes: Int { state.withLock { $0.mostBytes } }

    // MARK: - The thread that decodes

    /// Adds a frame as soon as there is room.
    ///
    /// - Parameter work: what it took to make it.
    /// - Returns: false where nobody wants it, or any other.
    package func put(_ frame: SampledFrame, _ work: TimingRecord = TimingRecord()) -> Bool {
        let bytes = Self.bytes(of: frame.image.size)
        let isWanted = changed.wait { () -> Bool? in
            state.withLock { state -> Bool? in
                if state.isClosed { return false }
                guard state.waiting.isEmpty || state.bytes + bytes <= bound else { return nil }
                state.waiting.append((frame, work))
                state.bytes += bytes
                state.mostBytes = max(state.mostBytes, state.bytes)
                return true
            }
        }
        changed.notify()
        return isWanted
    }

    /// Says that no more frames follow; the last thing that the thread does.
    ///
    /// - Parameters:
    ///   - error: why, where that is not the end of the video. It is thrown behind the last frame.
    ///   - work: what was done since the last frame.
    package func end(_ error: VideoError? = nil, _ work: TimingRecord = TimingRecord()) {
        state.withLock { $0.ending = (error, work) }
        changed.notify()
    }

    // MARK: - The thread that looks at frames

    /// The next frame and what it took to make it, as soon as there is one; no frame behind the last.
    ///
    /// - Throws: what ended the decoding, behind the frames that came before.
    package func next() throws(VideoError) -> (frame: SampledFrame?, work: TimingRecord) {
        typealias Taken = Result<(frame: SampledFrame?, work: TimingRecord), VideoError>
        let taken = changed.wait { () -> Taken? in
            state.withLock { state -> Taken? in
                guard state.waiting.isEmpty else {
                    let first = state.waiting.removeFirst()
                    state.bytes -= Self.bytes(of: first.frame.image.size)
                    return .success((first.frame, first.work))
                }
                guard let ending = state.ending else { return nil }
                if let error = ending.error { return .failure(error) }
                // The work is told once.
                state.ending = (nil, TimingRecord())
                return .success((nil, ending.work))
            }
        }
        changed.notify()
        return try taken.get()
    }

    /// Forgets the frames that wait, lets the other thread stop, and waits until it has.
    package func close() {
        state.withLock { state in
            state.isClosed = true
            state.waiting = []
            state.bytes = 0
        }
        changed.notify()
        changed.wait { state.withLock { $0.ending.map { _ in () } } }
    }
}

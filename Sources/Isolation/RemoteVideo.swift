import Glibc
import Imaging
import Synchronization
import Video

/// One input that another process decodes, read like a `VideoReader`.
///
/// Whatever that process does ends in a frame that was checked or an error, within the budget.
package final class RemoteVideo: Sendable {
    private enum Phase {
        case opened, begun, ended
    }

    private struct State {
        var socket: DecoderSocket
        var phase = Phase.opened
        var reader: ReaderState?
        var frames = 0
        var picture: ExpectedPicture
    }

    private let state: Mutex<State>
    /// The process has ended, or was left to end.
    private let isOver = Atomic(false)
    private let isAbandoned = Atomic(false)
    private let nursery: Nursery
    private let process: Int32
    private let socket: Int32
    private let uri: String
    private let budget: DecodeBudget

    /// - Parameter needsPictures: whether a frame without one is an error.
    init(
        _ child: Nursery.Child, of nursery: Nursery, uri: String, budget: DecodeBudget,
        longestFrame: Int, needsPictures: Bool
    ) {
        self.nursery = nursery
        self.uri = uri
        self.budget = budget
        process = child.process
        socket = child.socket
        state = Mutex(
            State(
                socket: DecoderSocket(child.socket, budget: budget, longestFrame: longestFrame),
                picture: ExpectedPicture(isNeeded: needsPictures, size: nil)))
    }

    deinit {
        finish()
        close(socket)
    }

    // MARK: - Reading

    func open(_ request: DecodeRequest) throws(VideoError) {
        try state.withLock { state throws(VideoError) in
            try send(.request, request.wireBytes, &state)
            guard case .opened(let reader) = try receive(&state) else {
                throw broken("no description")
            }
            state.reader = reader
        }
    }

    /// Reads subtitles in place of pictures; nothing else can be asked of the process then.
    func subtitles(_ request: DecodeRequest) throws(VideoError) -> EmbeddedSubtitles {
        try state.withLock { state throws(VideoError) in
            try send(.request, request.wireBytes, &state)
            guard case .subtitles(let found) = try receive(&state) else {
                throw broken("no subtitles")
            }
            state.phase = .ended
            finish()
            return found
        }
    }

    /// Lets pictures come, and be decoded ahead of `next`.
    ///
    /// - Parameter target: the size to which they are resized there, with the result of
    ///   `Resampler.resized`; nil leaves them as they are.
    package func begin(target: PixelSize?) throws(VideoError) {
        try state.withLock { state throws(VideoError) in try begin(target, &state) }
    }

    private func begin(_ target: PixelSize?, _ state: inout State) throws(VideoError) {
        guard state.phase == .opened else { return }
        state.phase = .begun
        state.picture.size = target
        try send(.begin, BeginMessage(target: target).wireBytes, &state)
    }

    /// The next sampled frame; nil after the last.
    package func next() throws(VideoError) -> SampledFrame? {
        try state.withLock { state throws(VideoError) -> SampledFrame? in
            if state.phase == .ended { return nil }
            try begin(nil, &state)
            switch try receive(&state) {
            case .frame(let frame):
                state.frames += 1
                guard state.frames <= Self.mostFrames else { throw broken("too many frames") }
                let size = frame.image.size
                guard state.picture.allows(size) else {
                    throw broken("a picture of \(size.width)×\(size.height)")
                }
                return frame
            case .ended(let reader):
                state.reader = reader
                state.phase = .ended
                finish()
                return nil
            case .opened, .subtitles:
                throw broken("a second description")
            }
        }
    }

    /// Far more than any rate and duration give: a process that never ends.
    private static let mostFrames = 1 << 26

    // MARK: - What is known

    package var description: VideoDescription { reader.description }
    package var report: DecodeReport { reader.report }
    package var promisedEnd: Double? { reader.promisedEnd }
    package var expectedFrames: Int? { reader.expectedFrames }
    package var expectedFramesIsExact: Bool { reader.expectedFramesIsExact }
    /// Whether the input turned out to be one picture.
    package var isStillImage: Bool { reader.isStillImage }

    /// What was known at the opening; after the last frame, what is known then.
    package var known: ReaderState { reader }

    private var reader: ReaderState {
        state.withLock { state in
            guard let reader = state.reader else { preconditionFailure("read before it is open") }
            return reader
        }
    }

    // MARK: - Ending

    /// Ends the process; from any thread. A waiting `next` throws at once.
    package func abandon() {
        isAbandoned.store(true, ordering: .releasing)
        shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Nothing more is wanted of the process.
    private func finish() {
        if !isOver.exchange(true, ordering: .acquiringAndReleasing) { nursery.discard(process) }
    }

    private func broken(_ what: String) -> VideoError {
        finish()
        return .decoderCrashed(uri: uri, reason: "it sent \(what)")
    }

    /// The error that a user sees; the process is over with it.
    private func error(_ fault: DecoderFault) -> VideoError {
        switch fault {
        case .nonsense(let what): return broken(what)
        case .tooSlow(let seconds):
            finish()
            return .decoderTooSlow(uri: uri, seconds: seconds)
        case .cancelled:
            finish()
            return .decoderCrashed(uri: uri, reason: "it was ended")
        case .gone:
            if isAbandoned.load(ordering: .acquiring) { return error(.cancelled) }
            return obituary()
        }
    }

    /// What became of a process that closed its end.
    private func obituary() -> VideoError {
        guard let end = nursery.end(of: process, within: 5) else {
            finish()
            return .decoderLost(uri: uri, reason: "the process that started it has gone")
        }
        isOver.store(true, ordering: .releasing)
        switch end.signal {
        case SIGXCPU?:
            return .decoderTooSlow(uri: uri, seconds: budget.seconds)
        case SIGKILL?:
            // Not by us, and not for our limit, at which memory is refused and nothing killed.
            return .decoderLost(
                uri: uri,
                reason: "killed by the system or from outside, perhaps for want of memory")
        case let signal?:
            // Programs that are refused memory often crash.
            if end.peakMemory > budget.memory / 2 {
                return .decoderOutOfMemory(uri: uri, limit: budget.memory)
            }
            return .decoderCrashed(
                uri: uri, reason: "signal \(signal), \(String(cString: strsignal(signal)))")
        case nil:
            return .decoderCrashed(uri: uri, reason: "exit code \(end.exitCode)")
        }
    }

    // MARK: - Messages

    private enum Message {
        case opened(ReaderState)
        case frame(SampledFrame)
        case ended(ReaderState)
        case subtitles(EmbeddedSubtitles)
    }

    private func send(
        _ kind: MessageKind, _ content: [UInt8], _ state: inout State
    ) throws(VideoError) {
        do {
            try state.socket.send(kind, content)
        } catch {
            throw self.error(error)
        }
    }

    /// The next message, checked; failures are thrown.
    private func receive(_ state: inout State) throws(VideoError) -> Message {
        let received: (kind: MessageKind, content: [UInt8])
        do {
            received = try state.socket.receive()
        } catch {
            throw self.error(error)
        }
        let content = received.content[...]
        let failure: VideoError
        do throws(WireError) {
            switch received.kind {
            case .opened: return .opened(try ReaderState(wireBytes: content))
            case .frame: return .frame(try SampledFrame(wireBytes: content))
            case .end: return .ended(try ReaderState(wireBytes: content))
            case .failed: failure = try VideoError(wireBytes: content)
            case .subtitles: return .subtitles(try EmbeddedSubtitles(wireBytes: content))
            case .request, .begin, .alive: throw .invalid("kind of message")
            }
        } catch {
            throw broken("\(error)")
        }
        finish()
        throw failure
    }
}

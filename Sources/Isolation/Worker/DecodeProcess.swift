internal import CSandbox
import Compute
import Glibc
import Imaging
import Synchronization
import Video

/// The process that decodes one input, confined before it sees a byte of it.
enum DecodeProcess {
    /// Serves one input over `socket`, and ends.
    static func run(
        _ socket: Int32, _ confinement: rs_confinement, parent: pid_t, fault: InjectedFault?
    ) -> Never {
        guard rs_silence() == 0 else { _exit(Exit.notConfined) }
        var confinement = confinement
        let protections = rs_confine(&confinement, parent)
        guard protections >= 0 else { _exit(Exit.notConfined) }
        guard let content = receive(.request, from: socket),
            let request = try? DecodeRequest(wireBytes: content[...])
        else { _exit(Exit.noRequest) }
        let activity = ReadingActivity()
        let outgoing = OutgoingMessages(to: socket, capacity: request.queuedBytes)
        guard DetachedThread.start({ outgoing.write() }) else { _exit(Exit.noThread) }
        let fault = fault.flatMap { $0.concerns(request.input.uri) ? $0 : nil }
        do throws(VideoError) {
            let state = try decode(request, socket, outgoing, activity, fault, protections)
            try checkMemory(request.input.uri, activity, confinement)
            if let state { outgoing.put(.end, state.wireBytes) }
        } catch {
            let error = named(error, in: request, activity, confinement)
            outgoing.put(.failed, error.wireBytes)
        }
        outgoing.flush()
        _exit(0)
    }

    private enum Exit {
        static let notConfined: Int32 = 71
        static let noRequest: Int32 = 76
        static let noThread: Int32 = 72
    }

    /// - Returns: what is known at the end; nil where the other end wants nothing more.
    private static func decode(
        _ request: DecodeRequest, _ socket: Int32, _ outgoing: OutgoingMessages,
        _ activity: ReadingActivity, _ fault: InjectedFault?, _ protections: Int32
    ) throws(VideoError) -> ReaderState? {
        if let hosts = request.allowedHosts { HostGuard.allow(hosts) }
        let input = request.probes ? request.input.probed() : request.input
        try fault?.atOpening(socket, input.uri, protections: protections)
        watch(activity, outgoing)
        if request.wantsSubtitles {
            let found = try EmbeddedSubtitles.read(
                input, limits: request.limits, allowReferences: request.allowReferences,
                activity: activity)
            outgoing.put(.subtitles, found.wireBytes)
            return nil
        }
        var reader = try VideoReader.open(
            input, sampling: request.sampling, limits: request.limits, threads: request.threads,
            allowReferences: request.allowReferences, activity: activity)
        outgoing.put(.opened, ReaderState(reader, isStillImage: input.isStillImage).wireBytes)
        guard let content = receive(.begin, from: socket),
            let begin = try? BeginMessage(wireBytes: content[...])
        else { return nil }
        var resizer = begin.target.map(FrameResizer.init)
        while let frame = try reader.next() {
            let sent = resizer?.resized(frame) ?? frame
            outgoing.put(.frame, sent.wireBytes)
            fault?.afterFrame(socket)
        }
        return ReaderState(reader, isStillImage: input.isStillImage)
    }

    /// Pictures that are missing for want of memory would differ from run to run.
    private static func checkMemory(
        _ uri: String, _ activity: ReadingActivity, _ confinement: rs_confinement
    ) throws(VideoError) {
        guard activity.memoryRefusals > 0 else { return }
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        // Far from the limit it was the data that asked for an absurd amount.
        guard usage.ru_maxrss * 1024 > Int(confinement.memory) / 4 else { return }
        throw .decoderOutOfMemory(uri: uri, limit: Int(confinement.memory))
    }

    /// Tells the other end that something goes on, as long as it does.
    private static func watch(_ activity: ReadingActivity, _ outgoing: OutgoingMessages) {
        _ = DetachedThread.start {
            var seen = 0
            while true {
                usleep(250_000)
                let count = activity.count
                if count != seen { outgoing.putSignOfLife() }
                seen = count
            }
        }
    }

    /// The error with its true cause, where the confinement is it.
    private static func named(
        _ error: VideoError, in request: DecodeRequest, _ activity: ReadingActivity,
        _ confinement: rs_confinement
    ) -> VideoError {
        let uri = request.input.uri
        do throws(VideoError) {
            try checkMemory(uri, activity, confinement)
        } catch {
            return error
        }
        if let host = HostGuard.refused { return .hostNotAllowed(uri: uri, host: host) }
        let noMemory = String(cString: strerror(ENOMEM))
        switch error {
        case .systemFailure(_, let reason), .nothingDecodable(_, let reason, _),
            .notAVideo(_, let reason):
            guard reason.contains(noMemory) || reason == "out of memory" else { return error }
            return .decoderOutOfMemory(uri: uri, limit: Int(confinement.memory))
        default:
            return error
        }
    }

    /// The content of the next message, which must be of that kind; nil at the end.
    private static func receive(_ kind: MessageKind, from socket: Int32) -> [UInt8]? {
        guard let head = bytes(MessageHead.length, from: socket),
            let parsed = try? MessageHead.parse(head, longestFrame: 0), parsed.kind == kind
        else { return nil }
        return bytes(parsed.length, from: socket)
    }

    private static func bytes(_ count: Int, from socket: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return read(socket, base + done, count - done)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            done += got
        }
        return bytes
    }
}

/// The hosts that this process may reach. Global because the resolver of the C library is; set once
/// before the first address is opened.
private enum HostGuard {
    private static let hosts = Mutex<HostList?>(nil)
    private static let lastRefused = Mutex<String?>(nil)

    /// The last host that was refused.
    static var refused: String? { lastRefused.withLock { $0 } }

    static func allow(_ patterns: [String]) {
        hosts.withLock { $0 = HostList(patterns) }
        rs_guard_host_names { name in
            guard let name else { return 0 }
            let host = String(cString: name)
            if HostGuard.hosts.withLock({ $0?.allows(host) ?? true }) { return 1 }
            HostGuard.lastRefused.withLock { $0 = host }
            return 0
        }
    }
}

internal import CSandbox
import Glibc
import Synchronization

/// The tool's end of the process that starts decoding processes; see `NurseryProcess`.
///
/// It is started at the first use, and again if it should be gone.
final class Nursery: Sendable {
    /// A decoding process and our end of the socket to it.
    struct Child {
        var process: Int32
        var socket: Int32
    }

    private struct Running {
        var process: pid_t
        var control: Int32
        /// Ends that nobody has asked for yet.
        var ended: [Int32: ProcessEnd] = [:]
        /// Processes whose end nobody will ask for.
        var forgotten: Set<Int32> = []

        mutating func note(_ message: ControlMessage) {
            guard case .ended(let process, let end) = message else { return }
            if forgotten.remove(process) == nil { ended[process] = end }
        }
    }

    private let executable: String
    private let arguments: [String]
    private let allowsProxies: Bool
    private let running = Mutex<Running?>(nil)

    /// - Parameters:
    ///   - executable: a program that runs `NurseryProcess`.
    ///   - arguments: what makes it do so.
    ///   - allowsProxies: whether decoders may reach hosts through a proxy that the environment
    ///     names.
    init(executable: String, arguments: [String], allowsProxies: Bool) {
        self.executable = executable
        self.arguments = arguments
        self.allowsProxies = allowsProxies
    }

    deinit {
        running.withLock { running in
            if let running { Self.end(running) }
            running = nil
        }
    }

    /// Starts a decoding process.
    func start(
        memory: Int, processorSeconds: Int, network: Bool, writing: Bool
    ) throws(SystemError) -> Child {
        let (ours, theirs) = try Descriptor.pair(SOCK_STREAM)
        let mine = Descriptor(ours)
        let other = Descriptor(theirs)
        let message = ControlMessage.start(
            memory: memory, processorSeconds: processorSeconds, network: network, writing: writing
        ).bytes
        let process = try running.withLock { running throws(SystemError) -> Int32 in
            // Twice, as the nursery may have gone since it was last used.
            for _ in 0..<2 {
                var now = if let running { running } else { try launch() }
                running = nil
                if let process = Self.start(message, other.number, &now) {
                    running = now
                    return process
                }
                Self.end(now)
            }
            throw SystemError("the process that starts decoders", EPIPE)
        }
        guard process > 0 else { throw SystemError("fork", EAGAIN) }
        return Child(process: process, socket: mine.release())
    }

    /// Milliseconds for a fork: far more than a busy machine takes, as giving up ends the decoding
    /// of all other inputs.
    private static let patience: Int32 = 60_000

    /// Nil where the nursery is gone.
    private static func start(
        _ message: [UInt8], _ descriptor: Int32, _ running: inout Running
    ) -> Int32? {
        let sent = rs_send_descriptor(running.control, message, message.count, descriptor)
        guard sent == message.count else { return nil }
        while let answer = receive(from: running.control, within: patience) {
            if case .started(let process) = answer { return process }
            running.note(answer)
        }
        return nil
    }

    /// Ends a decoding process; `end(of:)` tells when it is over.
    func kill(_ process: Int32) {
        running.withLock { running in
            guard let running, running.ended[process] == nil else { return }
            let bytes = ControlMessage.kill(process: process).bytes
            _ = send(running.control, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// Waits for the end of a decoding process; nil where it does not come in time, or the nursery
    /// is gone, with which its processes die.
    func end(of process: Int32, within seconds: Double) -> ProcessEnd? {
        let deadline = monotonicSeconds() + seconds
        repeat {
            let (end, isGone) = running.withLock { running -> (ProcessEnd?, Bool) in
                guard running != nil else { return (nil, true) }
                if running?.ended[process] == nil, let control = running?.control,
                    isReadable(control, within: 20)
                {
                    guard let message = Self.receive(from: control, within: 0) else {
                        return (nil, true)
                    }
                    running?.note(message)
                }
                return (running?.ended.removeValue(forKey: process), false)
            }
            if end != nil || isGone { return end }
        } while monotonicSeconds() < deadline
        return nil
    }

    /// Ends a process whose end does not matter.
    func discard(_ process: Int32) {
        kill(process)
        running.withLock { running in
            if running?.ended.removeValue(forKey: process) == nil {
                running?.forgotten.insert(process)
            }
        }
    }

    // MARK: - The nursery itself

    private func launch() throws(SystemError) -> Running {
        let (ours, theirs) = try Descriptor.pair(SOCK_SEQPACKET)
        let mine = Descriptor(ours)
        let other = Descriptor(theirs)
        var process: pid_t = 0
        let words = CStrings([executable] + arguments)
        let environment = CStrings(environment)
        let status = rs_spawn(
            executable, words.pointers, environment.pointers, other.number, &process)
        guard status == 0 else { throw SystemError("starting \(executable)", status) }
        return Running(process: process, control: mine.release())
    }

    /// Ours, but no threads of OpenBLAS, which would make fork(2) unsafe, and no minutes spent on
    /// the backtrace of a decoder that crashed.
    private var environment: [String] {
        var result: [String] = []
        var entry = environ
        while let text = entry.pointee {
            result.append(String(cString: text))
            entry += 1
        }
        var dropped: Set = ["openblas_num_threads"]
        // A proxy looks names up itself: only the proxy's own would be checked.
        if !allowsProxies { dropped.formUnion(["http_proxy", "https_proxy", "all_proxy"]) }
        return result.filter { !dropped.contains($0.prefix { $0 != "=" }.lowercased()) }
            + ["OPENBLAS_NUM_THREADS=1", "SWIFT_BACKTRACE=enable=no"]
    }

    /// Ends the nursery, with which all that it started ends. By a signal, as it may not look at
    /// its socket any more, and others wait for the lock.
    private static func end(_ running: Running) {
        close(running.control)
        Glibc.kill(running.process, SIGKILL)
        var status: Int32 = 0
        while waitpid(running.process, &status, 0) < 0, errno == EINTR {}
    }

    /// The next message; nil at the end, on nonsense, or when time is up.
    private static func receive(
        from control: Int32, within milliseconds: Int32
    ) -> ControlMessage? {
        guard isReadable(control, within: milliseconds) else { return nil }
        var bytes = [UInt8](repeating: 0, count: ControlMessage.length + 1)
        let count = recv(control, &bytes, bytes.count, 0)
        return count > 0 ? ControlMessage(Array(bytes[..<count])) : nil
    }
}

/// Texts as C passes them to programs.
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        pointers = .allocate(capacity: count + 1)
        for (index, text) in texts.enumerated() { pointers[index] = strdup(text) }
        pointers[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}

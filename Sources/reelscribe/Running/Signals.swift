import Compute
import Synchronization
import VideoUnderstanding

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Ends a run in good order on Ctrl-C and on SIGTERM, with status 130 or 143.
///
/// Commands that work for long are asked first: stages look at ``interruption`` between frames and
/// tokens, and what is done is flushed. A second signal, or ten seconds, ends the process at once.
/// All other commands end at the first one.
enum Signals {
    static let interruption = Interruption()

    private static let millisecondsForOrder = Atomic<Int32>(0)

    /// Called once, before anything else runs.
    static func install() {
        // A closed pipe shows as an error of write(2), where it can be told from a fault.
        signal(SIGPIPE, SIG_IGN)
        // So does a file that may grow no further.
        signal(SIGXFSZ, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        signalPipe = ends[1]
        let reading = ends[0]
        guard DetachedThread.start({ watch(reading) }) else { return }
        // A parent that starts us from a worker thread may hand down a mask that blocks them.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for number in [SIGINT, SIGTERM] {
            signal(number, passOn)
            sigaddset(&wanted, number)
        }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    }

    /// From here on the work ends itself when it is asked to.
    static func letWorkEndItself() { millisecondsForOrder.store(10_000, ordering: .relaxed) }

    private static func watch(_ pipe: Int32) {
        guard let first = next(from: pipe, timeout: -1) else { return }
        interruption.request(signal: first)
        let second = next(from: pipe, timeout: millisecondsForOrder.load(ordering: .relaxed))
        FileOutput.abandonAll()
        _exit(128 + (second ?? first))
    }

    /// The number of the next signal; nil when `timeout` milliseconds have passed.
    private static func next(from pipe: Int32, timeout: Int32) -> Int32? {
        var waiting = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = poll(&waiting, 1, timeout)
            if ready == 0 { return nil }
            if ready < 0, errno == EINTR { continue }
            var number: UInt8 = 0
            return read(pipe, &number, 1) == 1 ? Int32(number) : nil
        }
    }
}

/// Written once before the handlers are installed, only read after: no handler can see it change.
nonisolated(unsafe) private var signalPipe: Int32 = -1

/// Runs inside a signal: one write(2), nothing else.
private func passOn(_ number: Int32) {
    let code = errno
    var byte = UInt8(truncatingIfNeeded: number)
    _ = write(signalPipe, &byte, 1)
    errno = code
}

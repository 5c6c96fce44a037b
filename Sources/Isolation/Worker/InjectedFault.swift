internal import CSandbox
import Glibc
import Video

/// What a decoding process does wrong on purpose, so that tests can see that nothing worse than a
/// failed job comes of it.
public struct InjectedFault: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Writes where nothing is, before and after the first frame.
        case crash
        case crashAfterFrame = "crash-after-frame"
        /// Waits for ever.
        case hang
        /// Computes for ever.
        case spin
        /// Takes memory until there is none.
        case bomb
        /// Sends what is no message.
        case garbage
        /// Promises a picture of four gigabytes.
        case boast
        /// Ends without a word.
        case quit
        /// Tries what it is not allowed to, and tells in an error what happened.
        case escape
    }

    public var kind: Kind
    /// Inputs whose name ends so behave; others are decoded.
    public var suffix: String

    /// Reads `kind:suffix`; nil for other text.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = Kind(rawValue: String(parts[0])) else { return nil }
        self.kind = kind
        suffix = String(parts[1])
    }

    func concerns(_ uri: String) -> Bool { uri.hasSuffix(suffix) }

    func atOpening(_ socket: Int32, _ uri: String, protections: Int32) throws(VideoError) {
        switch kind {
        case .crash: Self.crash()
        case .hang: while true { pause() }
        case .spin: while true { _ = getppid() }
        case .bomb: Self.takeAllMemory()
        case .garbage:
            _ = writeAll([UInt8](repeating: 0xEE, count: 4096), to: socket)
            while true { pause() }
        case .boast:
            _ = writeAll([MessageKind.opened.rawValue, 0xFF, 0xFF, 0xFF, 0xFF], to: socket)
            while true { pause() }
        case .quit: _exit(0)
        case .escape:
            throw .notAVideo(uri: uri, reason: Self.attempts(protections))
        case .crashAfterFrame: break
        }
    }

    func afterFrame(_ socket: Int32) {
        if kind == .crashAfterFrame { Self.crash() }
    }

    private static func crash() -> Never {
        signal(SIGSEGV, SIG_DFL)
        raise(SIGSEGV)
        _exit(1)
    }

    private static func takeAllMemory() -> Never {
        let step = 16 << 20
        while true {
            // Not malloc, which an optimizer may leave out.
            let block = mmap(
                nil, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let block, block != MAP_FAILED else { abort() }
            memset(block, 1, step)
        }
    }

    /// The calls that went through, which none should.
    private static func attempts(_ protections: Int32) -> String {
        var successes: [String] = []
        if socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) >= 0 { successes.append("socket") }
        if open("/tmp/reelscribe-escape", O_WRONLY | O_CREAT, 0o600) >= 0 {
            successes.append("write")
        }
        if kill(getppid(), 0) == 0 { successes.append("kill") }
        let child = rs_fork()
        if child == 0 { _exit(0) }
        if child > 0 { successes.append("fork") }
        if unlink("/tmp/reelscribe-escape") == 0 { successes.append("unlink") }
        var limit = rlimit(rlim_cur: 1 << 40, rlim_max: 1 << 40)
        if setrlimit(__rlimit_resource_t(UInt32(RLIMIT_DATA.rawValue)), &limit) == 0 {
            successes.append("setrlimit")
        }
        if rs_memory_file() >= 0 { successes.append("memfd_create") }
        for (name, request) in [("TIOCSTI", TIOCSTI), ("TIOCLINUX", TIOCLINUX)] {
            // Without a terminal an allowed call fails too, but says that there is none.
            var letter: CChar = 10
            if ioctl(0, UInt(request), &letter) == 0 || errno != EPERM { successes.append(name) }
        }
        return "protections \(protections), escapes \(successes)"
    }
}

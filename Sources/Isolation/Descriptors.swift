import Compute
import Glibc

/// A file descriptor with one owner, closed at its end.
struct Descriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }

    /// Gives the descriptor to someone else.
    consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }

    /// Two ends of a socket inside this machine; neither is inherited by programs.
    static func pair(_ type: __socket_type) throws(SystemError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let flags = Int32(type.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, flags, 0, &ends) == 0 else { throw SystemError("socketpair") }
        return (ends[0], ends[1])
    }
}

/// A call of the system that failed.
struct SystemError: Error, Equatable {
    var call: String
    var number: Int32

    init(_ call: String, _ number: Int32 = errno) {
        self.call = call
        self.number = number
    }

    var reason: String { String(cString: strerror(number)) }
}

/// Seconds on a clock that only goes forward.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Whether `descriptor` can be read, or has ended, within so many milliseconds.
func isReadable(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, milliseconds) > 0
}

/// Writes all bytes; false where the other end is gone.
///
/// By write(2), as a confined process may not send; SIGPIPE must be ignored.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    DescriptorWriting.write(bytes, to: descriptor) == nil
}

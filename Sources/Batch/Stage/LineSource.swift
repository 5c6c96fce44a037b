import Glibc
import Synchronization
import VideoUnderstanding

/// The lines of a descriptor that may be a pipe, without ever holding more of one than a job may
/// have.
final class LineSource: Sendable {
    /// Bytes of a line that are kept. One more than a job may have, so that too long a line is seen
    /// to be one.
    static let kept = JobLine.longest + 1

    private struct State {
        var bytes: [UInt8] = []
        var position = 0
        var isAtEnd = false
    }

    private let descriptor: Int32
    /// Reading ends when this can be read.
    private let stop: WakePipe
    private let state = Mutex(State())

    init(_ descriptor: Int32, stop: WakePipe) {
        self.descriptor = descriptor
        self.stop = stop
    }

    /// The next line without its end; nil at the end of the input and when it is to stop.
    ///
    /// What is behind the last line end counts as a line, except where reading was stopped.
    func next() -> [UInt8]? {
        state.withLock { state in
            var line: [UInt8] = []
            var isStarted = false
            while true {
                if state.position == state.bytes.count, !fill(&state) {
                    return isStarted && !stop.isAwake ? line : nil
                }
                isStarted = true
                let rest = state.bytes[state.position...]
                let end = rest.firstIndex(of: UInt8(ascii: "\n"))
                let part = rest[..<(end ?? rest.endIndex)]
                line += part.prefix(Self.kept - line.count)
                state.position = end.map { $0 + 1 } ?? rest.endIndex
                if end != nil { return line }
            }
        }
    }

    private func fill(_ state: inout State) -> Bool {
        while !state.isAtEnd {
            guard stop.waitToRead(descriptor) else { return false }
            var bytes = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(descriptor, &bytes, bytes.count)
            if count > 0 {
                state.bytes = Array(bytes[..<count])
                state.position = 0
                return true
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            state.isAtEnd = true
        }
        return false
    }
}

/// Wakes threads that wait for descriptors, once and for all.
final class WakePipe: Sendable {
    private let reading: Int32
    private let writing: Int32
    private let wasWoken = Atomic(false)

    init() throws(Failure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw Failure(
                .internalError, stage: .tool,
                message: "no pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (reading, writing) = (ends[0], ends[1])
    }

    deinit {
        close(reading)
        close(writing)
    }

    var isAwake: Bool { wasWoken.load(ordering: .acquiring) }

    func wake() {
        guard !wasWoken.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        _ = write(writing, &byte, 1)
    }

    /// Waits until `descriptor` can be written to, or its reader has gone; false where that takes
    /// longer than `patience` milliseconds after the waking.
    func waitToWrite(_ descriptor: Int32, patience: Int32) -> Bool {
        while true {
            let wasAwake = isAwake
            var waiting = [
                pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
                pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
            ]
            // Once woken, the second can be read for ever.
            let count = poll(&waiting, wasAwake ? 1 : 2, wasAwake ? patience : -1)
            if count > 0, waiting[0].revents != 0 { return true }
            if count == 0, wasAwake { return false }
        }
    }

    /// Waits until `descriptor` can be read or has ended; false once woken.
    func waitToRead(_ descriptor: Int32) -> Bool {
        while !isAwake {
            var waiting = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&waiting, 2, -1) > 0, waiting[0].revents != 0 { return !isAwake }
        }
        return false
    }
}

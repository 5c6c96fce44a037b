import Glibc
import Video

/// Why there is no message.
enum DecoderFault: Error {
    /// The process closed its end, by dying or otherwise.
    case gone
    case tooSlow(seconds: Double)
    /// The task that waits was cancelled.
    case cancelled
    /// What came is no message.
    case nonsense(String)
}

/// Our end of the socket to a decoding process, which may send anything, or nothing.
struct DecoderSocket {
    let number: Int32
    let budget: DecodeBudget
    /// Bytes of the message of a picture, at most.
    let longestFrame: Int
    /// Seconds waited so far.
    private var waited = 0.0
    /// When the last byte came or went.
    private var lastSign = monotonicSeconds()

    init(_ number: Int32, budget: DecodeBudget, longestFrame: Int) {
        self.number = number
        self.budget = budget
        self.longestFrame = longestFrame
    }

    mutating func send(_ kind: MessageKind, _ content: [UInt8]) throws(DecoderFault) {
        lastSign = monotonicSeconds()
        let bytes = MessageHead.bytes(kind, length: content.count) + content
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return Glibc.send(
                    number, base + done, buffer.count - done,
                    Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            if count >= 0 {
                done += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT)
            } else if errno != EINTR {
                throw .gone
            }
        }
    }

    /// The next message that is not merely a sign of life.
    mutating func receive() throws(DecoderFault) -> (kind: MessageKind, content: [UInt8]) {
        lastSign = monotonicSeconds()
        while true {
            let bytes = try bytes(MessageHead.length)
            let head: (kind: MessageKind, length: Int)
            do throws(WireError) {
                head = try MessageHead.parse(bytes, longestFrame: longestFrame)
            } catch {
                throw .nonsense("\(error)")
            }
            let content = try self.bytes(head.length)
            if head.kind != .alive { return (head.kind, content) }
        }
    }

    /// Exactly so many bytes. Memory is taken as they come, not as they are promised.
    private mutating func bytes(_ count: Int) throws(DecoderFault) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let wanted = min(count - bytes.count, Self.step)
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: wanted))
            let status = bytes.withUnsafeMutableBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return recv(number, base + start, wanted, Int32(MSG_DONTWAIT))
            }
            let code = errno
            bytes.removeLast(wanted - max(status, 0))
            if status > 0 {
                lastSign = monotonicSeconds()
            } else if status == 0 {
                throw .gone
            } else if code == EAGAIN {
                try wait(for: POLLIN)
            } else if code != EINTR {
                throw .gone
            }
        }
        return bytes
    }

    private static let step = 1 << 20

    private mutating func wait(for events: Int32) throws(DecoderFault) {
        let start = monotonicSeconds()
        defer { waited += monotonicSeconds() - start }
        var waiting = pollfd(fd: number, events: Int16(events), revents: 0)
        while poll(&waiting, 1, Self.tick) <= 0 {
            if Task.isCancelled { throw .cancelled }
            let now = monotonicSeconds()
            if now - lastSign > budget.stallSeconds { throw .tooSlow(seconds: budget.stallSeconds) }
            if waited + now - start > budget.seconds { throw .tooSlow(seconds: budget.seconds) }
        }
        if waited + monotonicSeconds() - start > budget.seconds {
            throw .tooSlow(seconds: budget.seconds)
        }
    }

    /// Milliseconds between looks at the clock and at cancellation.
    private static let tick: Int32 = 50
}

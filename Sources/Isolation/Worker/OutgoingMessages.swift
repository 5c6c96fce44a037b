import Compute
import Synchronization

/// Messages on their way out, written by a thread of their own so that decoding goes on while the
/// other end is busy, up to a number of bytes.
final class OutgoingMessages: Sendable {
    private struct State {
        var waiting: [[UInt8]] = []
        /// Of those that wait and the one that is being written.
        var bytes = 0
        var isClosed = false
    }

    private let socket: Int32
    private let capacity: Int
    private let state = Mutex(State())
    private let changed = Signal()

    /// - Parameter capacity: bytes that may wait; one message always may.
    init(to socket: Int32, capacity: Int) {
        self.socket = socket
        self.capacity = capacity
    }

    /// Waits until there is room. What nobody will read is dropped.
    func put(_ kind: MessageKind, _ content: [UInt8]) {
        var message = MessageHead.bytes(kind, length: content.count)
        message += content
        changed.wait {
            state.withLock { state in
                if state.isClosed { return () }
                guard state.bytes == 0 || state.bytes + message.count <= capacity else {
                    return nil
                }
                state.waiting.append(message)
                state.bytes += message.count
                return ()
            }
        }
        changed.notify()
    }

    /// Says that the process is alive, unless there is something to read anyway.
    func putSignOfLife() {
        state.withLock { state in
            guard state.bytes == 0, !state.isClosed else { return }
            state.waiting.append(MessageHead.bytes(.alive, length: 0))
            state.bytes += MessageHead.length
        }
        changed.notify()
    }

    /// Waits until everything is written or nobody reads any more.
    func flush() {
        changed.wait { state.withLock { $0.isClosed || $0.bytes == 0 ? () : nil } }
    }

    /// Writes until nobody reads any more; for a thread of its own.
    func write() {
        while true {
            let message = changed.wait {
                state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
            }
            let isWritten = writeAll(message, to: socket)
            state.withLock { state in
                state.bytes -= message.count
                if !isWritten { state.isClosed = true }
            }
            changed.notify()
            guard isWritten else { return }
        }
    }
}

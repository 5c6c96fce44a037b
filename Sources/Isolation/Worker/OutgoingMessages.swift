import Glibc

/// Messages on their way out, written by a thread of their own so that decoding goes on while the
/// other end is busy, up to a number of bytes.
///
/// A class because its threads share it. What the pointers lead to is touched with the lock held.
final class OutgoingMessages: Sendable {
    private struct State {
        var waiting: [[UInt8]] = []
        var bytes = 0
        var isClosed = false
        var isWriting = false
    }

    private nonisolated(unsafe) let lock: UnsafeMutablePointer<pthread_mutex_t>
    private nonisolated(unsafe) let changed: UnsafeMutablePointer<pthread_cond_t>
    private nonisolated(unsafe) let state: UnsafeMutablePointer<State>
    private let socket: Int32
    private let capacity: Int

    /// - Parameter capacity: bytes that may wait; one message always may.
    init(to socket: Int32, capacity: Int) {
        self.socket = socket
        self.capacity = capacity
        lock = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        state = .allocate(capacity: 1)
        pthread_mutex_init(lock, nil)
        pthread_cond_init(changed, nil)
        state.initialize(to: State())
    }

    deinit {
        state.deinitialize(count: 1)
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(lock)
        state.deallocate()
        changed.deallocate()
        lock.deallocate()
    }

    /// Waits until there is room. What nobody will read is dropped.
    func put(_ kind: MessageKind, _ content: [UInt8]) {
        var message = MessageHead.bytes(kind, length: content.count)
        message += content
        pthread_mutex_lock(lock)
        while state.pointee.bytes > 0, state.pointee.bytes + message.count > capacity,
            !state.pointee.isClosed
        {
            pthread_cond_wait(changed, lock)
        }
        if !state.pointee.isClosed {
            state.pointee.waiting.append(message)
            state.pointee.bytes += message.count
            pthread_cond_broadcast(changed)
        }
        pthread_mutex_unlock(lock)
    }

    /// Says that the process is alive, unless there is something to read anyway.
    func putSignOfLife() {
        pthread_mutex_lock(lock)
        if state.pointee.waiting.isEmpty, !state.pointee.isWriting, !state.pointee.isClosed {
            state.pointee.waiting.append(MessageHead.bytes(.alive, length: 0))
            state.pointee.bytes += MessageHead.length
            pthread_cond_broadcast(changed)
        }
        pthread_mutex_unlock(lock)
    }

    /// Waits until everything is written or nobody reads any more.
    func flush() {
        pthread_mutex_lock(lock)
        while !state.pointee.isClosed, !state.pointee.waiting.isEmpty || state.pointee.isWriting {
            pthread_cond_wait(changed, lock)
        }
        pthread_mutex_unlock(lock)
    }

    /// Writes for ever; for a thread of its own.
    func write() {
        pthread_mutex_lock(lock)
        while !state.pointee.isClosed {
            guard !state.pointee.waiting.isEmpty else {
                pthread_cond_wait(changed, lock)
                continue
            }
            let message = state.pointee.waiting.removeFirst()
            state.pointee.isWriting = true
            pthread_mutex_unlock(lock)
            let isWritten = writeAll(message, to: socket)
            pthread_mutex_lock(lock)
            state.pointee.bytes -= message.count
            state.pointee.isWriting = false
            if !isWritten { state.pointee.isClosed = true }
            pthread_cond_broadcast(changed)
        }
        pthread_mutex_unlock(lock)
    }
}

/// Runs `body` in a thread that nobody waits for; false where there is none to be had.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let code = pthread_create(
        &thread, nil,
        { argument in
            if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    guard code == 0 else {
        box.release()
        return false
    }
    pthread_detach(thread)
    return true
}

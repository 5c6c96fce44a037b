import Glibc
import Synchronization

/// A file beside an index that is made, which one process at a time holds.
///
/// The index itself cannot serve: it is renamed and removed while others wait for it. The lock file
/// is removed by whoever holds it; who gets a lock on a file that is not at the path any more tries
/// again. The kernel gives the lock up when a process ends, however that happens.
final class WriterLock: Sendable {
    private let path: String
    private let descriptor: Mutex<Int32>

    /// - Throws: `busy` where another process, or another thread of this one, holds it.
    init(for output: String) throws(IndexError) {
        path = output + ".lock"
        while true {
            let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
            guard opened >= 0 else {
                throw .cannotCreate(path: path, reason: String(cString: strerror(errno)))
            }
            guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
                let reason = errno
                Glibc.close(opened)
                if reason == EWOULDBLOCK { throw .busy(path: output) }
                throw .cannotCreate(path: path, reason: String(cString: strerror(reason)))
            }
            var held = stat()
            var there = stat()
            if fstat(opened, &held) == 0, stat(path, &there) == 0, held.st_ino == there.st_ino,
                held.st_dev == there.st_dev
            {
                descriptor = Mutex(opened)
                return
            }
            Glibc.close(opened)
        }
    }

    deinit { release() }

    func release() {
        descriptor.withLock { descriptor in
            guard descriptor >= 0 else { return }
            unlink(path)
            Glibc.close(descriptor)
            descriptor = -1
        }
    }
}

import Compute
import Glibc

/// A file that grows at its end and is never left with half of what was appended.
struct DurableFile: ~Copyable {
    let path: String
    private let descriptor: Int32
    private(set) var size: Int

    /// Opens or creates a regular file.
    init(path: String) throws(BatchError) {
        // Not blocking: a pipe without a reader must not hold us up before it is refused.
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else {
            throw .cannotCreate(path: path, reason: SystemReason.text(errno))
        }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .notAFile(path: path)
        }
        self.path = path
        self.descriptor = descriptor
        size = Int(facts.st_size)
    }

    deinit { close(descriptor) }

    /// Keeps other processes from writing until this value ends, or the process does.
    func lock() throws(BatchError) {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: throw .inUse(path: path)
            default: throw .cannotWrite(path: path, reason: SystemReason.text(errno))
            }
        }
    }

    /// The same file with the size it has now.
    consuming func measured() throws(BatchError) -> DurableFile {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw fault() }
        size = Int(facts.st_size)
        return self
    }

    /// Appends bytes and waits until they are on the disk. Where that fails, the file is again as
    /// it was.
    mutating func append(_ bytes: [UInt8]) throws(BatchError) {
        do throws(BatchError) {
            try write(bytes)
            try sync()
        } catch {
            try? truncate(to: size)
            throw error
        }
        size += bytes.count
    }

    /// Cuts the end off.
    mutating func truncate(to size: Int) throws(BatchError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw fault() }
        self.size = size
        try sync()
    }

    /// For a signal handler, which can do no more than write(2).
    var rawDescriptor: Int32 { descriptor }

    private func write(_ bytes: [UInt8]) throws(BatchError) {
        if let stop = DescriptorWriting.write(bytes, to: descriptor) {
            throw .cannotWrite(path: path, reason: SystemReason.text(stop.code ?? 0))
        }
    }

    private func sync() throws(BatchError) {
        while fsync(descriptor) != 0 {
            if errno == EINTR { continue }
            // File systems that keep nothing have nothing to wait for.
            if errno == EINVAL || errno == EROFS { return }
            throw fault()
        }
    }

    private func fault() -> BatchError {
        .cannotWrite(path: path, reason: SystemReason.text(errno))
    }
}

/// The words of the system for an error number.
enum SystemReason {
    static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}

/// Replaces files as a whole.
enum AtomicFile {
    /// Makes a file from pieces, so that its place shows the old one or the whole new one.
    ///
    /// - Parameters:
    ///   - durably: wait until it is on the disk.
    ///   - next: gives pieces until nil.
    static func replace(
        _ path: String, durably: Bool = true, _ next: () throws(BatchError) -> [UInt8]?
    ) throws(BatchError) {
        let target = Self.target(of: path)
        let partial = Self.partial(of: target)
        let descriptor = try Self.openPartial(of: target, for: path)
        var isInPlace = false
        defer {
            close(descriptor)
            if !isInPlace { unlink(partial) }
        }
        while let bytes = try next() {
            if let stop = DescriptorWriting.write(bytes, to: descriptor) {
                throw .cannotWrite(path: path, reason: SystemReason.text(stop.code ?? 0))
            }
        }
        if durably {
            guard fsync(descriptor) == 0 || errno == EINVAL else {
                throw .cannotWrite(path: path, reason: SystemReason.text(errno))
            }
        }
        guard rename(partial, target) == 0 else {
            throw .cannotWrite(path: path, reason: SystemReason.text(errno))
        }
        isInPlace = true
        if durably { syncFolder(of: target) }
    }

    /// - Throws: where a file cannot be made or replaced there, without a change to what is there.
    static func check(_ path: String) throws(BatchError) {
        let target = Self.target(of: path)
        close(try openPartial(of: target, for: path))
        unlink(partial(of: target))
    }

    private static func partial(of target: String) -> String { "\(target).partial-\(getpid())" }

    private static func openPartial(
        of target: String, for path: String
    ) throws(BatchError) -> Int32 {
        var facts = stat()
        let exists = stat(target, &facts) == 0
        // A device or a pipe must not be replaced by a file.
        guard !exists || facts.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        let mode = exists ? facts.st_mode & 0o777 : 0o666
        let descriptor = open(
            partial(of: target), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw .cannotCreate(path: path, reason: SystemReason.text(errno))
        }
        return descriptor
    }

    /// A link stays a link.
    private static func target(of path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Puts names on the disk: those that were created or changed in the folder of `path`. Not all
    /// file systems can, and none loses more than the newest file where it cannot.
    static func syncFolder(of path: String) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}

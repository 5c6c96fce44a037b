import Compute
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Where results go: standard output, or a file that is never seen half written.
public struct FileOutput: ~Copyable {
    /// Why bytes did not arrive.
    enum Fault: Error {
        /// The reader has gone, which is no fault of ours.
        case readerGone
        case system(Int32)
    }

    /// What is done with the file at the end.
    private enum Commit {
        case nothing
        /// Written beside its place, and moved there when it is whole.
        case rename(from: String, to: String)
    }

    /// Files of this process that are not whole yet.
    private static let partialFiles = Mutex<Set<String>>([])

    /// The same for folders.
    private static let partialFolders = Mutex<Set<String>>([])

    /// Removes what is half written. For the end of a process that cannot wait for its work.
    public static func abandonAll() {
        for path in partialFiles.withLock({ $0 }) { unlink(path) }
        for path in partialFolders.withLock({ $0 }) { FolderOutput.remove(path) }
    }

    /// Notes a folder that is being written.
    static func keep(partialFolder path: String) {
        partialFolders.withLock { _ = $0.insert(path) }
    }

    /// A folder that is whole, or gone.
    static func forget(partialFolder path: String) {
        partialFolders.withLock { _ = $0.remove(path) }
    }

    /// Writes a new file to its end, and to the disk.
    ///
    /// - Parameter body: is given what writes.
    static func writeWhole(
        _ path: String, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw cannotCreate(path, errno, "--output") }
        defer { close(descriptor) }
        func failure(_ code: Int32) -> Failure {
            Failure(
                .outputUnwritable, stage: .output,
                message: "cannot write \(path): \(SystemFiles.reason(code))",
                status: .outputNotWritten)
        }
        try body { bytes in
            if let stop = DescriptorWriting.write(bytes, to: descriptor) {
                throw failure(stop.code ?? 0)
            }
        }
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
            throw failure(errno)
        }
    }

    private let name: String
    private let descriptor: Int32
    private var commit: Commit
    private let ownsDescriptor: Bool

    /// - Parameters:
    ///   - path: nil or `-` for standard output.
    ///   - atomically: the file appears as a whole at ``finish()``. Otherwise it is emptied now and
    ///     grows as texts arrive, for results that must survive an interruption.
    ///   - option: what the user gives the path with.
    /// - Throws: `output.unwritable` with status 73.
    public init(
        path: String?, atomically: Bool, option: String = "--output"
    ) throws(Failure) {
        guard let path, path != "-" else {
            self.init(
                name: "standard output", descriptor: STDOUT_FILENO, ownsDescriptor: false,
                commit: .nothing)
            return
        }
        // A link stays a link; a device or a pipe is written, not replaced.
        let target = SystemFiles.realPath(path) ?? path
        var facts = stat()
        let exists = stat(target, &facts) == 0
        let isRegular = exists && facts.st_mode & S_IFMT == S_IFREG
        let isBeside = atomically && (isRegular || !exists)
        // A file that may not be written must not be replaced either.
        if isBeside, exists, access(target, W_OK) != 0 {
            throw Self.cannotCreate(path, errno, option)
        }
        // The number of the process keeps two runs apart.
        let opened = isBeside ? target + ".partial-\(getpid())" : target
        let mode = isRegular ? facts.st_mode & 0o777 : 0o666
        let descriptor = open(opened, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw Self.cannotCreate(path, errno, option) }
        if isBeside { Self.partialFiles.withLock { _ = $0.insert(opened) } }
        self.init(
            name: path, descriptor: descriptor, ownsDescriptor: true,
            commit: isBeside ? .rename(from: opened, to: target) : .nothing)
    }

    private init(name: String, descriptor: Int32, ownsDescriptor: Bool, commit: Commit) {
        self.name = name
        self.descriptor = descriptor
        self.ownsDescriptor = ownsDescriptor
        self.commit = commit
    }

    private static func cannotCreate(
        _ path: String, _ code: Int32, _ option: String
    ) -> Failure {
        Failure(
            .outputUnwritable, stage: .output,
            message: "cannot create \(path): \(SystemFiles.reason(code))",
            hint: "give another place with \(option)", status: .outputNotCreated)
    }

    deinit {
        if ownsDescriptor { close(descriptor) }
        if case .rename(let partial, _) = commit {
            unlink(partial)
            Self.partialFiles.withLock { _ = $0.remove(partial) }
        }
    }

    /// Writes a text as a whole.
    ///
    /// - Throws: `output.unwritable` with status 74. Ends the process, as other filters do, where
    ///   the reader of standard output has gone.
    public mutating func write(_ text: String) throws(Failure) {
        let bytes = ContiguousArray(text.utf8)
        try bytes.withUnsafeBufferPointer { bytes throws(Failure) in
            try write(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Writes bytes; see ``write(_:)``.
    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        do throws(Fault) {
            try Self.write(bytes, to: descriptor)
        } catch {
            switch error {
            case .readerGone: Self.endAsFilter()
            case .system(let code): throw cannotWrite(code)
            }
        }
    }

    /// Puts the file in its place. Without this call an atomic output leaves nothing behind.
    public consuming func finish() throws(Failure) {
        guard case .rename(let partial, let target) = commit else { return }
        guard fsync(descriptor) == 0 || errno == EINVAL || errno == EROFS else {
            throw cannotWrite(errno)
        }
        guard rename(partial, target) == 0 else { throw cannotWrite(errno) }
        Self.partialFiles.withLock { _ = $0.remove(partial) }
        commit = .nothing
    }

    private func cannotWrite(_ code: Int32) -> Failure {
        Failure(
            .outputUnwritable, stage: .output,
            message: "cannot write \(name): \(SystemFiles.reason(code))",
            status: .outputNotWritten)
    }

    /// Writes everything, and keeps silent where that fails.
    static func writeAll(_ text: String, to descriptor: Int32) {
        ContiguousArray(text.utf8).withUnsafeBufferPointer {
            try? write(UnsafeRawBufferPointer($0), to: descriptor)
        }
    }

    private static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32
    ) throws(Fault) {
        guard let stop = DescriptorWriting.write(bytes, to: descriptor) else { return }
        throw stop.code == EPIPE ? .readerGone : .system(stop.code ?? 0)
    }

    /// Dies of SIGPIPE, so that the shell sees what it sees of any filter: `reelscribe … | head`.
    private static func endAsFilter() -> Never {
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
        exit(141)
    }
}

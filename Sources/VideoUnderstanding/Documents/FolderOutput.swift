#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A folder of results that is never seen half written: it is filled beside its place under a name
/// of its own, and moved there when it is whole.
public struct FolderOutput: ~Copyable {
    private let target: String
    private let partial: String
    private var isFinished = false

    /// - Parameters:
    ///   - path: of the folder; the folder above must be there.
    ///   - replacing: whether a folder that is there already may be replaced: one that `mayGo` says
    ///     yes to.
    /// - Throws: `output.unwritable` with status 73.
    public init(
        path: String, replacing: Bool, mayGo: (String) -> Bool = { _ in true }
    ) throws(Failure) {
        var target = SystemFiles.realPath(path) ?? path
        while target.count > 1, target.hasSuffix("/") { target.removeLast() }
        var facts = stat()
        if lstat(target, &facts) == 0 {
            guard replacing else {
                throw Self.cannotCreate(
                    path, "it is there already", hint: "--force replaces it")
            }
            guard facts.st_mode & S_IFMT == S_IFDIR, mayGo(target) else {
                throw Self.cannotCreate(
                    path, "what is there is none of what this command writes",
                    hint: "name another folder")
            }
        }
        // The number of the process keeps two runs apart.
        let partial = target + ".partial-\(getpid())"
        Self.remove(partial)
        guard mkdir(partial, 0o777) == 0 else {
            throw Self.cannotCreate(path, SystemFiles.reason(), hint: nil)
        }
        FileOutput.keep(partialFolder: partial)
        self.target = target
        self.partial = partial
    }

    deinit {
        guard !isFinished else { return }
        Self.remove(partial)
        FileOutput.forget(partialFolder: partial)
    }

    /// Writes a file of the folder.
    ///
    /// - Throws: what `body` throws; `output.unwritable` with status 74.
    public borrowing func write(
        _ name: String, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        try FileOutput.writeWhole(partial + "/" + name, body)
    }

    /// Puts the folder in its place. Without this call nothing stays behind.
    public consuming func finish() throws(Failure) {
        let old = target + ".old-\(getpid())"
        let exists = access(target, F_OK) == 0
        if exists, rename(target, old) != 0 { throw cannotFinish(errno) }
        guard rename(partial, target) == 0 else {
            let code = errno
            if exists { rename(old, target) }
            throw cannotFinish(code)
        }
        isFinished = true
        FileOutput.forget(partialFolder: partial)
        if exists { Self.remove(old) }
    }

    private func cannotFinish(_ code: Int32) -> Failure {
        Failure(
            .outputUnwritable, stage: .output,
            message: "cannot write \(target): \(SystemFiles.reason(code))",
            status: .outputNotWritten)
    }

    private static func cannotCreate(_ path: String, _ reason: String, hint: String?) -> Failure {
        Failure(
            .outputUnwritable, stage: .output, message: "cannot create \(path): \(reason)",
            hint: hint, status: .outputNotCreated)
    }

    /// Removes a folder and the files in it; folders in it stay, and so does it then.
    static func remove(_ path: String) {
        for name in SystemFiles.names(in: path) ?? [] where name != "." && name != ".." {
            unlink(path + "/" + name)
        }
        rmdir(path)
    }
}

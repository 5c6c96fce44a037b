import Glibc
import VideoUnderstanding

/// A folder of this process for inputs that are fetched. It is removed at the end; what a killed
/// process left behind is removed by the next one.
public final class ScratchFolder: Sendable {
    public let path: String
    /// Locked as long as the process lives, whatever ends it.
    private let lock: Int32

    private static let prefix = "reelscribe-scratch-"
    private static let lockName = "lock"

    /// - Parameter parent: where it is made; nil: `TMPDIR`, else `/tmp`.
    public init(in parent: String? = nil) throws(Failure) {
        let parent = parent ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        Self.removeAbandoned(in: parent)
        var template = Array("\(parent)/\(Self.prefix)XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Self.failure(parent) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        lock = open("\(path)/\(Self.lockName)", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let failure = Self.failure(path)
            if lock >= 0 { close(lock) }
            Self.remove(path)
            throw failure
        }
    }

    deinit {
        Self.remove(path)
        close(lock)
    }

    /// Removes the folder, whoever still holds files of it.
    func removeNow() { Self.remove(path) }

    /// A place for one file, which is removed when nothing holds it any more.
    ///
    /// - Parameter number: tells the files of this folder apart.
    func file(_ number: Int) -> ScratchFile { ScratchFile("\(path)/input-\(number)", in: self) }

    private static func failure(_ path: String) -> Failure {
        Failure(
            .outputUnwritable, stage: .open,
            message: "no scratch folder in \(path): \(String(cString: strerror(errno)))",
            hint: "set TMPDIR to a folder with room", status: .outputNotCreated)
    }

    /// Folders whose process is gone. A folder without a lock is being made.
    private static func removeAbandoned(in parent: String) {
        for name in names(in: parent) where name.hasPrefix(prefix) {
            let lock = open("\(parent)/\(name)/\(lockName)", O_RDWR | O_CLOEXEC)
            guard lock >= 0 else { continue }
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { remove("\(parent)/\(name)") }
            close(lock)
        }
    }

    /// Removes a folder of plain files.
    private static func remove(_ path: String) {
        for name in names(in: path) { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    private static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(
                    to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)
                ) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

/// A file in a scratch folder.
public final class ScratchFile: Sendable {
    public let path: String
    /// The folder stays as long as a file in it is held.
    private let folder: ScratchFolder

    fileprivate init(_ path: String, in folder: ScratchFolder) {
        self.path = path
        self.folder = folder
    }

    deinit { unlink(path) }

    /// Bytes of the file, 0 where there is none yet.
    var size: Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}

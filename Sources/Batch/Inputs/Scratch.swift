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
        // Locked before it has its name, so that another process, which starts at the same time
        // and sweeps, never finds it unlocked.
        let unnamed = "\(path)/\(Self.lockName).new"
        lock = open(unnamed, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0,
            rename(unnamed, "\(path)/\(Self.lockName)") == 0
        else {
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
    func file(_ number: Int) throws(Failure) -> ScratchFile {
        let place = "\(path)/input-\(number)"
        guard mkdir(place, 0o700) == 0 else { throw Self.failure(path) }
        return ScratchFile(in: place, of: self)
    }

    private static func failure(_ path: String) -> Failure {
        Failure(
            .outputUnwritable, stage: .open,
            message: "no scratch folder in \(path): \(String(cString: strerror(errno)))",
            hint: "set TMPDIR to a folder with room", status: .outputNotCreated)
    }

    /// Folders whose process is gone. A folder without a lock is being made.
    ///
    /// Others may write to the parent too: only a real folder of this user is one of ours.
    private static func removeAbandoned(in parent: String) {
        for name in names(in: parent) where name.hasPrefix(prefix) {
            let path = "\(parent)/\(name)"
            var facts = stat()
            guard lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR,
                facts.st_uid == geteuid()
            else { continue }
            let lock = open("\(path)/\(lockName)", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
            guard lock >= 0 else { continue }
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { remove(path) }
            close(lock)
        }
    }

    /// Removes a folder with all that is in it; links are not followed.
    fileprivate static func remove(_ path: String) {
        for name in names(in: path) {
            let inside = "\(path)/\(name)"
            if isFolder(inside) { remove(inside) } else { unlink(inside) }
        }
        rmdir(path)
    }

    /// Bytes of all files in a folder and its folders.
    fileprivate static func size(of path: String) -> Int {
        names(in: path).reduce(0) { sum, name in
            let inside = "\(path)/\(name)"
            var facts = stat()
            guard lstat(inside, &facts) == 0 else { return sum }
            return sum
                + (facts.st_mode & S_IFMT == S_IFDIR ? size(of: inside) : Int(facts.st_size))
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return lstat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
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

/// A file in a scratch folder, in a folder of its own: commands download to a name beside it, which
/// they change at the end, and leave that file behind where they are killed.
public final class ScratchFile: Sendable {
    public let path: String
    /// Holds the file and whatever else its command writes there.
    private let place: String
    /// The folder stays as long as a file in it is held.
    private let folder: ScratchFolder

    fileprivate init(in place: String, of folder: ScratchFolder) {
        path = place + "/input"
        self.place = place
        self.folder = folder
    }

    deinit { ScratchFolder.remove(place) }

    /// What a command says, where it does not count as data.
    var log: String { place + ".log" }

    /// Bytes of the file and of all that lies beside it, 0 where there is nothing yet.
    var size: Int { ScratchFolder.size(of: place) }
}

import Foundation
import VideoUnderstanding

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// One repository in the cache that tools of this kind share: contents by their tags under `blobs`,
/// folders of links to them under `snapshots`, and under `refs` which commit a revision is.
struct HubCache: Sendable {
    let root: String
    let name: String
    let repository: String

    init(root: String, name: String) {
        self.root = root
        self.name = name
        repository = root + "/models--" + name.replacing("/", with: "--")
    }

    /// Whether a text from the hub can stand as the name of a file.
    static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, first != UInt8(ascii: "."), text.utf8.count <= 200
        else { return false }
        return text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || [0x2D, 0x2E, 0x5F].contains(byte)
        }
    }

    func blob(_ tag: String) -> String { repository + "/blobs/" + tag }
    func partial(_ tag: String) -> String { blob(tag) + ".incomplete" }
    func snapshot(_ commit: String) -> String { repository + "/snapshots/" + commit }

    static func size(of path: String) -> Int? {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int(facts.st_size) : nil
    }

    /// Makes the folders.
    func prepare() throws(HubError) {
        for folder in [repository + "/blobs", repository + "/refs", root + "/.locks"] {
            try Self.make(folder)
        }
    }

    private static func make(_ folder: String) throws(HubError) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .cannotWrite(path: folder, reason: error.localizedDescription)
        }
    }

    /// Keeps other pulls of the same repository away until the result is let go.
    func lock() throws(HubError) -> FolderLock {
        let file = repository.split(separator: "/").last.map(String.init) ?? "models"
        return try FolderLock(path: root + "/.locks/" + file + ".lock", of: name)
    }

    /// Makes the folder of a commit, complete before it can be seen under the name of a revision.
    func publish(_ files: [(name: String, tag: String)], commit: String, revision: String)
        throws(HubError)
    {
        let folder = snapshot(commit)
        try Self.make(folder)
        for file in files {
            let link = folder + "/" + file.name
            let target = "../../blobs/" + file.tag
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == target {
                continue
            }
            // By renaming: a reader sees the old link or the new one.
            let fresh = link + ".link-\(getpid())"
            unlink(fresh)
            guard symlink(target, fresh) == 0, rename(fresh, link) == 0 else {
                throw .cannotWrite(path: link, reason: String(cString: strerror(errno)))
            }
        }
        let reference = repository + "/refs/" + revision
        do {
            if let slash = reference.lastIndex(of: "/") {
                try Self.make(String(reference[..<slash]))
            }
            try Data(commit.utf8).write(to: URL(fileURLWithPath: reference), options: .atomic)
        } catch let error as HubError {
            throw error
        } catch {
            throw .cannotWrite(path: reference, reason: error.localizedDescription)
        }
    }
}

/// A lock that the system takes away with the process that holds it.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `inUse` at once where another process has it.
    init(path: String, of name: String) throws(HubError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .inUse(name)
        }
    }

    deinit { close(descriptor) }
}

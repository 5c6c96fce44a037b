import Glibc

/// A folder of indexes that are made and forgotten by themselves.
///
/// Names are hashes of everything that an index depends on, so that what has changed is never found.
/// Any number of processes may share the folder.
public struct IndexCache: Sendable {
    public let folder: String
    /// Bytes that all files may take together.
    public let quota: Int
    /// Seconds after which a file that is not finished is taken for abandoned.
    static let patience = 3600

    /// - Throws: where there is no such folder and none can be made.
    public init(folder: String, quota: Int) throws(IndexError) {
        self.folder = folder.hasSuffix("/") && folder.count > 1 ? String(folder.dropLast()) : folder
        self.quota = quota
        var facts = stat()
        if mkdir(self.folder, 0o777) == 0 { return }
        let number = errno
        guard stat(self.folder, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            throw .cannotCreate(
                path: self.folder,
                reason: String(cString: strerror(number == EEXIST ? ENOTDIR : number)))
        }
    }

    /// Where the index of a key is, or would be.
    package func path(of key: ContentHash) -> String {
        "\(folder)/\(key.text.prefix(32)).\(IndexFormat.fileExtension)"
    }

    /// Opens the index of a key and notes that it was of use; nil where there is none. One that is
    /// damaged is removed.
    package func open(_ key: ContentHash) throws(IndexError) -> IndexFile? {
        let path = path(of: key)
        do throws(IndexError) {
            let file = try IndexFile.reading(path)
            utimensat(AT_FDCWD, path, nil, 0)
            return file
        } catch {
            switch error {
            case .notFound: return nil
            case .damaged, .notAnIndex, .newer, .unfinished:
                unlink(path)
                return nil
            default: throw error
            }
        }
    }

    /// Removes a file that turned out to be damaged.
    package func forget(_ key: ContentHash) { unlink(path(of: key)) }

    /// Removes the files that were of use the longest ago, until the rest keeps to the quota. Who
    /// has one of them open goes on reading it.
    package func trim() {
        guard let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        var files: [(name: String, size: Int, used: timespec)] = []
        let now = time(nil)
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard Self.isOurs(name) else { continue }
            var facts = stat()
            guard stat("\(folder)/\(name)", &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            let isPartial = !name.hasSuffix("." + IndexFormat.fileExtension)
            if isPartial, facts.st_mtim.tv_sec > now - Self.patience { continue }
            files.append((name, Int(facts.st_size), facts.st_mtim))
        }
        files.sort {
            ($0.used.tv_sec, $0.used.tv_nsec, $0.name) < ($1.used.tv_sec, $1.used.tv_nsec, $1.name)
        }
        var total = files.reduce(0) { $0 + $1.size }
        for file in files where total > quota {
            if unlink("\(folder)/\(file.name)") == 0 { total -= file.size }
        }
    }

    /// `<32 hexadecimal digits>.rsx`, and what belongs to it while it is made. Nothing else in the
    /// folder is touched.
    private static func isOurs(_ name: String) -> Bool {
        let parts = name.split(separator: ".", maxSplits: 1)
        return parts.count == 2 && parts[0].utf8.count == 32
            && parts[0].utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
            && [
                IndexFormat.fileExtension, IndexFormat.fileExtension + ".partial",
                IndexFormat.fileExtension + ".partial-journal",
            ].contains(String(parts[1]))
    }
}

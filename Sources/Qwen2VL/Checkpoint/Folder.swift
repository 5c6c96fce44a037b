#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A checkpoint's folder: which names it holds, and what it is called.
struct Folder {
    let path: String
    /// Names of all entries, links included.
    let names: Set<String>

    /// Lists a folder.
    init(path: String) throws(ModelError) {
        guard let stream = opendir(path) else {
            let reason: ModelError.NotFoundReason = errno == ENOTDIR ? .notFolder : .noFolder
            throw .notFound(path: path, reason: reason)
        }
        defer { closedir(stream) }
        var names: Set<String> = []
        while let entry = readdir(stream) {
            withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let name = bytes.prefix { $0 != 0 }
                names.insert(String(decoding: name, as: UTF8.self))
            }
        }
        self.path = path
        self.names = names
    }

    /// The folder's own name; `owner/name` for a snapshot in a hub's cache, whose folder is named
    /// after a revision.
    var modelName: String {
        var absolute = path
        if let resolved = realpath(path, nil) {
            absolute = String(cString: resolved)
            free(resolved)
        }
        let parts = absolute.split(separator: "/").map(String.init)
        let cached = "models--"
        if parts.count >= 3, parts[parts.count - 2] == "snapshots",
            parts[parts.count - 3].hasPrefix(cached)
        {
            let words = parts[parts.count - 3].dropFirst(cached.count)
            // Only the first pair of dashes parts owner and name.
            guard let separator = words.firstRange(of: "--") else { return String(words) }
            return words[..<separator.lowerBound] + "/" + words[separator.upperBound...]
        }
        return parts.last ?? absolute
    }
}

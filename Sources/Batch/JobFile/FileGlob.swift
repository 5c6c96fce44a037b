import Glibc
import Video

/// Finds files by a pattern: `*`, `?`, `[…]` and `{a,b}` within a name, `**` for any number of
/// folders.
enum FileGlob {
    private static let deepest = 64

    /// What a search has found, and what a person should know about it.
    struct Search {
        fileprivate(set) var files: [String] = []
        /// Folders that were not looked into.
        fileprivate(set) var notices: [String] = []
    }

    /// Regular files that match, without those whose name or folder begins with a dot, unless the
    /// pattern's does. In natural order, folder by folder.
    static func search(_ pattern: String) -> Search {
        let isAbsolute = pattern.hasPrefix("/")
        let parts = pattern.split(separator: "/").map(String.init)
        var found = Search()
        collect(isAbsolute ? "/" : "", parts[...], depth: 0, into: &found)
        // `a/**/**` finds a file by more than one way.
        var seen = Set<String>()
        found.files = found.files.filter { seen.insert($0).inserted }
        found.notices = found.notices.filter { seen.insert($0).inserted }
        return found
    }

    private static func collect(
        _ folder: String, _ parts: ArraySlice<String>, depth: Int, into found: inout Search
    ) {
        guard let part = parts.first else { return }
        guard depth <= deepest else {
            found.notices.append("\(folder) lies deeper than \(deepest) folders: passed over")
            return
        }
        let rest = parts.dropFirst()
        if part == "**" {
            // No folder at all, else each one below, which is not a link: links can go in circles.
            collect(folder, rest, depth: depth, into: &found)
            for name in names(in: folder, &found.notices) where !name.hasPrefix(".") {
                let path = folder + name
                if kind(of: path, following: false) == S_IFDIR {
                    collect(path + "/", parts, depth: depth + 1, into: &found)
                }
            }
            return
        }
        let hasPattern = part.utf8.contains { "*?[{".utf8.contains($0) }
        let patterns = alternatives(of: part)
        let matches =
            hasPattern
            ? names(in: folder, &found.notices).filter { name in
                patterns.contains { fnmatch($0, name, FNM_PERIOD) == 0 }
            } : [part]
        for name in matches {
            let path = folder + name
            let kind = kind(of: path, following: true)
            if rest.isEmpty {
                if kind == S_IFREG { found.files.append(path) }
            } else if kind == S_IFDIR {
                collect(path + "/", rest, depth: depth + 1, into: &found)
            }
        }
    }

    /// `*.{mp4,mov}` as `*.mp4` and `*.mov`. Braces that do not close mean themselves.
    private static func alternatives(of part: String) -> [String] {
        guard let open = part.firstIndex(of: "{"),
            let close = part[open...].firstIndex(of: "}")
        else { return [part] }
        let tails = alternatives(of: String(part[part.index(after: close)...]))
        return part[part.index(after: open)..<close]
            .split(separator: ",", omittingEmptySubsequences: false)
            .flatMap { word in tails.map { part[..<open] + word + $0 } }
    }

    private static func kind(of path: String, following: Bool) -> mode_t? {
        var facts = stat()
        guard (following ? stat(path, &facts) : lstat(path, &facts)) == 0 else { return nil }
        return facts.st_mode & S_IFMT
    }

    private static func names(in folder: String, _ notices: inout [String]) -> [String] {
        guard let directory = opendir(folder.isEmpty ? "." : folder) else {
            // A folder that is not there has no files, which is said where nothing is found.
            if errno != ENOENT, errno != ENOTDIR {
                notices.append("\(folder) cannot be read: \(SystemReason.text(errno))")
            }
            return []
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted(by: FileNames.precedes)
    }
}

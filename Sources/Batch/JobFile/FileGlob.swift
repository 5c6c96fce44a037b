import Glibc
import Video

/// Finds files by a pattern: `*`, `?`, `[…]` and `{a,b}` within a name, `**` for any number of
/// folders; a backslash before any of these takes it as it is. The ending of a pattern, such as
/// `.mp4`, matches in any case, as cameras write `.MP4`.
enum FileGlob {
    private static let deepest = 64

    /// Why a pattern cannot match anything: the path before its first sign is not what it must be.
    enum Fault: Error, Equatable, CustomStringConvertible {
        case unreadable(path: String, reason: String)
        case noFolder(path: String)
        /// The pattern has no sign, and names a folder.
        case folder(path: String)

        var description: String {
            switch self {
            case .unreadable(let path, let reason): "cannot open \(path): \(reason)"
            case .noFolder(let path): "\(path) is no folder"
            case .folder(let path):
                "\(path) is a folder: write \(path)/**/*.mp4 for the videos in it"
            }
        }
    }

    /// `text` as a pattern that takes every sign in it as it is.
    static func literal(_ text: String) -> String {
        text.map { "\\*?[]{},".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    }

    /// What a pattern without signs names: the pattern without its backslashes.
    static func plain(_ pattern: String) -> String {
        var text = ""
        var isEscaped = false
        for character in pattern {
            isEscaped = character == "\\" && !isEscaped
            if !isEscaped { text.append(character) }
        }
        return text
    }

    /// - Throws: where the path that the pattern begins with is not there, which is a mistake; a
    ///   folder without a match is none.
    static func check(_ pattern: String) throws(Fault) {
        let parts = pattern.split(separator: "/").map(String.init)
        let names = parts.prefix { firstSign(of: "*?[{", in: $0) == nil }
        let path = (pattern.hasPrefix("/") ? "/" : "") + names.map(plain).joined(separator: "/")
        var facts = stat()
        guard stat(path.isEmpty ? "." : path, &facts) == 0 else {
            throw .unreadable(path: path, reason: SystemReason.text(errno))
        }
        let isFolder = facts.st_mode & S_IFMT == S_IFDIR
        if names.count == parts.count {
            if isFolder { throw .folder(path: path) }
        } else if !isFolder {
            throw .noFolder(path: path)
        }
    }

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
        var matches = [plain(part)]
        if firstSign(of: "*?[{", in: part) != nil {
            let patterns = alternatives(of: part[...]).map { rest.isEmpty ? anyCase($0) : $0 }
            matches = names(in: folder, &found.notices).filter { name in
                patterns.contains { fnmatch($0, name, FNM_PERIOD) == 0 }
            }
        }
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
    private static func alternatives(of part: Substring) -> [String] {
        guard let open = firstSign(of: "{", in: part),
            let close = firstSign(of: "}", in: part[open...])
        else { return [String(part)] }
        let tails = alternatives(of: part[part.index(after: close)...])
        var words: [Substring] = []
        var rest = part[part.index(after: open)..<close]
        while let comma = firstSign(of: ",", in: rest) {
            words.append(rest[..<comma])
            rest = rest[rest.index(after: comma)...]
        }
        return (words + [rest]).flatMap { word in tails.map { part[..<open] + word + $0 } }
    }

    /// Where the first of some signs stands that no backslash takes its meaning from.
    private static func firstSign(
        of signs: String, in text: some StringProtocol
    ) -> String.Index? {
        var isEscaped = false
        for index in text.indices {
            if isEscaped {
                isEscaped = false
            } else if text[index] == "\\" {
                isEscaped = true
            } else if signs.contains(text[index]) {
                return index
            }
        }
        return nil
    }

    /// `*.mp4` as `*.[mM][pP]4`.
    private static func anyCase(_ pattern: String) -> String {
        guard let dot = pattern.lastIndex(of: ".") else { return pattern }
        let ending = pattern[pattern.index(after: dot)...]
        guard ending.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
            return pattern
        }
        return pattern[...dot]
            + ending.map { $0.isLetter ? "[\($0.lowercased())\($0.uppercased())]" : "\($0)" }
            .joined()
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

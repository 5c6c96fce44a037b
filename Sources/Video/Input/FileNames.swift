import Glibc

/// Lists of files in the order in which a person counts them.
package enum FileNames {
    /// Endings of files that hold videos; of pictures that move, too, they are not.
    package static let videoEndings = [
        "mp4", "mkv", "webm", "mov", "avi", "m4v", "mpg", "mpeg", "ts", "flv", "wmv", "ogv",
    ]

    /// The first file that is a video by its name.
    static func firstVideo(of paths: [String]) -> String? {
        paths.first { path in
            guard let dot = path.lastIndex(of: "."),
                videoEndings.contains(path[path.index(after: dot)...].lowercased())
            else { return false }
            var facts = stat()
            return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
        }
    }

    /// Paths of the entries of a folder whose names do not begin with a dot, in natural order.
    static func inFolder(_ folder: String) throws(VideoError) -> [String] {
        guard let directory = opendir(folder) else {
            throw .cannotOpen(uri: folder, reason: String(cString: strerror(errno)))
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        let prefix = folder.hasSuffix("/") ? folder : folder + "/"
        return names.sorted(by: precedes).map { prefix + $0 }
    }

    /// Paths that match a shell pattern, in natural order.
    static func matching(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0, let paths = found.gl_pathv else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { paths[$0].map { String(cString: $0) } }
            .sorted(by: precedes)
    }

    /// Natural order: runs of digits compare as numbers (`f2` before `f10`), all else by bytes.
    /// Names that are equal as numbers (`f01`, `f1`) are told apart by their bytes.
    package static func precedes(_ left: String, _ right: String) -> Bool {
        let a = Array(left.utf8)
        let b = Array(right.utf8)
        var (i, j) = (0, 0)
        while i < a.count, j < b.count {
            if isDigit(a[i]), isDigit(b[j]) {
                let first = digits(a, &i)
                let second = digits(b, &j)
                // Without leading zeros, the longer number is the larger.
                if first.count != second.count { return first.count < second.count }
                if first != second { return first.lexicographicallyPrecedes(second) }
            } else {
                if a[i] != b[j] { return a[i] < b[j] }
                i += 1
                j += 1
            }
        }
        if (a.count - i == 0) != (b.count - j == 0) { return i == a.count }
        return a.lexicographicallyPrecedes(b)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }

    private static func digits(_ bytes: [UInt8], _ place: inout Int) -> ArraySlice<UInt8> {
        let start = place
        while place < bytes.count, isDigit(bytes[place]) { place += 1 }
        return bytes[start..<place].drop { $0 == 48 }
    }
}

import Glibc

/// Files of subtitles beside a video.
package enum SubtitlesBeside {
    /// `talk.srt` and `talk.vtt` beside `talk.mp4`, then `talk.en.srt` and the like in natural
    /// order.
    package static func paths(of video: String) -> [String] {
        let slash = video.lastIndex(of: "/")
        let folder = slash.map { $0 == video.startIndex ? "/" : String(video[..<$0]) } ?? "."
        let name = slash.map { video[video.index(after: $0)...] } ?? video[...]
        guard let dot = name.lastIndex(of: "."), dot > name.startIndex,
            let entries = try? FileNames.inFolder(folder)
        else { return [] }
        let base = Array(name[..<dot].utf8) + [UInt8(ascii: ".")]
        let found = entries.compactMap { path -> (rank: Int, path: String)? in
            let entry = path.split(separator: "/").last.map { Array($0.utf8) } ?? []
            guard entry.starts(with: base) else { return nil }
            let rest = String(decoding: entry.dropFirst(base.count), as: UTF8.self).lowercased()
            let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
            guard let ending = parts.last, ending == "srt" || ending == "vtt", isFile(path) else {
                return nil
            }
            switch parts.count {
            case 1: return (ending == "srt" ? 0 : 1, path)
            case 2 where isLanguage(parts[0]): return (2, path)
            default: return nil
            }
        }
        // Entries are in natural order, which a stable sort by rank keeps.
        return found.enumerated().sorted {
            ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset)
        }.map { slash == nil ? String($0.element.path.dropFirst(2)) : $0.element.path }
    }

    /// `en`, `pt-br`, `zh-hant`.
    private static func isLanguage(_ text: Substring) -> Bool {
        (2...12).contains(text.utf8.count)
            && text.utf8.allSatisfy { (97...122).contains($0) || $0 == 45 || $0 == 95 }
    }

    private static func isFile(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }
}

import Foundation

/// What the system says about this process's memory.
package enum ProcessMemory {
    /// The largest resident size so far, in bytes; 0 where the system does not tell.
    package static var peak: Int { field("VmHWM:", in: "/proc/self/status") }

    /// The resident size now, in bytes; nil where the system does not tell.
    package static var resident: Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
            return nil
        }
        let words = text.split(separator: " ")
        return words.count > 1 ? Int(words[1]).map { $0 * sysconf(Int32(_SC_PAGESIZE)) } : nil
    }

    /// Bytes of mapped checkpoints that are resident now.
    package static var residentOfCheckpoints: Int {
        // Longer than a page, and without a length: it must be read to its end.
        guard let file = FileHandle(forReadingAtPath: "/proc/self/smaps") else { return 0 }
        let text = String(decoding: file.readDataToEndOfFile(), as: UTF8.self)
        var bytes = 0
        var isCheckpoint = false
        for line in text.split(separator: "\n") {
            if line.contains("-"), line.contains(" r") {
                isCheckpoint = line.hasSuffix(".safetensors") || line.hasSuffix(".gguf")
            } else if isCheckpoint, line.hasPrefix("Rss:") {
                let words = line.split(separator: " ")
                if words.count > 1, let size = Int(words[1]) { bytes += size * 1024 }
            }
        }
        return bytes
    }

    /// A line `name  123 kB` of a file under /proc, in bytes.
    private static func field(_ name: String, in path: String) -> Int {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return 0 }
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            let words = line.split(separator: " ")
            if words.count >= 2, let value = Int(words[words.count - 2]) { return value * 1024 }
        }
        return 0
    }
}

import Foundation

/// What the system says about this process's memory.
package enum ProcessMemory {
    /// The largest resident size so far, in bytes; 0 where the system does not tell.
    package static var peak: Int { field("VmHWM:", in: "/proc/self/status") }

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

import Glibc
import OrderedJSON
import Video
import VideoUnderstanding

/// What a file turns out to be that was given as a manifest, or as a job file.
///
/// Only what is beyond doubt has a kind: a manifest with bad lines stays a manifest.
public enum FileKind: Sendable, Equatable {
    case folder
    /// No text: a video, most likely.
    case binary
    /// Compressed, and what writes out what is in it.
    case compressed(by: String)
    case utf16
    /// Names of files or addresses, one a line.
    case names
    /// The same as JSON texts.
    case quotedNames
    /// Text of which no line is JSON.
    case text
    /// One JSON list.
    case list
    /// One JSON object over several lines.
    case spreadObject
    /// Documents of ours, and the schema of the first.
    case documents(schema: String)
    /// The journal of a run.
    case journal
    case manifest
    case jobFile

    /// Bytes of a file that is looked at as a whole.
    static let mostRead = 4 << 20
    /// Lines at the head of a file that tell what it is.
    private static let linesToTell = 5

    // MARK: - Telling

    /// What the first bytes of a file tell by themselves; nil for text.
    static func ofHead(_ head: some Collection<UInt8>) -> FileKind? {
        let compressions: [(head: [UInt8], reader: String)] = [
            ([0x1F, 0x8B], "gzip -dc"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd -dc"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "xz -dc"), ([0x42, 0x5A, 0x68], "bzip2 -dc"),
        ]
        for kind in compressions where head.starts(with: kind.head) {
            return .compressed(by: kind.reader)
        }
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) { return .utf16 }
        // A line that begins as JSON is a bad line, whatever comes then.
        let line = head.drop { JobLine.isBlank([$0]) }.prefix { $0 != UInt8(ascii: "\n") }
        guard let first = line.first, !isOpening(first) else { return nil }
        let isControl = line.contains { $0 < 0x20 && ![0x09, 0x0D, 0x1B].contains($0) }
        // The head may end within a letter.
        let isWhole = line.endIndex < head.endIndex
        let isText = !isWhole || String(validating: line, as: UTF8.self) != nil
        return isControl || !isText ? .binary : nil
    }

    /// What lines that are not empty tell; nil where they may be a manifest.
    static func ofManifest(_ lines: [[UInt8]]) -> FileKind? {
        if isJobFile(lines) { return .jobFile }
        return ofOthers(lines)
    }

    /// What the lines of a text tell that was to be a job file; nil where it may be one.
    static func ofJobFile(_ lines: [[UInt8]]) -> FileKind? {
        let lines = lines.filter { !JobLine.isBlank($0) }
        let others = ofOthers(lines)
        if others != .list, lines.prefix(linesToTell).contains(where: isJob) { return .manifest }
        switch others {
        case .text, .spreadObject: return nil
        case .names where lines.contains { $0.starts(with: Array("inputs".utf8)) }: return nil
        case let kind: return kind
        }
    }

    /// Whether bytes are a manifest beyond doubt: one of the first lines is a job, or was to be one.
    static func isManifest(_ lines: [ArraySlice<UInt8>]) -> Bool {
        lines.lazy.filter { !JobLine.isBlank($0) }.prefix(linesToTell).contains { line in
            guard let value = try? JSON.parse(line), value["schema"] == nil,
                value["inputs"] == nil
            else { return false }
            return value["video"]?.string != nil || value["task"] != nil
        }
    }

    private static func ofOthers(_ lines: [[UInt8]]) -> FileKind? {
        guard let first = lines.first else { return nil }
        let value = try? JSON.parse(first)
        if let kind = value.flatMap(ofObject) { return kind }
        if lines.count == 1, value?.array != nil { return .list }
        if value == nil, let whole = whole(lines) {
            if whole.array != nil { return .list }
            if let kind = ofObject(whole) { return kind }
            if whole["video"] != nil || whole["task"] != nil { return .spreadObject }
        }
        guard !lines.contains(where: { $0.first(where: isVisible).map(isOpening) ?? false }) else {
            // Too long to be read as a whole, and no list of its own on its first line.
            let isList = value == nil && first.first(where: isVisible) == UInt8(ascii: "[")
            return isList && !lines.contains(where: isJob) ? .list : nil
        }
        let head = lines.prefix(linesToTell)
        if head.allSatisfy({ (try? JSON.parse($0))?.string != nil }) { return .quotedNames }
        return head.allSatisfy(isName) ? .names : .text
    }

    /// A document or a journal of ours, by its own word.
    private static func ofObject(_ value: JSON) -> FileKind? {
        if value["journal"]?.string?.hasPrefix("reelscribe/") == true { return .journal }
        guard let schema = value["schema"]?.string, schema.hasPrefix("reelscribe/"),
            schema != DocumentKind.job.identifier, value["video"]?.string == nil
        else { return nil }
        return .documents(schema: schema)
    }

    private static func whole(_ lines: [[UInt8]]) -> JSON? {
        guard lines.count > 1, lines.reduce(0, { $0 + $1.count }) <= mostRead else { return nil }
        return try? JSON.parse(Array(lines.joined(separator: [UInt8(ascii: "\n")])))
    }

    /// Whether lines that are no jobs are those of a job file.
    private static func isJobFile(_ lines: [[UInt8]]) -> Bool {
        guard !lines.prefix(linesToTell).contains(where: isJob),
            lines.reduce(0, { $0 + $1.count }) <= mostRead,
            let text = String(validating: lines.joined(separator: [10]), as: UTF8.self)
        else { return false }
        return (try? LocatedYAML(text) { $1 })?.value["inputs"] != nil
    }

    private static func isJob(_ line: [UInt8]) -> Bool {
        guard let value = try? JSON.parse(line) else { return false }
        return value["video"] != nil && value["inputs"] == nil && ofObject(value) == nil
    }

    /// Whether a line is what `ls` and `find` print: an address, the name of a video, or of what is
    /// there.
    private static func isName(_ line: [UInt8]) -> Bool {
        guard let text = String(validating: line, as: UTF8.self) else { return false }
        let name = text.drop { $0 == " " }
        if name.contains("://") || access(String(name), F_OK) == 0 { return true }
        guard let dot = name.lastIndex(of: ".") else { return false }
        let ending = name[name.index(after: dot)...].lowercased().prefix { $0 != " " && $0 != "\r" }
        return FileNames.videoEndings.contains(String(ending))
    }

    private static func isOpening(_ byte: UInt8) -> Bool { "{[".utf8.contains(byte) }

    private static func isVisible(_ byte: UInt8) -> Bool {
        // A byte order mark is no sign of its own.
        !JobLine.isBlank([byte]) && ![0xEF, 0xBB, 0xBF].contains(byte)
    }
}

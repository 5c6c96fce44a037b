import Glibc

/// Reads a file line by line, in bounded memory whatever the file holds.
struct LineReader: ~Copyable {
    /// A line without its line feed.
    struct Line {
        /// No more of it than the reader's limit.
        var bytes: [UInt8]
        /// Where it begins in the file.
        var offset: Int
        /// Bytes in the file, line feed included.
        var length: Int
        /// False for a last line without a line feed.
        var isComplete: Bool
    }

    private let path: String
    private let descriptor: Int32
    private let ownsDescriptor: Bool
    private let limit: Int
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private var filled = 0..<0
    private var offset = 0

    /// - Parameters:
    ///   - path: `-` is standard input.
    ///   - limit: bytes of a line that are kept.
    init(path: String, limit: Int) throws(BatchError) {
        self.path = path
        self.limit = limit
        ownsDescriptor = path != "-"
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw .inputMissing(path: path, reason: SystemReason.text(errno))
        }
    }

    /// Whether the same bytes can be read again by whoever opens the path: of a pipe nothing is left.
    var canBeReadAgain: Bool {
        var facts = stat()
        return ownsDescriptor && fstat(descriptor, &facts) == 0
            && facts.st_mode & S_IFMT == S_IFREG
    }

    /// The first bytes, which `next` gives all the same; only before its first call.
    mutating func head() throws(BatchError) -> [UInt8] {
        if filled.isEmpty { _ = try fill() }
        return Array(buffer[filled])
    }

    deinit { if ownsDescriptor { close(descriptor) } }

    /// Nil at the end.
    mutating func next() throws(BatchError) -> Line? {
        var line = Line(bytes: [], offset: offset, length: 0, isComplete: false)
        while true {
            if filled.isEmpty {
                guard try fill() else { return line.length == 0 ? nil : line }
            }
            let end = buffer[filled].firstIndex(of: UInt8(ascii: "\n"))
            let part = filled.lowerBound..<(end ?? filled.upperBound)
            line.bytes += buffer[part].prefix(limit - line.bytes.count)
            let taken = part.count + (end == nil ? 0 : 1)
            line.length += taken
            offset += taken
            filled = (filled.lowerBound + taken)..<filled.upperBound
            if end != nil {
                line.isComplete = true
                return line
            }
        }
    }

    private mutating func fill() throws(BatchError) -> Bool {
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw .cannotRead(path: path, reason: SystemReason.text(errno))
            }
            filled = 0..<count
            return count > 0
        }
    }
}

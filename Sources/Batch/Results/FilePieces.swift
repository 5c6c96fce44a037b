import Glibc

/// Parts of files, one after the other, in pieces of bounded size.
struct FilePieces: ~Copyable {
    /// A part of one file.
    struct Part {
        var path: String
        var bytes: Range<Int>
    }

    private var parts: ArraySlice<Part>
    private var rest = 0..<0
    private var path = ""
    private var descriptor: Int32 = -1

    init(_ parts: [Part]) { self.parts = parts[...] }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Nil behind the last part.
    mutating func next() throws(BatchError) -> [UInt8]? {
        while rest.isEmpty {
            guard let part = parts.popFirst() else { return nil }
            if descriptor < 0 || part.path != path {
                if descriptor >= 0 { close(descriptor) }
                path = part.path
                descriptor = open(path, O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else {
                    throw .cannotRead(path: path, reason: SystemReason.text(errno))
                }
            }
            rest = part.bytes
        }
        var piece = [UInt8](repeating: 0, count: min(rest.count, 1 << 20))
        let count = pread(descriptor, &piece, piece.count, off_t(rest.lowerBound))
        guard count > 0 else {
            let reason = count < 0 ? SystemReason.text(errno) : "it has become shorter"
            throw .cannotRead(path: path, reason: reason)
        }
        rest = (rest.lowerBound + count)..<rest.upperBound
        return Array(piece.prefix(count))
    }
}

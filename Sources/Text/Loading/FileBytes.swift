#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads the small files of a tokenizer.
enum FileBytes {
    /// Several times the largest known tokenizer file; bounds the memory a hostile one can take.
    static let limit = 32 << 20

    /// The whole content of a plain file, or nil where nothing has that name.
    static func contents(of path: String) throws(TextError) -> [UInt8]? {
        // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw unreadable(path)
        }
        defer { _ = close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw unreadable(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path, reason: "not a plain file")
        }
        let size = Int(status.st_size)
        guard size <= limit else { throw .tooLarge(path: path, bytes: size, limit: limit) }

        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            while filled < size {
                let rest = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
                let count = read(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                failed = count < 0
                if count <= 0 { break }
                filled += count
            }
        }
        guard !failed else { throw unreadable(path) }
        return bytes
    }

    private static func unreadable(_ path: String) -> TextError {
        .unreadable(path: path, reason: String(cString: strerror(errno)))
    }
}

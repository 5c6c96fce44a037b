import Compute
import Glibc

/// The place of an index while it is made: a file beside it, which takes its place when it is whole.
///
/// What an interrupted indexing leaves is that other file; the next one goes on with it.
package struct IndexOutput: Sendable {
    package let path: String
    package var partial: String { path + ".partial" }

    package init(path: String) { self.path = path }

    /// Whether something is there already.
    package var exists: Bool { access(path, F_OK) == 0 }

    /// Opens what an interrupted indexing left, or begins anew.
    ///
    /// - Parameter base: an index whose content to begin with, where nothing was left.
    /// - Throws: `busy` where another process is at it.
    package func begin(from base: String? = nil) throws(IndexError) -> IndexFile {
        let lock = try WriterLock(for: partial)
        if let base, access(partial, F_OK) != 0 { try copy(base) }
        do throws(IndexError) {
            return try IndexFile.writing(partial, lock: lock)
        } catch {
            guard case .damaged = error else { throw error }
            // What a crash of the machine left behind is worth nothing.
            unlink(partial + "-journal")
            guard unlink(partial) == 0 else { throw error }
            return try IndexFile.writing(partial, lock: lock)
        }
    }

    /// Puts a finished index into its place. The file is still locked.
    package func publish(_ file: IndexFile) throws(IndexError) {
        guard rename(partial, path) == 0 else {
            throw .cannotWrite(path: path, reason: String(cString: strerror(errno)))
        }
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Makes the partial file a copy, all at once.
    private func copy(_ base: String) throws(IndexError) {
        let fresh = "\(partial)-\(getpid())"
        let source = open(base, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else {
            throw .cannotOpen(path: base, reason: String(cString: strerror(errno)))
        }
        defer { close(source) }
        let target = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard target >= 0 else {
            throw .cannotCreate(path: fresh, reason: String(cString: strerror(errno)))
        }
        var isInPlace = false
        defer {
            close(target)
            if !isInPlace { unlink(fresh) }
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(source, &buffer, buffer.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw .cannotOpen(path: base, reason: String(cString: strerror(errno)))
            }
            let stop = buffer.withUnsafeBytes {
                DescriptorWriting.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), to: target)
            }
            if let stop {
                throw .cannotWrite(path: fresh, reason: String(cString: strerror(stop.code ?? 0)))
            }
        }
        guard rename(fresh, partial) == 0 else {
            throw .cannotCreate(path: partial, reason: String(cString: strerror(errno)))
        }
        isInPlace = true
    }
}

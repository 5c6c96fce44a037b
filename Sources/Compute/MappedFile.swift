#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A file's bytes, mapped for reading: pages come into memory when they are touched and can leave
/// it again under pressure, and processes that map the same file share them.
///
/// The file must not be cut while it is mapped. A page that lies behind the new end cannot be
/// read any more, and the system ends the process with SIGBUS. ``checkUnchanged()`` sees a cut
/// before its pages are touched, but cannot prevent one. Replace a checkpoint by renaming, as
/// downloaders do: the mapping then keeps the old file.
public final class MappedFile: ImmutableBytes {
    public let path: String
    public let count: Int

    // Sendable: the pages are mapped once, read only, and unmapped only in `deinit`, so that every
    // thread that holds a reference reads the same unchanging bytes.
    private nonisolated(unsafe) let pages: UnsafeMutableRawPointer
    private let descriptor: Int32

    public var base: UnsafeRawPointer { UnsafeRawPointer(pages) }

    /// Maps a whole regular file.
    ///
    /// - Parameter path: links are followed, as in the cache of a hub, where a checkpoint's files
    ///   are links to blobs.
    public init(path: String) throws(ComputeError) {
        // Non-blocking: opening a pipe that nobody writes to would wait for ever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(path: path, errno: errno) }
        do throws(ComputeError) {
            (pages, count) = try MappedFile.map(descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        self.path = path
    }

    private static func map(
        _ descriptor: Int32, path: String
    ) throws(ComputeError) -> (UnsafeMutableRawPointer, Int) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegularFile(path: path) }
        guard let count = Int(exactly: status.st_size), count > 0 else {
            throw .emptyFile(path: path)
        }
        let pages = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let pages, pages != MAP_FAILED else { throw .unreadable(path: path, errno: errno) }
        return (pages, count)
    }

    deinit {
        munmap(pages, count)
        close(descriptor)
    }

    /// Throws if the mapped file has another size than when it was mapped.
    public func checkUnchanged() throws(ComputeError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, errno: errno) }
        guard status.st_size == count else {
            throw .changedSize(path: path, mapped: count, found: Int(status.st_size))
        }
    }

    /// Lets the pages of a range go from this process; they come back from the file when touched.
    ///
    /// For converters, which read every byte once: without it the pages of the source would stand
    /// in memory beside the result.
    public func forget(_ range: Range<Int>) {
        advise(range, MADV_DONTNEED)
    }

    /// Asks the system to read a range ahead of its use.
    public func prefetch(_ range: Range<Int>) {
        advise(range, MADV_WILLNEED)
    }

    /// Advice for the whole pages inside a range; a failed advice changes nothing.
    private func advise(_ range: Range<Int>, _ advice: Int32) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count, "\(range) exceeds \(count) bytes")
        let first = (range.lowerBound + pageSize - 1) / pageSize * pageSize
        let end = range.upperBound == count ? count : range.upperBound / pageSize * pageSize
        if first < end { madvise(pages + first, end - first, advice) }
    }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Memory that is filled once, before anyone else sees it, and read from then on.
public final class OwnedBytes: ImmutableBytes {
    public let count: Int

    // Sendable: written only by `fill` inside `init`, before a reference to the owner exists, and
    // unmapped only in `deinit`, after the last reference is gone.
    private nonisolated(unsafe) let pages: UnsafeMutableRawPointer
    private let mapped: Int

    public var base: UnsafeRawPointer { UnsafeRawPointer(pages) }

    /// Takes `count` zero bytes from the system and has them filled.
    ///
    /// - Parameters:
    ///   - alignment: a power of two up to a page.
    ///   - fill: writes the bytes; must not keep the buffer.
    /// - Throws: `outOfMemory`, or what `fill` throws.
    public init(
        count: Int, alignment: Int = 64,
        fill: (UnsafeMutableRawBufferPointer) throws(ComputeError) -> Void
    ) throws(ComputeError) {
        precondition(
            alignment > 0 && alignment <= pageSize && alignment & (alignment - 1) == 0,
            "alignment \(alignment) is not a power of two up to \(pageSize)")
        precondition(count >= 0, "\(count) bytes")
        // Anonymous pages rather than the heap: refused memory is an error here, not a trap, and
        // what is given back goes to the system at once.
        mapped = max(count, 1)
        let pages = mmap(
            nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let pages, pages != MAP_FAILED else { throw .outOfMemory(bytes: count) }
        #if os(Linux)
            // Weights are read from end to end in every step: large pages save most of the TLB
            // misses where the system offers them on request.
            if count >= 4 << 20 { madvise(pages, count, MADV_HUGEPAGE) }
        #endif
        do throws(ComputeError) {
            try fill(UnsafeMutableRawBufferPointer(start: pages, count: count))
        } catch {
            munmap(pages, mapped)
            throw error
        }
        mprotect(pages, mapped, PROT_READ)
        self.pages = pages
        self.count = count
    }

    deinit { munmap(pages, mapped) }
}

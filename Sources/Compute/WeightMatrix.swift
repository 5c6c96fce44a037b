/// Bytes that stay where they are, unchanged, for as long as their owner lives: a mapped file, or
/// memory that was filled once before it was shared.
public protocol ImmutableBytes: AnyObject, Sendable {
    /// The first byte; aligned to at least 2.
    var base: UnsafeRawPointer { get }
    /// Number of bytes.
    var count: Int { get }
}

/// A dense weight `[rows, columns]` in the layout `y = x · Wᵀ`: a row is one output. Single numbers
/// are row-major, groups as the kernels read them.
///
/// It points into bytes that it keeps alive; nothing is copied.
public struct WeightMatrix: Sendable {
    public let rows: Int
    public let columns: Int
    public let format: WeightFormat
    /// Owner of the bytes.
    public let storage: any ImmutableBytes
    /// Where the matrix begins in `storage`, in bytes; for single numbers a multiple of their size.
    public let offset: Int

    /// - Precondition: the matrix lies within `storage`. Loaders check before they come here.
    public init(
        rows: Int, columns: Int, format: WeightFormat, storage: any ImmutableBytes,
        offset: Int = 0
    ) {
        precondition(
            rows > 0 && columns > 0 && offset >= 0
                && !rows.multipliedReportingOverflow(by: columns).overflow
                && offset + format.byteCount(rows: rows, columns: columns) <= storage.count,
            "weight [\(rows), \(columns)] at \(offset) exceeds \(storage.count) bytes")
        self.rows = rows
        self.columns = columns
        self.format = format
        self.storage = storage
        self.offset = offset
    }

    /// Where the matrix begins.
    public var base: UnsafeRawPointer { storage.base + offset }

    /// Bytes of the whole matrix.
    public var byteCount: Int { format.byteCount(rows: rows, columns: columns) }
}

/// Bytes that stay where they are, unchanged, for as long as their owner lives: a mapped file, or
/// memory that was filled once before it was shared.
public protocol ImmutableBytes: AnyObject, Sendable {
    /// The first byte; aligned to at least 2.
    var base: UnsafeRawPointer { get }
    /// Number of bytes.
    var count: Int { get }
}

/// A dense weight `[rows, columns]`, row-major, in the layout `y = x · Wᵀ`: a row is one output.
///
/// It points into bytes that it keeps alive; nothing is copied.
public struct WeightMatrix: Sendable {
    public let rows: Int
    public let columns: Int
    public let type: ScalarType
    /// Owner of the bytes.
    public let storage: any ImmutableBytes
    /// Where the first number stands in `storage`, in bytes; a multiple of the scalar's size.
    public let offset: Int

    /// - Precondition: the matrix lies within `storage`. Loaders check before they come here.
    public init(
        rows: Int, columns: Int, type: ScalarType, storage: any ImmutableBytes, offset: Int = 0
    ) {
        let (elements, overflow) = rows.multipliedReportingOverflow(by: columns)
        precondition(
            rows > 0 && columns > 0 && offset >= 0 && !overflow
                && offset + elements * type.size <= storage.count,
            "weight [\(rows), \(columns)] at \(offset) exceeds \(storage.count) bytes")
        self.rows = rows
        self.columns = columns
        self.type = type
        self.storage = storage
        self.offset = offset
    }

    /// The first number of the first row.
    public var base: UnsafeRawPointer { storage.base + offset }

    /// Bytes of the whole matrix.
    public var byteCount: Int { rows * columns * type.size }
}

internal import CKernels

/// Numbers of 32 bits in memory of their own, zero at first: activations, scratch, caches.
///
/// Memory becomes physical where it is first written, so a buffer may be as large as the work
/// could ever get.
package struct FloatBuffer: ~Copyable, Sendable {
    /// How the system backs the memory.
    package enum Use {
        /// Written from end to end soon.
        case dense
        /// A reservation that fills in many places at once and perhaps never.
        case sparse
    }

    package let count: Int

    // Sendable: one owner, which writes only through `inout` access to this value.
    nonisolated(unsafe) let base: UnsafeMutablePointer<Float>
    private let bytes: Int

    /// - Throws: `outOfMemory`.
    package init(count: Int, use: Use = .dense) throws(ComputeError) {
        precondition(count >= 0, "\(count) numbers")
        let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(
            by: MemoryLayout<Float>.size)
        guard !overflow, let memory = rs_reserve(bytes, use == .sparse) else {
            throw .outOfMemory(bytes: overflow ? .max : bytes)
        }
        base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
        self.count = count
        self.bytes = bytes
    }

    deinit { rs_release(base, bytes) }

    package subscript(index: Int) -> Float {
        get {
            precondition(index >= 0 && index < count, "number \(index) of \(count)")
            return base[index]
        }
        set {
            precondition(index >= 0 && index < count, "number \(index) of \(count)")
            base[index] = newValue
        }
    }

    /// A copy of a part.
    package func array(_ range: Range<Int>) -> [Float] {
        Array(UnsafeBufferPointer(start: start(range), count: range.count))
    }

    /// Appends a part to an array.
    package func append(_ range: Range<Int>, to array: inout [Float]) {
        array.append(contentsOf: UnsafeBufferPointer(start: start(range), count: range.count))
    }

    /// Copies numbers from elsewhere to `index` and after.
    package mutating func write(_ source: UnsafeBufferPointer<Float>, at index: Int) {
        guard let from = source.baseAddress else { return }
        start(index..<index + source.count).update(from: from, count: source.count)
    }

    /// Copies a part of another buffer to `index` and after.
    package mutating func write(
        _ range: Range<Int>, of source: borrowing FloatBuffer, at index: Int
    ) {
        start(index..<index + range.count).update(from: source.start(range), count: range.count)
    }

    /// Copies 32-bit numbers in the order of this machine, which may lie at any address, to `index`
    /// and after.
    package mutating func write(_ source: UnsafeRawBufferPointer, at index: Int) {
        let size = MemoryLayout<Float>.size
        precondition(source.count % size == 0, "\(source.count) bytes of numbers")
        guard let from = source.baseAddress else { return }
        UnsafeMutableRawPointer(start(index..<index + source.count / size))
            .copyMemory(from: from, byteCount: source.count)
    }

    /// Shows the bytes of a part.
    package func withBytes<Result, Failure: Error>(
        of range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(
            UnsafeRawBufferPointer(UnsafeBufferPointer(start: start(range), count: range.count)))
    }

    /// The address of a part, after checking that it is there.
    func start(_ range: Range<Int>) -> UnsafeMutablePointer<Float> {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count, "numbers \(range) of \(count)")
        return base + range.lowerBound
    }
}

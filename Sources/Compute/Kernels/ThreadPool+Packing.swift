internal import CKernels

extension ThreadPool {
    /// Packs a matrix into groups of 4 or 8 bits, in memory of its own.
    ///
    /// The result is the same on every machine and with any number of threads.
    ///
    /// - Parameters:
    ///   - weight: of single numbers.
    ///   - format: `int8` or `int4`.
    /// - Throws: `outOfMemory`.
    package func pack(
        _ weight: WeightMatrix, as format: WeightFormat
    ) throws(ComputeError) -> WeightMatrix {
        let count = format.byteCount(rows: weight.rows, columns: weight.columns)
        let storage = try OwnedBytes(count: count) { pack(weight, as: format, into: $0) }
        return WeightMatrix(
            rows: weight.rows, columns: weight.columns, format: format, storage: storage)
    }
}

extension ThreadPool {
    /// The same into memory that is there already: exactly as many bytes as the result has.
    package func pack(
        _ weight: WeightMatrix, as format: WeightFormat,
        into target: UnsafeMutableRawBufferPointer
    ) {
        guard case .scalar(let from) = weight.format.kernelFormat,
            case .group(let to) = format.kernelFormat, let start = target.baseAddress,
            target.count == format.byteCount(rows: weight.rows, columns: weight.columns)
        else { preconditionFailure("\(weight.format) cannot be packed as \(format)") }
        rs_quant_pack(pool, to, weight.base, from, weight.rows, weight.columns, start)
        withExtendedLifetime(weight.storage) {}
    }

    /// Packs rows of 32-bit numbers into the part of a packed matrix that they are.
    ///
    /// - Parameters:
    ///   - rows: that the packed layout can be cut at: a multiple of ``WeightFormat/packedRows``,
    ///     or the last of the matrix.
    ///   - target: exactly as long as the packed rows.
    package func pack(
        _ values: UnsafeBufferPointer<Float>, rows: Int, columns: Int, as format: WeightFormat,
        into target: UnsafeMutableRawBufferPointer
    ) {
        guard case .group(let to) = format.kernelFormat, let from = values.baseAddress,
            let start = target.baseAddress, values.count == rows * columns,
            target.count == format.byteCount(rows: rows, columns: columns)
        else { preconditionFailure("\(rows) rows of \(columns) cannot be packed as \(format)") }
        rs_quant_pack(pool, to, from, RS_F32, rows, columns, start)
    }
}

extension WeightFormat {
    /// Rows that the packed formats have side by side: a packed matrix can be cut between them.
    package static var packedRows: Int { Int(RS_QUANT_OUTPUTS) }
    /// Columns that share a scale in the packed formats.
    package static var packedColumns: Int { Int(RS_QUANT_GROUP) }

    /// Puts one row in its place in a packed matrix whose padding is zeros already.
    ///
    /// - Parameters:
    ///   - levels: `columns` numbers: 0 to 15 for `int4`, any for `int8`.
    ///   - scales: half precision, one for each started group of ``packedColumns``.
    ///   - minima: the same, for `int4`.
    package func place(
        levels: UnsafeBufferPointer<Int8>, scales: [UInt16], minima: [UInt16], row: Int,
        into packed: UnsafeMutableRawBufferPointer
    ) {
        let groups = (levels.count + Self.packedColumns - 1) / Self.packedColumns
        guard case .group(let type) = kernelFormat, let from = levels.baseAddress,
            let to = packed.baseAddress, scales.count == groups,
            self == .int8 || minima.count == groups,
            byteCount(rows: row + 1, columns: levels.count) <= packed.count
        else { preconditionFailure("row \(row) of \(levels.count) has no place as \(self)") }
        rs_quant_place_row(type, from, scales, minima, levels.count, row, to)
    }
}

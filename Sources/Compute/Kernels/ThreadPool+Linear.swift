internal import CKernels

/// For how many rows a product is made. Both are right for any number, and a row has the same bits
/// alone and among others; weights of single numbers are added up in another order in each.
package enum LinearUse: Sendable {
    /// Decoding: bound by reading the weights.
    case fewRows
    /// Bound by multiplying.
    case manyRows

    var kernelUse: rs_linear_use { self == .fewRows ? RS_FEW_ROWS : RS_MANY_ROWS }
}

extension ThreadPool {
    /// `y = x · Wᵀ + b`. Single numbers are multiplied in 32 bits whatever their type; weights in
    /// groups with rows of `x` that are rounded to 8 bits in the same groups.
    ///
    /// - Parameters:
    ///   - x: rows of `weight.columns`, from row `first` on.
    ///   - bias: `weight.rows`, or empty.
    ///   - y: rows of `weight.rows`, from row `target` on.
    ///   - adding: adds to what is in `y` instead of replacing it.
    package func linear(
        _ x: borrowing FloatBuffer, from first: Int = 0, rows: Int, _ weight: WeightMatrix,
        bias: [Float] = [], into y: inout FloatBuffer, at target: Int = 0, adding: Bool = false,
        use: LinearUse = .manyRows
    ) {
        let start = x.start(first * weight.columns..<(first + rows) * weight.columns)
        linear(
            UnsafeBufferPointer(start: start, count: rows * weight.columns), rows: rows, weight,
            bias: bias, into: &y, at: target, adding: adding, use: use)
    }

    /// The same for rows that lie anywhere.
    package func linear(
        _ x: UnsafeBufferPointer<Float>, rows: Int, _ weight: WeightMatrix, bias: [Float] = [],
        into y: inout FloatBuffer, at target: Int = 0, adding: Bool = false,
        use: LinearUse = .manyRows
    ) {
        precondition(
            x.count == rows * weight.columns && weight.columns <= RS_LINEAR_MAX_COLUMNS,
            "\(x.count) numbers for \(rows) rows of \(weight.columns)")
        precondition(
            bias.isEmpty || bias.count == weight.rows,
            "bias of \(bias.count) for \(weight.rows) outputs")
        guard rows > 0, let start = x.baseAddress else { return }
        let out = y.start(target * weight.rows..<(target + rows) * weight.rows)
        bias.withUnsafeBufferPointer { bias in
            let bias = bias.isEmpty ? nil : bias.baseAddress
            switch weight.format.kernelFormat {
            case .scalar(let type):
                rs_linear(
                    pool, use.kernelUse, start, rows, weight.columns, weight.base, type,
                    weight.rows, bias, out, adding)
            case .group(let type):
                rs_quant_linear(
                    pool, start, rows, weight.columns, weight.base, type, weight.rows, bias, out,
                    adding)
            }
        }
        // The bytes must outlive the call, which only knows their address.
        withExtendedLifetime(weight.storage) {}
    }
}

extension ThreadPool {
    /// ``linear(_:from:rows:_:bias:into:at:adding:use:)`` with weights in groups on tiles of AMX whose
    /// instructions software plays: what the kernels of such processors do, for tests.
    ///
    /// - Returns: whether it was done; false where the processor lacks what goes on beside the tiles.
    package func linearOnSoftTiles(
        _ x: borrowing FloatBuffer, rows: Int, _ weight: WeightMatrix, bias: [Float] = [],
        into y: inout FloatBuffer, adding: Bool = false
    ) -> Bool {
        guard case .group(let type) = weight.format.kernelFormat,
            bias.isEmpty || bias.count == weight.rows
        else { preconditionFailure("\(weight.format), bias of \(bias.count)") }
        let start = x.start(0..<rows * weight.columns)
        let out = y.start(0..<rows * weight.rows)
        let isDone = bias.withUnsafeBufferPointer { bias in
            rs_quant_linear_on_soft_tiles(
                pool, start, rows, weight.columns, weight.base, type, weight.rows,
                bias.isEmpty ? nil : bias.baseAddress, out, adding)
        }
        withExtendedLifetime(weight.storage) {}
        return isDone
    }
}

extension WeightMatrix {
    /// Writes one row, widened to 32 bits, to `index` and after.
    package func expandRow(_ row: Int, into buffer: inout FloatBuffer, at index: Int) {
        expand(row: row, at: buffer.start(index..<index + columns))
    }

    /// The same into any memory for as many numbers as there are columns.
    package func expand(row: Int, into target: UnsafeMutableBufferPointer<Float>) {
        guard target.count == columns, let start = target.baseAddress else {
            preconditionFailure("\(target.count) numbers for \(columns) columns")
        }
        expand(row: row, at: start)
    }

    private func expand(row: Int, at target: UnsafeMutablePointer<Float>) {
        precondition(row >= 0 && row < rows, "row \(row) of \(rows)")
        switch format.kernelFormat {
        case .scalar(let type):
            let size = byteCount / (rows * columns)
            rs_expand(type, base + row * columns * size, columns, target)
        case .group(let type):
            rs_quant_expand_row(type, base, columns, row, target)
        }
        withExtendedLifetime(storage) {}
    }
}

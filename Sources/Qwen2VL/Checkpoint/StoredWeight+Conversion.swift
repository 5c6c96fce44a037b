import Compute

extension StoredWeight {
    /// Numbers that are held in 32 bits at a time while others are made of them: 4 MiB.
    private static let stretch = 1 << 20

    /// Writes the matrix in another form, a few rows at a time, so that it never stands in memory
    /// twice.
    ///
    /// - Parameters:
    ///   - target: zeros, as many as the format has bytes.
    /// - Returns: whether every number is finite where the format rounds to half precision.
    func convert(
        rows: Int, columns: Int, to format: WeightFormat,
        in target: UnsafeMutableRawBufferPointer, pool: ThreadPool
    ) -> Bool {
        switch self {
        case .levels(let matrix) where matrix.isExpressible(as: format):
            return matrix.pack(as: format, into: target)
        case .numbers(let tensor, let type):
            if let scalar = format.scalar {
                return ScalarConversion.convert(tensor.bytes, type, into: target, scalar)
            }
            let stored = WeightMatrix(
                rows: rows, columns: columns, format: WeightFormat(type), storage: tensor.file,
                offset: tensor.offset)
            pool.pack(stored, as: format, into: target)
            return true
        case .packed(let tensor, format, _, _):
            target.copyMemory(from: tensor.bytes)
            return true
        default:
            return convertStretches(columns: columns, to: format, in: target, pool: pool)
        }
    }

    private func convertStretches(
        columns: Int, to format: WeightFormat, in target: UnsafeMutableRawBufferPointer,
        pool: ThreadPool
    ) -> Bool {
        let height = WeightFormat.packedRows
        let step = max(Self.stretch / columns / height, 1) * height
        var isFinite = true
        withUnsafeTemporaryAllocation(of: Float.self, capacity: step * columns) { scratch in
            for first in stride(from: 0, to: rows, by: step) {
                let here = first..<min(first + step, rows)
                let values = UnsafeMutableBufferPointer(
                    rebasing: scratch[..<(here.count * columns)])
                expand(rows: here, into: values)
                // Whole stretches before this one are whole blocks of rows.
                let start = first == 0 ? 0 : format.byteCount(rows: first, columns: columns)
                let length = format.byteCount(rows: here.count, columns: columns)
                let part = UnsafeMutableRawBufferPointer(
                    rebasing: target[start..<start + length])
                if let scalar = format.scalar {
                    let fits = ScalarConversion.convert(
                        UnsafeRawBufferPointer(values), .f32, into: part, scalar)
                    isFinite = isFinite && fits
                } else {
                    pool.pack(
                        UnsafeBufferPointer(values), rows: here.count, columns: columns,
                        as: format, into: part)
                }
            }
        }
        return isFinite
    }

    /// All numbers in 32 bits.
    func expandAll(into target: UnsafeMutableBufferPointer<Float>) {
        expand(rows: 0..<rows, into: target)
    }
}

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
        guard case .scalar(let from) = weight.format.kernelFormat,
            case .group(let to) = format.kernelFormat
        else { preconditionFailure("\(weight.format) cannot be packed as \(format)") }
        let count = format.byteCount(rows: weight.rows, columns: weight.columns)
        let storage = try OwnedBytes(count: count) { bytes in
            guard let target = bytes.baseAddress else { return }
            rs_quant_pack(
                pool, to, weight.base, from, weight.rows, weight.columns, target)
        }
        withExtendedLifetime(weight.storage) {}
        return WeightMatrix(
            rows: weight.rows, columns: weight.columns, format: format, storage: storage)
    }
}

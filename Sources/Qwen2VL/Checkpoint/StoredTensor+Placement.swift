import Compute

extension StoredTensor {
    /// The tensors that share no byte with an earlier one and end inside their file.
    ///
    /// - Parameters:
    ///   - tensors: of one file.
    ///   - isFilled: whether the format allows nothing behind the last tensor.
    ///   - dataStart: where the first tensor may begin.
    static func placed(
        _ tensors: [StoredTensor], in file: MappedFile, name: String, dataStart: Int,
        isFilled: Bool, faults: inout [Fault]
    ) -> [StoredTensor] {
        let sorted = tensors.sorted { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }
        var kept: [StoredTensor] = []
        kept.reserveCapacity(sorted.count)
        var last: StoredTensor?
        for tensor in sorted {
            if let last, tensor.byteCount > 0, tensor.offset < last.offset + last.byteCount {
                faults.append(Fault(name, tensor.name, .overlaps(other: last.name)))
                continue
            }
            kept.append(tensor)
            if tensor.byteCount > 0 { last = tensor }
        }
        // One fault stands for all that a cut has taken away.
        let end = kept.map { $0.offset + $0.byteCount }.max() ?? dataStart
        if end > file.count {
            faults.append(Fault(name, .tooShort(bytes: file.count, expected: end)))
        }
        // A download appended twice has more.
        if isFilled, end < file.count, faults.isEmpty {
            faults.append(Fault(name, .wrongByteCount(bytes: file.count, expected: end)))
        }
        return kept.filter { $0.offset + $0.byteCount <= file.count }
    }
}

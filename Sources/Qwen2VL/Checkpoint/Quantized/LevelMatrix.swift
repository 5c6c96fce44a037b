import Compute

/// A matrix of whole levels between 0 and 2^bits, packed in 32-bit words, with a scale and a zero
/// point for a group of columns: `w = (level − zero) · scale`.
///
/// Source: spec appendix B.
struct LevelMatrix: Sendable {
    enum Packing: Sendable, Equatable {
        /// Eight outputs in a word, interleaved; zero points as they are.
        case awq
        /// Consecutive inputs in a word; zero points less `offset`.
        case gptq(bits: Int, offset: Int)
    }

    let packing: Packing
    let rows: Int
    let columns: Int
    /// Columns of a group; the last group may have fewer.
    let groupSize: Int
    let levels: StoredTensor
    let zeros: StoredTensor
    let scales: StoredTensor
    /// The group of each column, where they are not consecutive.
    let groups: [Int32]?
    /// Zero points that occur.
    let zeroPoints: Set<Int>

    /// Where the eight outputs of a word of AWQ lie, in bits.
    private static let awqShifts: [UInt32] = [0, 16, 4, 20, 8, 24, 12, 28]

    var bits: Int {
        switch packing {
        case .awq: 4
        case .gptq(let bits, _): bits
        }
    }

    var tensors: [StoredTensor] { [levels, zeros, scales] }

    var name: String {
        switch packing {
        case .awq: "awq-4"
        case .gptq(let bits, _): "gptq-\(bits)"
        }
    }

    private var perWord: Int { 32 / bits }

    // MARK: - Our formats

    /// Whether each of our groups of columns lies within one group of the matrix.
    private var groupsNest: Bool {
        groups == nil
            && (groupSize % WeightFormat.packedColumns == 0 || groupSize >= columns)
    }

    /// Whether the levels can be taken over as they are.
    func isExpressible(as format: WeightFormat) -> Bool {
        guard groupsNest else { return false }
        switch format {
        case .int4: return bits == 4
        case .int8: return bits == 4 || zeroPoints == [128]
        case .f32, .f16, .bf16: return false
        }
    }

    /// Half precision rounds the product of scale and level as the reference's own kernels do.
    var natural: WeightFormat {
        if bits == 4, isExpressible(as: .int4) { return .int4 }
        if bits == 8, isExpressible(as: .int8) { return .int8 }
        return .f16
    }

    /// Whether every weight in the natural format is exactly what the file means: in 4 bits, where
    /// minus scale times zero point, in half precision, is.
    var isExact: Bool {
        switch natural {
        case .int4: zeroPoints.allSatisfy { $0.nonzeroBitCount <= 1 }
        case .int8: true
        case .f32, .f16, .bf16: false
        }
    }

    /// Rows that are unpacked together: a cache line of words of AWQ.
    private static let stripe = 128

    /// Packs the levels as they are.
    ///
    /// - Parameter target: zeros, as many as the packed matrix has bytes.
    /// - Returns: whether every scale and minimum is finite.
    func pack(as format: WeightFormat, into target: UnsafeMutableRawBufferPointer) -> Bool {
        precondition(isExpressible(as: format), "\(name) as \(format)")
        let width = WeightFormat.packedColumns
        let count = (columns + width - 1) / width
        var isFinite = true
        var ownScales = [UInt16](repeating: 0, count: count)
        var minima = [UInt16](repeating: 0, count: format == .int4 ? count : 0)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.stripe * columns) { levels in
            for first in stride(from: 0, to: rows, by: Self.stripe) {
                let here = first..<min(first + Self.stripe, rows)
                unpack(rows: here, into: levels)
                for row in here {
                    for group in 0..<count {
                        let source = group * width / groupSize
                        let scale = self.scale(source, row)
                        let zero = self.zero(source, row)
                        ownScales[group] = scale
                        isFinite = isFinite && scale & 0x7C00 != 0x7C00
                        if format == .int4 {
                            let wide = ScalarConversion.float(f16: scale)
                            minima[group] = ScalarConversion.f16(-wide * Float(zero))
                            isFinite = isFinite && minima[group] & 0x7C00 != 0x7C00
                        }
                    }
                    let start = (row - first) * columns
                    if format == .int8 { subtractZeros(row, levels, at: start) }
                    let part = UnsafeBufferPointer(rebasing: levels[start..<start + columns])
                    part.withMemoryRebound(to: Int8.self) {
                        format.place(
                            levels: $0, scales: ownScales, minima: minima, row: row, into: target)
                    }
                }
            }
        }
        return isFinite
    }

    /// Levels less their zero point, in two's complement.
    private func subtractZeros(
        _ row: Int, _ levels: UnsafeMutableBufferPointer<UInt8>, at start: Int
    ) {
        for first in stride(from: 0, to: columns, by: groupSize) {
            let zero = UInt8(truncatingIfNeeded: zero(first / groupSize, row))
            for column in first..<min(first + groupSize, columns) {
                levels[start + column] &-= zero
            }
        }
    }

    // MARK: - Numbers

    func expand(rows: Range<Int>, into target: UnsafeMutableBufferPointer<Float>) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.stripe * columns) { levels in
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.stripe) {
                let here = first..<min(first + Self.stripe, rows.upperBound)
                unpack(rows: here, into: levels)
                for row in here {
                    let from = (row - first) * columns
                    let to = (row - rows.lowerBound) * columns
                    expand(row: row, levels, at: from, into: target, at: to)
                }
            }
        }
    }

    private func expand(
        row: Int, _ levels: UnsafeMutableBufferPointer<UInt8>, at from: Int,
        into target: UnsafeMutableBufferPointer<Float>, at to: Int
    ) {
        if let groups {
            for column in 0..<columns {
                let group = Int(groups[column])
                let scale = ScalarConversion.float(f16: scale(group, row))
                target[to + column] =
                    Float(Int(levels[from + column]) - zero(group, row)) * scale
            }
            return
        }
        for first in stride(from: 0, to: columns, by: groupSize) {
            let scale = ScalarConversion.float(f16: scale(first / groupSize, row))
            let zero = Float(zero(first / groupSize, row))
            for column in first..<min(first + groupSize, columns) {
                target[to + column] = (Float(levels[from + column]) - zero) * scale
            }
        }
    }

    // MARK: - Words

    private func word(_ tensor: StoredTensor, _ index: Int) -> UInt32 {
        UInt32(littleEndian: tensor.bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }

    /// Half precision.
    private func scale(_ group: Int, _ row: Int) -> UInt16 {
        UInt16(
            littleEndian: scales.bytes.loadUnaligned(
                fromByteOffset: 2 * (group * rows + row), as: UInt16.self))
    }

    private func zero(_ group: Int, _ row: Int) -> Int {
        let word = word(zeros, group * (rows / perWord) + row / perWord)
        switch packing {
        case .awq: return Int(word >> Self.awqShifts[row % 8] & 15)
        case .gptq(let bits, let offset):
            let mask: UInt32 = bits == 8 ? 255 : 15
            return Int(word >> UInt32(bits * (row % perWord)) & mask) + offset
        }
    }

    /// The levels of some rows, row after row.
    private func unpack(rows here: Range<Int>, into levels: UnsafeMutableBufferPointer<UInt8>) {
        switch packing {
        case .awq:
            let words = rows / 8
            for column in 0..<columns {
                for row in here {
                    let word = word(self.levels, column * words + row / 8)
                    let level = word >> Self.awqShifts[row % 8] & 15
                    levels[(row - here.lowerBound) * columns + column] =
                        UInt8(truncatingIfNeeded: level)
                }
            }
        case .gptq(let bits, _):
            let mask: UInt32 = bits == 8 ? 255 : 15
            for first in stride(from: 0, to: columns, by: perWord) {
                for row in here {
                    var word = word(self.levels, first / perWord * rows + row)
                    let at = (row - here.lowerBound) * columns + first
                    for place in 0..<perWord {
                        levels[at + place] = UInt8(truncatingIfNeeded: word & mask)
                        word >>= UInt32(bits)
                    }
                }
            }
        }
    }

    /// The zero points that occur in words of a matrix that is being checked.
    static func zeroPoints(_ tensor: StoredTensor, _ packing: Packing) -> Set<Int> {
        var seen = [Bool](repeating: false, count: 257)
        let count = tensor.byteCount / 4
        var last: UInt32?
        for index in 0..<count {
            let word = UInt32(
                littleEndian: tensor.bytes.loadUnaligned(
                    fromByteOffset: 4 * index, as: UInt32.self))
            if word == last { continue }
            last = word
            switch packing {
            case .awq:
                for shift in stride(from: UInt32(0), to: 32, by: 4) {
                    seen[Int(word >> shift & 15)] = true
                }
            case .gptq(let bits, let offset):
                let mask: UInt32 = bits == 8 ? 255 : 15
                for shift in stride(from: UInt32(0), to: 32, by: bits) {
                    seen[Int(word >> shift & mask) + offset] = true
                }
            }
        }
        return Set(seen.indices.filter { seen[$0] })
    }
}

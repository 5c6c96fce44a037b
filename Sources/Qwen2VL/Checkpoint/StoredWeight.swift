import Compute

/// A weight as a checkpoint holds it: numbers, or one of the ways in which files pack them.
///
/// Every case has been checked: its bytes lie in their files and are as many as its shape needs.
indirect enum StoredWeight: Sendable {
    /// Single numbers.
    case numbers(StoredTensor, ScalarType)
    /// Levels in words, with scales and zero points apart (AWQ, GPTQ).
    case levels(LevelMatrix)
    /// Blocks of a GGUF file.
    case blocks(StoredTensor, BlockType)
    /// Groups as our kernels read them.
    case packed(StoredTensor, WeightFormat, rows: Int, columns: Int)
    /// Matrices of equal columns, one below the other.
    case stacked([StoredWeight])
    /// The two temporal halves of the patch embedding, each `[rows, channels · area]`.
    case temporalTaps(StoredWeight, StoredWeight, area: Int)

    var rows: Int {
        switch self {
        case .numbers(let tensor, _), .blocks(let tensor, _):
            tensor.shape.count < 2 ? 1 : tensor.shape[0]
        case .levels(let matrix): matrix.rows
        case .packed(_, _, let rows, _): rows
        case .stacked(let parts): parts.reduce(0) { $0 + $1.rows }
        case .temporalTaps(let first, _, _): first.rows
        }
    }

    var columns: Int {
        switch self {
        case .numbers(let tensor, _), .blocks(let tensor, _): tensor.elements / max(rows, 1)
        case .levels(let matrix): matrix.columns
        case .packed(_, _, _, let columns): columns
        case .stacked(let parts): parts[0].columns
        case .temporalTaps(let first, _, _): 2 * first.columns
        }
    }

    var elements: Int { rows * columns }

    /// The tensors that it is made of.
    var tensors: [StoredTensor] {
        switch self {
        case .numbers(let tensor, _), .blocks(let tensor, _), .packed(let tensor, _, _, _):
            [tensor]
        case .levels(let matrix): matrix.tensors
        case .stacked(let parts): parts.flatMap(\.tensors)
        case .temporalTaps(let first, let second, _): first.tensors + second.tensors
        }
    }

    /// How it is held in memory where nothing else is asked for: as it is stored, or in the
    /// smallest form that rounds no number again, but for the zero points of ``LevelMatrix``.
    var natural: WeightFormat {
        switch self {
        case .numbers(_, let type): WeightFormat(type)
        case .levels(let matrix): matrix.natural
        // Scales of 32 columns, which our groups cannot hold; half precision has three digits
        // more than any of these blocks.
        case .blocks: .f16
        case .packed(_, let format, _, _): format
        case .stacked(let parts): Self.common(parts)
        case .temporalTaps(let first, let second, _): Self.common([first, second])
        }
    }

    private static func common(_ parts: [StoredWeight]) -> WeightFormat {
        let formats = Set(parts.map(\.natural))
        return formats.count == 1 ? formats.first ?? .f32 : .f32
    }

    /// Whether the natural form says exactly what the file says.
    var isExact: Bool {
        switch self {
        case .numbers, .packed: true
        case .levels(let matrix): matrix.isExact
        case .blocks: false
        case .stacked(let parts): parts.allSatisfy(\.isExact)
        case .temporalTaps(let first, let second, _): first.isExact && second.isExact
        }
    }

    /// What the files call it, as in `model info`.
    var storedName: String {
        switch self {
        case .numbers(_, let type): type.rawValue
        case .levels(let matrix): matrix.name
        case .blocks(_, let type): type.rawValue
        case .packed(_, let format, _, _): format.rawValue
        case .stacked(let parts): parts[0].storedName
        case .temporalTaps(let first, _, _): first.storedName
        }
    }

    /// Where its numbers can be used as they lie.
    func inPlace(as format: WeightFormat) -> (tensor: StoredTensor, isAligned: Bool)? {
        switch self {
        case .numbers(let tensor, let type) where WeightFormat(type) == format:
            (tensor, tensor.offset % type.size == 0)
        case .packed(let tensor, let packed, _, _) where packed == format:
            (tensor, tensor.offset % 2 == 0)
        default: nil
        }
    }

    /// The numbers of some rows in 32 bits.
    ///
    /// - Parameter target: `rows.count · columns` numbers.
    func expand(rows: Range<Int>, into target: UnsafeMutableBufferPointer<Float>) {
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= self.rows
                && target.count == rows.count * columns,
            "\(rows) of \(self.rows) rows into \(target.count) numbers")
        switch self {
        case .numbers(let tensor, let type):
            let bytes = rows.lowerBound * columns * type.size
            let part = tensor.bytes[bytes..<bytes + target.count * type.size]
            ScalarConversion.widen(UnsafeRawBufferPointer(rebasing: part), type, into: target)
        case .levels(let matrix):
            matrix.expand(rows: rows, into: target)
        case .blocks(let tensor, let type):
            let first = rows.lowerBound * columns / type.count * type.size
            let length = target.count / type.count * type.size
            let part = tensor.bytes[first..<first + length]
            type.expand(UnsafeRawBufferPointer(rebasing: part), into: target)
        case .packed(let tensor, let format, let all, let columns):
            let matrix = WeightMatrix(
                rows: all, columns: columns, format: format, storage: tensor.file,
                offset: tensor.offset)
            for (index, row) in rows.enumerated() {
                let part = target[index * columns..<(index + 1) * columns]
                matrix.expand(row: row, into: UnsafeMutableBufferPointer(rebasing: part))
            }
        case .stacked(let parts):
            var first = 0
            for part in parts {
                let here = rows.clamped(to: first..<first + part.rows)
                if !here.isEmpty {
                    let start = (here.lowerBound - rows.lowerBound) * columns
                    let slice = target[start..<start + here.count * columns]
                    part.expand(
                        rows: here.lowerBound - first..<here.upperBound - first,
                        into: UnsafeMutableBufferPointer(rebasing: slice))
                }
                first += part.rows
            }
        case .temporalTaps(let first, let second, let area):
            expandTaps([first, second], area: area, rows: rows, into: target)
        }
    }

    /// `[channel, time, area]` from `[channel, area]` of each time.
    private func expandTaps(
        _ taps: [StoredWeight], area: Int, rows: Range<Int>,
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        let width = taps[0].columns
        withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * width) { part in
            for (time, tap) in taps.enumerated() {
                tap.expand(rows: rows, into: part)
                for row in 0..<rows.count {
                    for channel in 0..<width / area {
                        let from = row * width + channel * area
                        let to = row * 2 * width + (2 * channel + time) * area
                        for index in 0..<area { target[to + index] = part[from + index] }
                    }
                }
            }
        }
    }
}

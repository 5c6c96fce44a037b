import Compute
import Imaging

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Cosines and sines of the rotary angles of some rows, `[rows, headSize/2]` each: computed in 64
/// bits, as angles of late positions lose digits in 32.
struct RotaryTable: ~Copyable, Sendable {
    var cosines: FloatBuffer
    var sines: FloatBuffer
    private let half: Int

    /// Angles of tokens: each frequency turns with the axis of its section (spec 5.3).
    mutating func fill(_ positions: RotaryPositions, frequencies: TokenFrequencies) {
        for row in 0..<positions.count {
            let axes = [positions.time[row], positions.height[row], positions.width[row]]
            for (m, frequency) in frequencies.values.enumerated() {
                let axis = frequencies.axes[m]
                set(row, m, angle: Double(axes[axis]) * frequency)
            }
        }
    }

    /// Angles of the patches of `pairs` equal frame pairs, in row order (spec 3, 4.2).
    mutating func fill(_ coordinates: [PatchCoordinate], pairs: Int, frequencies: [Double]) {
        for (row, patch) in coordinates.enumerated() {
            for (k, frequency) in frequencies.enumerated() {
                let vertical = Double(patch.row) * frequency
                let horizontal = Double(patch.column) * frequency
                for pair in 0..<pairs {
                    set(pair * coordinates.count + row, k, angle: vertical)
                    set(pair * coordinates.count + row, frequencies.count + k, angle: horizontal)
                }
            }
        }
    }

    private mutating func set(_ row: Int, _ m: Int, angle: Double) {
        cosines[row * half + m] = Float(cos(angle))
        sines[row * half + m] = Float(sin(angle))
    }
}

extension RotaryTable {
    /// - Throws: `outOfMemory`.
    init(rows: Int, headSize: Int) throws(ComputeError) {
        let half = headSize / 2
        self.init(
            cosines: try FloatBuffer(count: rows * half),
            sines: try FloatBuffer(count: rows * half), half: half)
    }
}

/// Rotary frequencies of the language model, and the axis each of them turns with.
struct TokenFrequencies: Sendable {
    /// `[headSize / 2]`.
    let values: [Double]
    /// `[headSize / 2]`; 0: time, 1: height, 2: width.
    let axes: [Int]

    init(_ text: TextConfiguration) {
        values = rotaryFrequencies(count: text.headSize / 2, theta: text.ropeTheta)
        axes = text.mropeSections.enumerated().flatMap { axis, count in
            [Int](repeating: axis, count: count)
        }
        precondition(
            axes.count == values.count, "\(axes.count) sections for \(values.count) frequencies")
    }
}

/// `theta^(−k/count)` for k in 0 ..< count.
func rotaryFrequencies(count: Int, theta: Double) -> [Double] {
    (0..<count).map { pow(theta, -Double($0) / Double(count)) }
}

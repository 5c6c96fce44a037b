import Compute
import Foundation
import Testing

@Suite struct RowKernelTests {
    /// Widths around the lanes of every set, and rows around a tile of 16.
    @Test(arguments: [1, 2, 7, 16, 31, 80, 129, 1280], [1, 3, 17])
    func normsEqualExactOnes(_ width: Int, rows: Int) throws {
        var noise = Noise(UInt64(width + rows))
        // A mean far from zero: a variance as mean of squares less square of mean would fail.
        let x = noise.floats(rows * width).map { $0 + 30 }
        let weight = noise.floats(width)
        let bias = noise.floats(width)
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            var layer = try FloatBuffer(count: rows * width)
            pool.layerNorm(
                try buffer(x), rows: rows, weight: weight, bias: bias, epsilon: 1e-3, into: &layer)
            var rms = try FloatBuffer(count: rows * width)
            pool.rmsNorm(try buffer(x), rows: rows, weight: weight, epsilon: 1e-3, into: &rms)
            for row in 0..<rows {
                let values = x[row * width..<(row + 1) * width].map(Double.init)
                let mean = values.reduce(0, +) / Double(width)
                let variance =
                    values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
                let square = values.reduce(0) { $0 + $1 * $1 } / Double(width)
                for (i, value) in values.enumerated() {
                    let at = row * width + i
                    let exact =
                        (value - mean) / (variance + 1e-3).squareRoot() * Double(weight[i])
                        + Double(bias[i])
                    #expect(abs(Double(layer[at]) - exact) < 2e-5, "\(set) layer norm")
                    let plain = value / (square + 1e-3).squareRoot() * Double(weight[i])
                    #expect(abs(Double(rms[at]) - plain) < 1e-6, "\(set) RMS norm")
                }
            }
        }
    }

    /// From far below to far above where the exponential saturates; counts off the lanes.
    @Test(arguments: [1, 15, 16, 33, 4001, 40_000]) func activationsAreExact(_ count: Int) throws {
        var noise = Noise(UInt64(count))
        let x = (0..<count).map { index in
            noise.next() * (index % 5 == 0 ? 200 : index % 5 == 1 ? 0.01 : 6)
        }
        let up = noise.floats(count)
        func sigmoid(_ z: Double) -> Double { 1 / (1 + exp(-z)) }
        func check(
            _ values: [Float], _ set: InstructionSet, _ exact: (Int) -> Double
        ) {
            for index in 0..<count {
                let expected = exact(index)
                let error = abs(Double(values[index]) - expected)
                // Rounding 1.702 z already moves the exponential by z · 2⁻²⁴.
                let relative = 1e-6 + Double(abs(x[index])) * 1.2e-7
                #expect(error <= abs(expected) * relative + 1e-30, "\(set) at \(x[index])")
            }
        }
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            var quick = try buffer(x)
            pool.quickGELU(&quick, count: count)
            check(quick.all, set) {
                Double(x[$0]) * sigmoid(Double(1.702 as Float) * Double(x[$0]))
            }
            var gated = try buffer(x)
            pool.multiplySiLU(&gated, by: try buffer(up), count: count)
            check(gated.all, set) { Double(x[$0]) * sigmoid(Double(x[$0])) * Double(up[$0]) }
        }
        // The difference 1 + erf loses digits far below zero, where the result is next to nothing.
        var exact = try buffer(x)
        ThreadPool(threads: 2).gelu(&exact, count: count)
        for (value, z) in zip(exact.all, x.map(Double.init)) {
            #expect(abs(Double(value) - z / 2 * (1 + erf(z / 2.0.squareRoot()))) < 2e-6)
        }
    }

    /// Values that arithmetic cannot repair stay visible and stay in their place.
    @Test func notANumberStaysAlone() throws {
        for set in availableSets {
            let pool = ThreadPool(threads: 1, instructionSet: set)
            var x = try buffer([1, .nan, 2] + [Float](repeating: 1, count: 30))
            pool.quickGELU(&x, count: 33)
            let result = x.all
            #expect(result[1].isNaN)
            #expect(result.enumerated().allSatisfy { $0.offset == 1 || $0.element.isFinite })
        }
    }

    /// Pairs (m, m + half), each by its own angle, in the first heads of a wider row.
    @Test(arguments: [2, 16, 20, 32, 80, 128], [1, 33])
    func rotatesPairs(_ headSize: Int, rows: Int) throws {
        let half = headSize / 2
        let heads = 3
        let rowWidth = heads * headSize + 5
        var noise = Noise(UInt64(headSize))
        let x = noise.floats(rows * rowWidth)
        let angles = noise.floats(rows * half, scale: 3)
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            var rotated = try buffer(x)
            pool.rotate(
                &rotated, rows: rows, rowWidth: rowWidth, heads: heads, headSize: headSize,
                cosines: try buffer(angles.map { cosf($0) }),
                sines: try buffer(angles.map { sinf($0) }))
            let result = rotated.all
            for row in 0..<rows {
                for column in 0..<rowWidth {
                    let at = row * rowWidth + column
                    guard column < heads * headSize else {
                        #expect(result[at] == x[at])
                        continue
                    }
                    let m = column % headSize % half
                    let (c, s) = (cosf(angles[row * half + m]), sinf(angles[row * half + m]))
                    let isLow = column % headSize < half
                    let expected =
                        isLow ? x[at] * c - x[at + half] * s : x[at] * c + x[at - half] * s
                    #expect(abs(result[at] - expected) < 1e-6, "\(set)")
                }
            }
        }
    }
}

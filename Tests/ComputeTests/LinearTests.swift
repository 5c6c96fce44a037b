import Compute
import Testing

/// A product's shape: rows of x, columns, outputs.
struct Shape: Sendable, CustomTestStringConvertible {
    var rows: Int
    var columns: Int
    var outputs: Int
    var testDescription: String { "\(rows)×\(columns)×\(outputs)" }

    /// Around every edge: one number, the row kernels' 1 to 8 rows, the panels (6, 8, 14), slivers
    /// (16, 32), tiles (128), depth (256), bands (126) and row blocks (640) of the packed product.
    static let all: [Shape] =
        [
            Shape(rows: 1, columns: 1, outputs: 1), Shape(rows: 9, columns: 1, outputs: 1),
            Shape(rows: 13, columns: 255, outputs: 31), Shape(rows: 14, columns: 256, outputs: 32),
            Shape(rows: 15, columns: 257, outputs: 33), Shape(rows: 28, columns: 513, outputs: 129),
            Shape(rows: 125, columns: 17, outputs: 65),
            Shape(rows: 127, columns: 264, outputs: 161),
            Shape(rows: 253, columns: 270, outputs: 37),
            Shape(rows: 97, columns: 40, outputs: 260), Shape(rows: 640, columns: 20, outputs: 5),
            Shape(rows: 641, columns: 9, outputs: 17), Shape(rows: 1300, columns: 33, outputs: 3),
        ] + (1...8).map { Shape(rows: $0, columns: 100 + $0, outputs: 7 + 3 * $0) }
}

@Suite struct LinearTests {
    private static let uses: [LinearUse] = [.fewRows, .manyRows]

    /// Against 64-bit sums of the stored numbers. Every storage is read at an address aligned to 2
    /// only, which is all that a mapped file promises.
    @Test(arguments: Shape.all, ScalarType.allCases)
    func equalsExactProduct(_ shape: Shape, type: ScalarType) throws {
        var noise = Noise(UInt64(shape.rows * 7 + shape.columns))
        let x = noise.floats(shape.rows * shape.columns)
        let weight = try StoredWeight(
            noise.floats(shape.outputs * shape.columns), rows: shape.outputs,
            columns: shape.columns, type: type, offset: 2)
        let bias = noise.floats(shape.outputs)
        let before = noise.floats(shape.rows * shape.outputs)
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            for (use, adding) in Self.uses.flatMap({ use in [(use, false), (use, true)] }) {
                for bias in [[], bias] {
                    var y = try buffer(before)
                    pool.linear(
                        try buffer(x), rows: shape.rows, weight.matrix, bias: bias, into: &y,
                        adding: adding, use: use)
                    let worst = Self.worstError(
                        y.all, x, weight.values, bias, adding ? before : [], shape)
                    #expect(
                        worst < 2e-6, "\(set), \(use), adding \(adding), bias \(!bias.isEmpty)")
                }
            }
        }
    }

    /// Largest error relative to the sum of magnitudes, which bounds what rounding can do.
    private static func worstError(
        _ y: [Float], _ x: [Float], _ w: [Float], _ bias: [Float], _ before: [Float],
        _ shape: Shape
    ) -> Double {
        var worst = 0.0
        for m in 0..<shape.rows {
            for n in 0..<shape.outputs {
                var sum = bias.isEmpty ? 0 : Double(bias[n])
                if !before.isEmpty { sum += Double(before[m * shape.outputs + n]) }
                var size = abs(sum) + 1e-3
                for k in 0..<shape.columns {
                    let product =
                        Double(x[m * shape.columns + k]) * Double(w[n * shape.columns + k])
                    sum += product
                    size += abs(product)
                }
                let error = abs(Double(y[m * shape.outputs + n]) - sum) / size
                worst = error.isNaN ? .infinity : max(worst, error)
            }
        }
        return worst
    }

    /// What batches and drafts rest on: a row's bits do not depend on the rows beside it.
    @Test(arguments: ScalarType.allCases, uses)
    func rowsDoNotDependOnTheirNeighbours(_ type: ScalarType, use: LinearUse) throws {
        var noise = Noise(21)
        let (columns, outputs, most) = (301, 75, 19)
        let weight = try StoredWeight(
            noise.floats(outputs * columns), rows: outputs, columns: columns, type: type)
        let x = noise.floats(most * columns)
        let bias = noise.floats(outputs)
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            func product(_ rows: Range<Int>) throws -> [UInt32] {
                var y = try FloatBuffer(count: rows.count * outputs)
                pool.linear(
                    try buffer(x), from: rows.lowerBound, rows: rows.count, weight.matrix,
                    bias: bias, into: &y, use: use)
                return y.all.map(\.bitPattern)
            }
            let alone = try (0..<most).map { try product($0..<$0 + 1) }
            for count in 1...most {
                for first in Set([0, most - count]) {
                    let together = try product(first..<first + count)
                    let expected = alone[first..<first + count].flatMap(\.self)
                    #expect(together == expected, "\(set), \(count) rows from \(first)")
                }
            }
        }
    }

    /// Rows in the middle of buffers: what lies around them must not be touched.
    @Test(arguments: [1, 20]) func writesOnlyItsRows(_ rows: Int) throws {
        var noise = Noise(3)
        let weight = try StoredWeight(
            noise.floats(5 * 4), rows: 5, columns: 4, type: .f32)
        let x = noise.floats((rows + 5) * 4)
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            var y = try buffer([Float](repeating: 9, count: (rows + 3) * 5))
            pool.linear(try buffer(x), from: 2, rows: rows, weight.matrix, into: &y, at: 1)
            var alone = try FloatBuffer(count: rows * 5)
            pool.linear(
                try buffer(Array(x[8..<8 + rows * 4])), rows: rows, weight.matrix, into: &alone)
            let all = y.all
            #expect(all.prefix(5).allSatisfy { $0 == 9 })
            #expect(all.suffix(10).allSatisfy { $0 == 9 })
            #expect(Array(all[5..<5 + rows * 5]) == alone.all)
        }
    }

    /// The order of additions must follow from the shape alone.
    @Test(arguments: [1, 5, 150, 700]) func threadsChangeNothing(_ rows: Int) throws {
        var noise = Noise(11)
        let weight = try StoredWeight(
            noise.floats(700 * 515), rows: 700, columns: 515, type: .bf16)
        let x = noise.floats(rows * 515)
        for set in availableSets where set != .scalar || rows < 100 {
            for use in Self.uses {
                let results = try [1, 2, 3, 7].map { threads in
                    var y = try FloatBuffer(count: rows * 700)
                    ThreadPool(threads: threads, instructionSet: set).linear(
                        try buffer(x), rows: rows, weight.matrix, into: &y, use: use)
                    return y.all.map(\.bitPattern)
                }
                #expect(results.allSatisfy { $0 == results[0] }, "\(set), \(use)")
            }
        }
    }

    /// Every pattern of 16 bits is some weight: infinities, NaN and subnormals widen exactly.
    @Test(arguments: [ScalarType.bf16, .f16]) func widensEveryPattern(_ type: ScalarType) throws {
        let storage = try OwnedBytes(count: 65536 * 2) { bytes in
            for bits in 0..<65536 {
                bytes.storeBytes(of: UInt16(bits), toByteOffset: bits * 2, as: UInt16.self)
            }
        }
        let matrix = WeightMatrix(
            rows: 2, columns: 32768, format: WeightFormat(type), storage: storage)
        // One column each, so that the product kernels widen them too.
        let single = WeightMatrix(
            rows: 65536, columns: 1, format: WeightFormat(type), storage: storage)
        var expanded = try FloatBuffer(count: 65536)
        matrix.expandRow(0, into: &expanded, at: 0)
        matrix.expandRow(1, into: &expanded, at: 32768)
        let wide = expanded.all
        for bits in 0..<65536 {
            let pattern = UInt16(bits)
            let exact =
                type == .bf16
                ? Float(bitPattern: UInt32(pattern) << 16) : Float(Float16(bitPattern: pattern))
            #expect(wide[bits].isNaN ? exact.isNaN : wide[bits].bitPattern == exact.bitPattern)
        }
        for set in availableSets {
            let pool = ThreadPool(threads: 1, instructionSet: set)
            for use in Self.uses {
                var y = try FloatBuffer(count: 65536)
                pool.linear(try buffer([1]), rows: 1, single, into: &y, use: use)
                let products = y.array(0..<65536)
                #expect(zip(products, wide).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) })
            }
        }
    }
}

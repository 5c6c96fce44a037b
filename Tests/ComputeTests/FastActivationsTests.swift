import Compute
import Testing

/// Products whose activations are rounded to what the processor multiplies fastest.
@Suite struct FastActivationsTests {
    private static func product(
        _ x: [Float], _ shape: Shape, _ weight: WeightMatrix, bias: [Float] = [],
        before: [Float]? = nil, _ activations: Activations, set: InstructionSet = .current,
        threads: Int = 2, use: LinearUse = .manyRows
    ) throws -> [Float] {
        let pool = ThreadPool(threads: threads, instructionSet: set, activations: activations)
        var y = try buffer(
            before ?? [Float](repeating: 0, count: shape.rows * shape.outputs))
        pool.linear(
            try buffer(x), rows: shape.rows, weight, bias: bias, into: &y, adding: before != nil,
            use: use)
        return y.all
    }

    /// What decides on the bits of a product at this set.
    private static func arithmetic(_ set: InstructionSet) -> String {
        ThreadPool(threads: 1, instructionSet: set, activations: .fast).arithmetic
    }

    private static let sets7 = availableSets.filter {
        $0 == .avx2 || $0 == .avx512 && !arithmetic($0).contains("vnni")
    }
    private static let has7 = !sets7.isEmpty
    private static let hasBF16 = arithmetic(.current).contains("bf16")

    private static func packed(
        _ numbers: [Float], rows: Int, columns: Int, as format: WeightFormat
    ) throws -> WeightMatrix {
        let stored = try StoredWeight(numbers, rows: rows, columns: columns, type: .f32)
        return try ThreadPool(threads: 2).pack(stored.matrix, as: format)
    }

    // MARK: 7 bits with int8 weights

    @Test(
        .enabled(if: has7, "the processor has no AVX2"), arguments: GroupedLinearTests.shapes)
    func sevenBitsAreThePlainVersion(_ shape: Shape) throws {
        var noise = Noise(UInt64(5 * shape.rows + shape.columns))
        let x = noise.floats(shape.rows * shape.columns, scale: 3)
        let weight = try Self.packed(
            noise.floats(shape.outputs * shape.columns, scale: 0.1), rows: shape.outputs,
            columns: shape.columns, as: .int8)
        let bias = noise.floats(shape.outputs)
        let before = noise.floats(shape.rows * shape.outputs)
        for (bias, before) in [([], nil), (bias, nil), ([], before), (bias, before)] {
            let plain = try Self.product(
                x, shape, weight, bias: bias, before: before, .fast, set: .scalar)
            for set in Self.sets7 {
                let fast = try Self.product(
                    x, shape, weight, bias: bias, before: before, .fast, set: set)
                #expect(fast == plain, "\(set)")
            }
        }
    }

    /// Against 64-bit products of the rounded weights: half a step of 1/64 for each number, and no
    /// closer than 8 bits would come.
    @Test(.enabled(if: has7, "the processor has no AVX2"))
    func sevenBitsKeepTheirStep() throws {
        let shape = Shape(rows: 30, columns: 320, outputs: 40)
        var noise = Noise(71)
        let x = noise.floats(shape.rows * shape.columns)
        let weight = try Self.packed(
            noise.floats(shape.outputs * shape.columns), rows: shape.outputs,
            columns: shape.columns, as: .int8)
        var w = try FloatBuffer(count: shape.outputs * shape.columns)
        for row in 0..<shape.outputs {
            weight.expandRow(row, into: &w, at: row * shape.columns)
        }
        let kept = w.all
        for set in Self.sets7 {
            let fast = try Self.product(x, shape, weight, .fast, set: set)
            let full = try Self.product(x, shape, weight, .full, set: set)
            var errors = (fast: 0.0, full: 0.0)
            for m in 0..<shape.rows {
                for n in 0..<shape.outputs {
                    var sum = 0.0
                    var weights = 0.0
                    for k in 0..<shape.columns {
                        let value = Double(kept[n * shape.columns + k])
                        sum += Double(x[m * shape.columns + k]) * value
                        weights += abs(value)
                    }
                    let at = m * shape.outputs + n
                    #expect(
                        abs(Double(fast[at]) - sum) <= weights * 0.5 / 64 * 1.01 + 1e-4, "\(set)")
                    errors.fast += (Double(fast[at]) - sum) * (Double(fast[at]) - sum)
                    errors.full += (Double(full[at]) - sum) * (Double(full[at]) - sum)
                }
            }
            let ratio = (errors.fast / errors.full).squareRoot()
            #expect(ratio > 1.8 && ratio < 2.2, "\(set): \(ratio)")
        }
    }

    /// The largest sums there are: pairs of products fill 16 bits.
    @Test(.enabled(if: has7, "the processor has no AVX2"))
    func sevenBitsDoNotSaturate() throws {
        let shape = Shape(rows: 7, columns: 256, outputs: 16)
        for (left, right) in [(Float(1), Float(1)), (1, -1), (-1, 1), (-1, -1)] {
            let weight = try Self.packed(
                [Float](repeating: right, count: 16 * 256), rows: 16, columns: 256, as: .int8)
            let x = [Float](repeating: left, count: 7 * 256)
            for set in Self.sets7 {
                let y = try Self.product(x, shape, weight, .fast, set: set)
                #expect(y.allSatisfy { abs($0 - left * right * 256) < 0.1 }, "\(set)")
            }
        }
    }

    @Test(.enabled(if: has7, "the processor has no AVX2"), arguments: [Float.nan, .infinity])
    func sevenBitsHideNothing(_ value: Float) throws {
        let shape = Shape(rows: 8, columns: 100, outputs: 20)
        var noise = Noise(18)
        let weight = try Self.packed(noise.floats(2000), rows: 20, columns: 100, as: .int8)
        var x = noise.floats(800)
        let clean = try Self.product(x, shape, weight, .fast, set: .scalar)
        x[3 * 100 + 70] = value
        for k in 400..<500 { x[k] = Float(bitPattern: 7) }
        for set in Self.sets7 {
            let y = try Self.product(x, shape, weight, .fast, set: set)
            #expect(y[60..<80].allSatisfy { !$0.isFinite }, "\(set)")
            #expect(y[80..<100].allSatisfy { $0 == 0 }, "\(set)")
            #expect(y[..<60] == clean[..<60] && y[100...] == clean[100...], "\(set)")
        }
    }

    // MARK: BF16 with bf16 weights

    private static let noBF16: Comment = "the processor does not multiply BF16"

    /// To nearest, ties to even; subnormal numbers count as zero.
    private static func rounded(_ x: [Float]) -> [Float] {
        x.map { value in
            let bits = value.bitPattern
            let half = (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16
            return abs(value) < .leastNormalMagnitude ? 0 : Float(bitPattern: half << 16)
        }
    }

    /// Against 64-bit sums of the rounded numbers.
    @Test(.enabled(if: hasBF16, noBF16), arguments: Shape.all)
    func pairsAreTheProductOfRoundedNumbers(_ shape: Shape) throws {
        var noise = Noise(UInt64(shape.rows * 11 + shape.columns))
        let x = noise.floats(shape.rows * shape.columns)
        let near = Self.rounded(x)
        let weight = try StoredWeight(
            noise.floats(shape.outputs * shape.columns), rows: shape.outputs,
            columns: shape.columns, type: .bf16, offset: 2)
        let bias = noise.floats(shape.outputs)
        let before = noise.floats(shape.rows * shape.outputs)
        for (bias, before) in [([], nil), (bias, nil), ([], before), (bias, before)] {
            let y = try Self.product(
                x, shape, weight.matrix, bias: bias, before: before, .fast)
            var worst = 0.0
            for m in 0..<shape.rows {
                for n in 0..<shape.outputs {
                    let at = m * shape.outputs + n
                    var sum = (bias.isEmpty ? 0 : Double(bias[n])) + Double(before?[at] ?? 0)
                    var size = abs(sum) + 1e-3
                    for k in 0..<shape.columns {
                        let product =
                            Double(near[m * shape.columns + k])
                            * Double(weight.values[n * shape.columns + k])
                        sum += product
                        size += abs(product)
                    }
                    worst = max(worst, abs(Double(y[at]) - sum) / size)
                }
            }
            #expect(worst < 2e-6)
        }
    }

    @Test(.enabled(if: hasBF16, noBF16))
    func pairsDependOnNothingBeside() throws {
        var noise = Noise(23)
        let (columns, outputs, most) = (801, 150, 31)
        let weight = try StoredWeight(
            noise.floats(outputs * columns), rows: outputs, columns: columns, type: .bf16)
        let x = noise.floats(most * columns)
        func bits(_ rows: Range<Int>, threads: Int = 2) throws -> [UInt32] {
            try Self.product(
                Array(x[rows.lowerBound * columns..<rows.upperBound * columns]),
                Shape(rows: rows.count, columns: columns, outputs: outputs), weight.matrix, .fast,
                threads: threads
            ).map(\.bitPattern)
        }
        let together = try bits(0..<most)
        for row in 0..<most {
            #expect(
                try bits(row..<row + 1) == Array(together[row * outputs..<(row + 1) * outputs]))
        }
        for threads in [1, 3, 7] { #expect(try bits(0..<most, threads: threads) == together) }
    }

    @Test(.enabled(if: hasBF16, noBF16), arguments: [Float.nan, .infinity])
    func pairsHideNothing(_ value: Float) throws {
        let shape = Shape(rows: 20, columns: 67, outputs: 40)
        var noise = Noise(24)
        let weight = try StoredWeight(
            noise.floats(40 * 67), rows: 40, columns: 67, type: .bf16)
        var x = noise.floats(20 * 67)
        let clean = try Self.product(x, shape, weight.matrix, .fast)
        x[5 * 67 + 66] = value
        let y = try Self.product(x, shape, weight.matrix, .fast)
        #expect(y[200..<240].allSatisfy { !$0.isFinite })
        #expect(y[..<200] == clean[..<200] && y[240...] == clean[240...])
    }

    /// The difference is there, and as small as BF16's 8 bits of precision make it.
    @Test(.enabled(if: hasBF16, noBF16))
    func pairsDifferByRounding() throws {
        let shape = Shape(rows: 40, columns: 1000, outputs: 64)
        var noise = Noise(25)
        let x = noise.floats(40 * 1000)
        let weight = try StoredWeight(
            noise.floats(64 * 1000), rows: 64, columns: 1000, type: .bf16)
        let fast = try Self.product(x, shape, weight.matrix, .fast)
        let full = try Self.product(x, shape, weight.matrix, .full)
        var (error, size) = (0.0, 0.0)
        for (a, b) in zip(fast, full) {
            error += Double((a - b) * (a - b))
            size += Double(b * b)
        }
        let relative = (error / size).squareRoot()
        #expect(relative > 0.0005 && relative < 0.003, "\(relative)")
    }

    // MARK: Where nothing changes

    /// Decoding, other weights, and processors without the instructions.
    @Test func elsewhereFastIsFull() throws {
        let shape = Shape(rows: 20, columns: 200, outputs: 70)
        var noise = Noise(31)
        let x = noise.floats(20 * 200)
        let numbers = noise.floats(70 * 200)
        for set in availableSets {
            let arithmetic = Self.arithmetic(set)
            for type in ScalarType.allCases {
                let weight = try StoredWeight(numbers, rows: 70, columns: 200, type: type)
                for use in [LinearUse.fewRows, .manyRows] {
                    let fast = try Self.product(
                        x, shape, weight.matrix, .fast, set: set, use: use)
                    let full = try Self.product(
                        x, shape, weight.matrix, .full, set: set, use: use)
                    let differs =
                        type == .bf16 && use == .manyRows && arithmetic.contains("bf16")
                    #expect((fast == full) != differs, "\(set), \(type), \(use)")
                }
            }
            for format in [WeightFormat.int8, .int4] {
                let weight = try Self.packed(numbers, rows: 70, columns: 200, as: format)
                let fast = try Self.product(x, shape, weight, .fast, set: set)
                let full = try Self.product(x, shape, weight, .full, set: set)
                // The plain version of an x86-64 processor is that of AVX2.
                let differs =
                    format == .int8 && Self.has7 && (Self.sets7.contains(set) || set == .scalar)
                #expect((fast == full) != differs, "\(set), \(format)")
            }
        }
    }
}

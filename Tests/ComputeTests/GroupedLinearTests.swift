import Compute
import Testing

/// Weights of 8 and 4 bits in groups: packing, and the product with rounded rows.
@Suite struct GroupedLinearTests {
    static let formats: [WeightFormat] = [.int8, .int4]

    /// Around every edge: groups of 64 columns, blocks of 16 outputs and pairs of them, panels of 6
    /// rows, 16 groups at a time, tiles of 128 outputs, blocks of 768 rows.
    static let shapes: [Shape] = [
        Shape(rows: 1, columns: 1, outputs: 1), Shape(rows: 1, columns: 64, outputs: 16),
        Shape(rows: 2, columns: 63, outputs: 15), Shape(rows: 3, columns: 65, outputs: 17),
        Shape(rows: 4, columns: 128, outputs: 32), Shape(rows: 5, columns: 130, outputs: 33),
        Shape(rows: 6, columns: 192, outputs: 48), Shape(rows: 7, columns: 1024, outputs: 31),
        Shape(rows: 12, columns: 1025, outputs: 129), Shape(rows: 13, columns: 2112, outputs: 50),
        Shape(rows: 769, columns: 70, outputs: 18), Shape(rows: 1540, columns: 10, outputs: 3),
    ]

    private static func product(
        _ x: [Float], _ shape: Shape, _ weight: WeightMatrix, bias: [Float] = [],
        before: [Float]? = nil, set: InstructionSet, threads: Int = 2
    ) throws -> [Float] {
        var y = try buffer(
            before ?? [Float](repeating: 0, count: shape.rows * shape.outputs))
        ThreadPool(threads: threads, instructionSet: set).linear(
            try buffer(x), rows: shape.rows, weight, bias: bias, into: &y, adding: before != nil)
        return y.all
    }

    private static func pack(
        _ numbers: [Float], rows: Int, columns: Int, type: ScalarType = .f32,
        as format: WeightFormat, set: InstructionSet = .current, threads: Int = 2
    ) throws -> WeightMatrix {
        let stored = try StoredWeight(
            numbers, rows: rows, columns: columns, type: type, offset: 2)
        return try ThreadPool(threads: threads, instructionSet: set).pack(
            stored.matrix, as: format)
    }

    private static func expanded(_ matrix: WeightMatrix) throws -> [Float] {
        var numbers = try FloatBuffer(count: matrix.rows * matrix.columns)
        for row in 0..<matrix.rows {
            matrix.expandRow(row, into: &numbers, at: row * matrix.columns)
        }
        return numbers.all
    }

    private static func bytes(_ matrix: WeightMatrix) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: matrix.base, count: matrix.byteCount))
    }

    /// The plain version is the oracle: integer sums are exact, and floats are added in one order.
    @Test(arguments: shapes, formats)
    func everyLevelGivesTheSameBits(_ shape: Shape, format: WeightFormat) throws {
        var noise = Noise(UInt64(shape.rows + 31 * shape.columns))
        let x = noise.floats(shape.rows * shape.columns, scale: 3)
        let weight = try Self.pack(
            noise.floats(shape.outputs * shape.columns, scale: 0.1), rows: shape.outputs,
            columns: shape.columns, as: format)
        let bias = noise.floats(shape.outputs)
        let before = noise.floats(shape.rows * shape.outputs)
        for bias in [[], bias] {
            for before in [nil, before] {
                let plain = try Self.product(
                    x, shape, weight, bias: bias, before: before, set: .scalar)
                for set in availableSets {
                    let fast = try Self.product(
                        x, shape, weight, bias: bias, before: before, set: set)
                    #expect(plain == fast, "\(set)")
                }
            }
        }
    }

    /// What AMX would do, with its instructions played by software: layouts, edges and the order of sums.
    @Test(
        .enabled(
            if: InstructionSet.avx512.isAvailable, "the processor lacks what goes on beside tiles"),
        arguments: shapes + [
            Shape(rows: 16, columns: 64, outputs: 16), Shape(rows: 33, columns: 1089, outputs: 47),
        ], formats)
    func tilesGiveTheSameBits(_ shape: Shape, format: WeightFormat) throws {
        var noise = Noise(UInt64(7 * shape.rows + shape.columns))
        let x = noise.floats(shape.rows * shape.columns, scale: 3)
        let weight = try Self.pack(
            noise.floats(shape.outputs * shape.columns, scale: 0.1), rows: shape.outputs,
            columns: shape.columns, as: format)
        let bias = noise.floats(shape.outputs)
        let before = noise.floats(shape.rows * shape.outputs)
        for (bias, adding) in [([], false), (bias, false), ([], true), (bias, true)] {
            let plain = try Self.product(
                x, shape, weight, bias: bias, before: adding ? before : nil, set: .scalar)
            var y = try buffer(before)
            let isDone = ThreadPool(threads: 2, instructionSet: .avx512).linearOnSoftTiles(
                try buffer(x), rows: shape.rows, weight, bias: bias, into: &y, adding: adding)
            // Without VNNI there is nothing to test.
            if isDone { #expect(y.all == plain, "bias \(!bias.isEmpty), adding \(adding)") }
        }
    }

    /// The oracle itself: against 64-bit products of the rounded weights, within what rounding rows
    /// of x to 8 bits can do.
    @Test(arguments: shapes, formats)
    func plainVersionIsTheProduct(_ shape: Shape, format: WeightFormat) throws {
        var noise = Noise(UInt64(shape.rows * 3 + shape.columns))
        let x = noise.floats(shape.rows * shape.columns)
        let weight = try Self.pack(
            noise.floats(shape.outputs * shape.columns), rows: shape.outputs,
            columns: shape.columns, as: format)
        let w = try Self.expanded(weight)
        let bias = noise.floats(shape.outputs)
        let y = try Self.product(x, shape, weight, bias: bias, set: .scalar)
        for m in 0..<shape.rows {
            for n in 0..<shape.outputs {
                var sum = Double(bias[n])
                var weights = 0.0
                for k in 0..<shape.columns {
                    let value = Double(w[n * shape.columns + k])
                    sum += Double(x[m * shape.columns + k]) * value
                    weights += abs(value)
                }
                // Half a step of 1/127 for each number, and what 32-bit sums lose.
                let allowed = weights * 0.5 / 127 * 1.01 + 1e-5 * (weights + 1)
                #expect(abs(Double(y[m * shape.outputs + n]) - sum) <= allowed)
            }
        }
    }

    /// Every number stays within half a step (8 bits), or what the best fit may give up (4 bits).
    @Test(arguments: [ScalarType.f32, .bf16, .f16])
    func packingKeepsTheNumbers(_ type: ScalarType) throws {
        var noise = Noise(9)
        let (rows, columns) = (37, 200)
        let numbers = noise.floats(rows * columns, scale: 0.05)
        for format in Self.formats {
            let weight = try Self.pack(
                numbers, rows: rows, columns: columns, type: type, as: format)
            let kept = try Self.expanded(weight)
            var error = 0.0
            var size = 0.0
            for (a, b) in zip(numbers, kept) {
                error += Double((a - b) * (a - b))
                size += Double(a * a)
                // Storing as bf16 alone costs up to 0.0002.
                #expect(abs(a - b) < (format == .int8 ? 0.0005 : 0.006))
            }
            // Evenly spread numbers: half a step of 1/127 and of 2/15, root mean square.
            #expect((error / size).squareRoot() < (format == .int8 ? 0.0053 : 0.068))
        }
    }

    /// Numbers that the format holds exactly come out as they went in.
    @Test func exactNumbersStayExact() throws {
        let eight = (0..<64).map { index -> Float in
            index == 0 ? 127.0 / 64 : Float((index * 37) % 255 - 127) / 64
        }
        #expect(try Self.roundTrip(eight, as: .int8) == eight)
        let four = (0..<64).map { Float($0 % 16) * 0.25 - 1.5 }
        #expect(try Self.roundTrip(four, as: .int4) == four)
        let constant = [Float](repeating: -0.375, count: 64)
        #expect(try Self.roundTrip(constant, as: .int4) == constant)
        let none = [Float](repeating: 0, count: 130)
        for format in Self.formats {
            #expect(try Self.roundTrip(none, rows: 2, as: format) == none)
        }
    }

    private static func roundTrip(
        _ numbers: [Float], rows: Int = 1, as format: WeightFormat
    ) throws -> [Float] {
        try expanded(pack(numbers, rows: rows, columns: numbers.count / rows, as: format))
    }

    /// Stored files and results must not depend on the machine that packed.
    @Test(arguments: formats) func packingIsTheSameEverywhere(_ format: WeightFormat) throws {
        var noise = Noise(4)
        var numbers = noise.floats(50 * 150)
        // Groups with outliers, of one number, of tiny and of huge numbers.
        numbers[3] = 40
        for k in 150..<300 { numbers[k] = 1e-30 * Float(k) }
        for k in 300..<450 { numbers[k] *= 1e9 }
        for k in 450..<600 { numbers[k] = 7 }
        let plain = try Self.pack(
            numbers, rows: 50, columns: 150, as: format, set: .scalar, threads: 1)
        for set in availableSets {
            for threads in [1, 3] {
                let packed = try Self.pack(
                    numbers, rows: 50, columns: 150, as: format, set: set, threads: threads)
                #expect(Self.bytes(plain) == Self.bytes(packed), "\(set)")
            }
        }
    }

    /// The largest sums there are: 16-bit and unsigned paths must not saturate.
    @Test(arguments: formats) func extremesDoNotSaturate(_ format: WeightFormat) throws {
        let columns = 256
        for (left, right) in [(Float(1), Float(1)), (1, -1), (-1, 1), (-1, -1)] {
            // The smallest number differs, so that 4-bit groups reach their largest step.
            var numbers = [Float](repeating: right, count: 16 * columns)
            for n in 0..<16 { for g in 0..<4 { numbers[n * columns + g * 64] = 0 } }
            let weight = try Self.pack(numbers, rows: 16, columns: columns, as: format)
            let x = [Float](repeating: left, count: 7 * columns)
            let shape = Shape(rows: 7, columns: columns, outputs: 16)
            for set in availableSets {
                let y = try Self.product(x, shape, weight, set: set)
                let exact = left * right * Float(columns - 4)
                #expect(y.allSatisfy { abs($0 - exact) < 0.2 }, "\(set)")
            }
        }
    }

    /// What is no number in a row spoils that row alone; an infinite one cannot pass for a number.
    @Test(arguments: formats, [Float.nan, .infinity, -.infinity])
    func noNumberIsNotHidden(_ format: WeightFormat, value: Float) throws {
        var noise = Noise(8)
        let shape = Shape(rows: 8, columns: 100, outputs: 20)
        let weight = try Self.pack(
            noise.floats(2000), rows: 20, columns: 100, as: format)
        var x = noise.floats(800)
        let clean = try Self.product(x, shape, weight, set: .scalar)
        x[3 * 100 + 70] = value
        for set in availableSets {
            let y = try Self.product(x, shape, weight, set: set)
            let spoilt = y[60..<80]
            #expect(spoilt.allSatisfy { !$0.isFinite }, "\(set)")
            #expect(y[..<60] == clean[..<60] && y[80...] == clean[80...], "\(set)")
        }
    }

    /// Rows of zeros, subnormal and huge numbers, and groups of very different size in one row.
    @Test(arguments: formats) func rowsOfAnySize(_ format: WeightFormat) throws {
        var noise = Noise(5)
        let shape = Shape(rows: 4, columns: 128, outputs: 5)
        let weight = try Self.pack(noise.floats(640), rows: 5, columns: 128, as: format)
        let w = try Self.expanded(weight)
        var x = [Float](repeating: 0, count: 4 * 128)
        for k in 0..<128 {
            x[128 + k] = Float(bitPattern: 7)  // far below the normal numbers
            x[256 + k] = noise.next() * 1e30
            x[384 + k] = noise.next() * (k < 64 ? 1e4 : 1e-4)
        }
        let plain = try Self.product(x, shape, weight, set: .scalar)
        #expect(plain[0..<10].allSatisfy { $0 == 0 })
        #expect(plain.allSatisfy { $0.isFinite })
        for n in 0..<5 {
            var sum = 0.0
            for k in 0..<64 { sum += Double(x[384 + k]) * Double(w[n * 128 + k]) }
            #expect(abs(Double(plain[15 + n]) - sum) < 64 * 1e4 * 0.5 / 127)
        }
        for set in availableSets {
            let fast = try Self.product(x, shape, weight, set: set)
            #expect(fast == plain, "\(set)")
        }
    }

    @Test(arguments: formats) func threadsChangeNothing(_ format: WeightFormat) throws {
        var noise = Noise(6)
        let shape = Shape(rows: 20, columns: 200, outputs: 700)
        let x = noise.floats(20 * 200)
        let weight = try Self.pack(
            noise.floats(700 * 200), rows: 700, columns: 200, as: format)
        for set in availableSets {
            let results = try [1, 2, 3, 7].map {
                try Self.product(x, shape, weight, set: set, threads: $0)
            }
            #expect(results.allSatisfy { $0 == results[0] }, "\(set)")
        }
    }

    /// A row by itself gives what it gives among others: decoding equals prefill.
    @Test(arguments: formats) func rowsDoNotDependOnTheirNeighbours(_ format: WeightFormat) throws {
        var noise = Noise(7)
        let x = noise.floats(9 * 1100)
        let weight = try Self.pack(
            noise.floats(40 * 1100), rows: 40, columns: 1100, as: format)
        for set in availableSets {
            let together = try Self.product(
                x, Shape(rows: 9, columns: 1100, outputs: 40), weight, set: set)
            for row in 0..<9 {
                let alone = try Self.product(
                    Array(x[row * 1100..<(row + 1) * 1100]),
                    Shape(rows: 1, columns: 1100, outputs: 40), weight, set: set)
                #expect(alone == Array(together[row * 40..<(row + 1) * 40]), "\(set)")
            }
        }
    }

    @Test func bitsPerWeight() {
        #expect(WeightFormat.int8.bitsPerWeight == 8.5)
        #expect(WeightFormat.int4.bitsPerWeight == 4.5)
        #expect(WeightFormat.bf16.bitsPerWeight == 16)
    }
}

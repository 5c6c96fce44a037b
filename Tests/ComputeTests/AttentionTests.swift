import Compute
import Foundation
import Testing

@Suite struct AttentionTests {
    /// Softmax attention of one query, in 64 bits.
    private static func exact(
        _ q: ArraySlice<Float>, keys: [ArraySlice<Float>], values: [ArraySlice<Float>]
    ) -> [Double] {
        let scale = 1 / Double(q.count).squareRoot()
        let scores = keys.map { key in
            zip(q, key).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } * scale
        }
        let highest = scores.max() ?? 0
        let powers = scores.map { exp($0 - highest) }
        let total = powers.reduce(0, +)
        return (0..<q.count).map { c in
            zip(powers, values).reduce(0.0) { $0 + $1.0 * Double($1.1[$1.1.startIndex + c]) }
                / total
        }
    }

    /// Segments around the slivers of 16 and 32 queries, the panels of 6 and 14 and the steps of 168
    /// keys; heads off every lane count. Other rows of the buffer must neither be seen nor be written.
    @Test(
        arguments: [1, 4, 33, 127, 168, 169, 300], [(2, 16), (1, 13), (1, 20), (3, 32), (2, 80)])
    func segmentsSeeThemselves(_ rows: Int, heads: (count: Int, size: Int)) throws {
        let width = heads.count * heads.size
        var noise = Noise(UInt64(rows + width))
        let qkv = noise.floats((rows + 5) * 3 * width, scale: 3)
        func part(_ row: Int, _ kind: Int, _ head: Int) -> ArraySlice<Float> {
            let start = (row + 2) * 3 * width + kind * width + head * heads.size
            return qkv[start..<start + heads.size]
        }
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            var out = try buffer([Float](repeating: 7, count: (rows + 5) * width))
            pool.attend(
                within: 2..<rows + 2, qkv: try buffer(qkv), heads: heads.count,
                headSize: heads.size, into: &out)
            let result = out.all
            #expect(result.prefix(2 * width).allSatisfy { $0 == 7 })
            #expect(result.suffix(3 * width).allSatisfy { $0 == 7 })
            for head in 0..<heads.count {
                let keys = (0..<rows).map { part($0, 1, head) }
                let values = (0..<rows).map { part($0, 2, head) }
                for row in stride(from: 0, to: rows, by: 7) {
                    let expected = Self.exact(part(row, 0, head), keys: keys, values: values)
                    for (c, value) in expected.enumerated() {
                        let at = (row + 2) * width + head * heads.size + c
                        #expect(abs(Double(result[at]) - value) < 5e-6, "\(set) row \(row)")
                    }
                }
            }
        }
    }

    /// More keys and values than are packed at a time: heads are then taken one after the other, and
    /// each has the bits that it has alone.
    @Test func headsThatDoNotFitTogetherAreTheSame() throws {
        let (rows, size) = (1030, 4096)
        // Fewer numbers than there are places: the noise is not what is tested.
        let noise = {
            var noise = Noise(3)
            return noise.floats(100_003, scale: 0.2)
        }()
        for set in availableSets where set != .scalar {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            func attend(heads: Range<Int>) throws -> [UInt32] {
                let width = heads.count * size
                let qkv = (0..<rows).flatMap { row in
                    (0..<3).flatMap { kind in
                        heads.flatMap { head in
                            (0..<size).map {
                                noise[(((row * 3 + kind) * 2 + head) * size + $0) % noise.count]
                            }
                        }
                    }
                }
                var out = try FloatBuffer(count: rows * width)
                pool.attend(
                    within: 0..<rows, qkv: try buffer(qkv), heads: heads.count, headSize: size,
                    into: &out)
                return out.all.map(\.bitPattern)
            }
            let both = try attend(heads: 0..<2)
            for head in 0..<2 {
                let alone = try attend(heads: head..<head + 1)
                let isSame = (0..<rows).allSatisfy { row in
                    both[(row * 2 + head) * size..<(row * 2 + head + 1) * size]
                        == alone[row * size..<(row + 1) * size]
                }
                #expect(isSame, "\(set), head \(head)")
            }
        }
    }

    /// Scores beyond the range of an exponential: the running maximum must take care of them.
    @Test func hugeScoresAreSafe() throws {
        for set in availableSets {
            let pool = ThreadPool(threads: 1, instructionSet: set)
            // The last key outweighs all before it, in a later block.
            let rows = 300
            var qkv = [Float](repeating: 0, count: rows * 3 * 4)
            for row in 0..<rows {
                for c in 0..<4 {
                    qkv[row * 12 + c] = 100
                    qkv[row * 12 + 4 + c] = row == rows - 1 ? 100 : -100
                    qkv[row * 12 + 8 + c] = Float(row)
                }
            }
            var out = try FloatBuffer(count: rows * 4)
            pool.attend(
                within: 0..<rows, qkv: try buffer(qkv), heads: 1, headSize: 4, into: &out)
            #expect(out.all.allSatisfy { $0 == Float(rows - 1) }, "\(set)")
        }
    }
}

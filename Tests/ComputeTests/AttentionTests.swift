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

    /// Segments around the blocks of 126 queries and 256 keys; heads off every lane count. Other
    /// rows of the buffer must neither be seen nor be written.
    @Test(arguments: [1, 4, 126, 127, 256, 300], [(2, 16), (1, 20), (3, 32), (2, 80)])
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

    struct Causal: Sendable, CustomTestStringConvertible {
        var rows: Int
        var length: Int
        var heads: Int
        var kvHeads: Int
        var headSize: Int
        var testDescription: String {
            "\(rows) of \(length), \(heads) heads on \(kvHeads) of \(headSize)"
        }

        /// One query over one, two and three stretches; blocks of queries with and without a past.
        static let all = [
            Causal(rows: 1, length: 1, heads: 2, kvHeads: 1, headSize: 32),
            Causal(rows: 1, length: 256, heads: 4, kvHeads: 2, headSize: 128),
            Causal(rows: 1, length: 257, heads: 6, kvHeads: 1, headSize: 80),
            Causal(rows: 1, length: 700, heads: 3, kvHeads: 3, headSize: 20),
            Causal(rows: 2, length: 300, heads: 4, kvHeads: 2, headSize: 32),
            Causal(rows: 130, length: 130, heads: 4, kvHeads: 2, headSize: 32),
            Causal(rows: 260, length: 600, heads: 2, kvHeads: 1, headSize: 64),
        ]
    }

    /// Each row sees the cache up to itself; what lies beyond is poison.
    @Test(arguments: Causal.all) func rowsSeeTheirPast(_ shape: Causal) throws {
        let capacity = shape.length + 3
        let region = CacheRegion(
            start: 5, heads: shape.kvHeads, capacity: capacity, headSize: shape.headSize)
        var noise = Noise(UInt64(shape.length))
        let query = noise.floats(shape.rows * shape.heads * shape.headSize, scale: 3)
        func cache() -> [Float] {
            var numbers = noise.floats(5 + shape.kvHeads * capacity * shape.headSize)
            for head in 0..<shape.kvHeads {
                let end = 5 + (head + 1) * capacity * shape.headSize
                for index in end - 3 * shape.headSize..<end { numbers[index] = .nan }
            }
            return numbers
        }
        let keys = cache()
        let values = cache()
        func row(_ cache: [Float], _ head: Int, _ index: Int) -> ArraySlice<Float> {
            let start = 5 + (head * capacity + index) * shape.headSize
            return cache[start..<start + shape.headSize]
        }
        for set in availableSets {
            var results: [[UInt32]] = []
            for threads in [1, 2, 3] {
                let pool = ThreadPool(threads: threads, instructionSet: set)
                var out = try FloatBuffer(count: query.count)
                pool.attend(
                    try buffer(query), rows: shape.rows, heads: shape.heads,
                    keys: try buffer(keys), values: try buffer(values), region: region,
                    length: shape.length, into: &out)
                results.append(out.all.map(\.bitPattern))
            }
            #expect(results.allSatisfy { $0 == results[0] }, "\(set): threads change the result")
            for i in stride(from: 0, to: shape.rows, by: 13) {
                for head in 0..<shape.heads {
                    let kv = head / (shape.heads / shape.kvHeads)
                    let past = 0..<shape.length - shape.rows + i + 1
                    let start = (i * shape.heads + head) * shape.headSize
                    let expected = Self.exact(
                        query[start..<start + shape.headSize],
                        keys: past.map { row(keys, kv, $0) },
                        values: past.map { row(values, kv, $0) })
                    for (c, value) in expected.enumerated() {
                        let found = Double(Float(bitPattern: results[0][start + c]))
                        #expect(abs(found - value) < 5e-6, "\(set) row \(i) head \(head)")
                    }
                }
            }
        }
    }

    /// Shares of the last row's attention, beside the sums of the exact softmax; more keys than a
    /// block, groups of one key and of many, the first key and the last.
    @Test(arguments: [
        (1, 0..<1, 1), (300, 0..<300, 1), (300, 299..<300, 1), (700, 3..<603, 40),
        (257, 10..<20, 10),
    ])
    func sharesAreThoseOfTheSoftmax(length: Int, watched: Range<Int>, groups: Int) throws {
        let (heads, kvHeads, headSize, rows) = (4, 2, 20, 3)
        let capacity = length + 2
        let region = CacheRegion(start: 5, heads: kvHeads, capacity: capacity, headSize: headSize)
        var noise = Noise(UInt64(length + groups))
        let query = noise.floats(rows * heads * headSize, scale: 3)
        let keys = noise.floats(5 + kvHeads * capacity * headSize, scale: 3)
        let each = watched.count / groups
        for set in availableSets {
            let shares = try [1, 3].map { threads in
                ThreadPool(threads: threads, instructionSet: set).attentionShares(
                    try buffer(query), row: 1, heads: heads, keys: try buffer(keys),
                    region: region, length: length, watched: watched, groups: groups)
            }
            #expect(shares[0] == shares[1], "\(set): threads change the result")
            for head in 0..<heads {
                let start = (heads + head) * headSize
                // Values that are 1 in one group and 0 elsewhere give that group's share.
                let past = (0..<length).map { index in
                    let at = 5 + (head / 2 * capacity + index) * headSize
                    return keys[at..<at + headSize]
                }
                for group in 0..<groups {
                    let first = watched.lowerBound + group * each
                    let marks: [ArraySlice<Float>] = (0..<length).map { index in
                        [Float](
                            repeating: (first..<first + each).contains(index) ? 1 : 0,
                            count: headSize)[...]
                    }
                    let expected = Self.exact(
                        query[start..<start + headSize], keys: past, values: marks)[0]
                    let found = Double(shares[0][head * groups + group])
                    #expect(abs(found - expected) < 2e-6, "\(set) head \(head) group \(group)")
                }
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

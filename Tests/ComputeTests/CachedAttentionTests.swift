import Compute
import Foundation
import Testing

/// A pass over one sequence in a cache that was filled with noise.
private struct Pass: Sendable, CustomTestStringConvertible {
    var rows: Int
    var length: Int
    var heads: Int
    var kvHeads: Int
    var headSize: Int
    var testDescription: String {
        "\(rows) of \(length), \(heads) heads on \(kvHeads) of \(headSize)"
    }

    /// One query over one, two and three stretches; few and many, with and without a past; groups
    /// and heads that fill no panel and no vector; more rows of a group than a tile has.
    static let all = [
        Pass(rows: 1, length: 1, heads: 2, kvHeads: 1, headSize: 32),
        Pass(rows: 1, length: 256, heads: 4, kvHeads: 2, headSize: 128),
        Pass(rows: 1, length: 257, heads: 6, kvHeads: 1, headSize: 80),
        Pass(rows: 3, length: 700, heads: 3, kvHeads: 3, headSize: 20),
        Pass(rows: 2, length: 300, heads: 4, kvHeads: 2, headSize: 32),
        Pass(rows: 16, length: 530, heads: 14, kvHeads: 2, headSize: 128),
        Pass(rows: 17, length: 555, heads: 14, kvHeads: 2, headSize: 40),
        Pass(rows: 130, length: 130, heads: 4, kvHeads: 2, headSize: 32),
        Pass(rows: 260, length: 600, heads: 2, kvHeads: 1, headSize: 64),
        Pass(rows: 5, length: 33, heads: 130, kvHeads: 1, headSize: 8),
    ]

    var width: Int { heads * headSize }
    var kvWidth: Int { kvHeads * headSize }
    var pages: Int { (length + KVPages.tokensPerPage - 1) / KVPages.tokensPerPage + 1 }

    /// Pages that hold `length` tokens of noise behind `first` others.
    func filled(
        _ format: KVFormat, pool: ThreadPool, first: Int = 0, scale: Float = 2
    ) throws -> KVPages {
        var cache = try KVPages(
            format: format, layers: 2, heads: kvHeads, headSize: headSize,
            pages: first + pages)
        var noise = Noise(UInt64(length))
        let keys = try buffer(noise.floats(length * kvWidth, scale: scale))
        let values = try buffer(noise.floats(length * kvWidth))
        let all = KVSequence(own: first, length: length, rows: length)
        pool.store(keys: keys, values: values, [all], layer: 1, in: &cache)
        return cache
    }

    func query() throws -> FloatBuffer {
        var noise = Noise(UInt64(length + 7))
        return try buffer(noise.floats(rows * width, scale: 3))
    }

    /// Softmax attention in 64 bits over the numbers that the cache holds.
    func exact(_ cache: borrowing KVPages, row: Int, head: Int) throws -> [Double] {
        let sequence = KVSequence(length: length, rows: rows)
        let q = try query().array(
            (row * heads + head) * headSize..<(row * heads + head + 1) * headSize)
        let kv = head / (heads / kvHeads)
        var scores: [Double] = []
        var values: [[Float]] = []
        for token in 0..<length - rows + row + 1 {
            let key = cache.numbers(
                ofValues: false, token: token, head: kv, layer: 1, sequence)
            values.append(
                cache.numbers(ofValues: true, token: token, head: kv, layer: 1, sequence))
            scores.append(
                zip(q, key).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
                    / Double(headSize).squareRoot())
        }
        let highest = scores.max() ?? 0
        let powers = scores.map { exp($0 - highest) }
        let total = powers.reduce(0, +)
        return (0..<headSize).map { c in
            zip(powers, values).reduce(0.0) { $0 + $1.0 * Double($1.1[c]) } / total
        }
    }
}

@Suite struct CachedAttentionTests {
    /// Each row sees the cache up to itself. Every vector level, with any number of threads, gives
    /// the same bits.
    @Test(arguments: Pass.all, KVFormat.allCases)
    private func rowsSeeTheirPast(_ pass: Pass, format: KVFormat) throws {
        var vectors: [[UInt32]] = []
        for set in availableSets {
            for threads in set == .scalar ? [2] : [1, 3] {
                let pool = ThreadPool(threads: threads, instructionSet: set)
                let cache = try pass.filled(format, pool: pool)
                var out = try FloatBuffer(count: pass.rows * pass.width)
                pool.attend(
                    try pass.query(), heads: pass.heads,
                    [KVSequence(length: pass.length, rows: pass.rows)], layer: 1, in: cache,
                    into: &out)
                if set != .scalar { vectors.append(out.all.map(\.bitPattern)) }
                for row in stride(from: 0, to: pass.rows, by: 41) {
                    for head in stride(from: 0, to: pass.heads, by: 5) {
                        let expected = try pass.exact(cache, row: row, head: head)
                        let start = (row * pass.heads + head) * pass.headSize
                        for (c, value) in expected.enumerated() {
                            #expect(
                                abs(Double(out[start + c]) - value) < 5e-6,
                                "\(set) row \(row) head \(head)")
                        }
                    }
                }
            }
        }
        #expect(vectors.allSatisfy { $0 == vectors[0] }, "levels or threads differ")
    }

    /// What batches and drafts rest on: a row alone, in steps, among others, over own pages and over
    /// pages that it shares has the same bits.
    @Test(arguments: Pass.all, KVFormat.allCases)
    private func companyChangesNothing(_ pass: Pass, format: KVFormat) throws {
        let page = KVPages.tokensPerPage
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            let cache = try pass.filled(format, pool: pool)
            let query = try pass.query()
            var together = try FloatBuffer(count: pass.rows * pass.width)
            pool.attend(
                query, heads: pass.heads, [KVSequence(length: pass.length, rows: pass.rows)],
                layer: 1, in: cache, into: &together)
            let past = pass.length - pass.rows
            // Sequences of one query each that share what lies before all of them.
            let shared = past / page
            let queries = (0..<pass.rows).map { row in
                KVSequence(shared: shared, own: shared, length: past + row + 1, rows: 1)
            }
            for count in [1, 3, 8, 64] {
                for first in stride(from: 0, to: pass.rows, by: count).prefix(3) {
                    let some = Array(queries[first..<min(first + count, pass.rows)])
                    let numbers = first * pass.width..<(first + some.count) * pass.width
                    var out = try FloatBuffer(count: numbers.count)
                    pool.attend(
                        try buffer(query.array(numbers)), heads: pass.heads, some, layer: 1,
                        in: cache, into: &out)
                    #expect(out.all == together.array(numbers), "\(set) \(count) at \(first)")
                }
            }
        }
    }

    /// Sequences whose own pages lie apart, of several lengths and rows, in one pass.
    @Test(arguments: KVFormat.allCases) func ownPagesAreTheirs(_ format: KVFormat) throws {
        let trunk = Pass(rows: 1, length: 300, heads: 6, kvHeads: 2, headSize: 24)
        let tails = [1, 31, 290, 5]
        for set in availableSets {
            let pool = ThreadPool(threads: 2, instructionSet: set)
            let size = KVPages.tokensPerPage
            let (shared, each) = (trunk.length / size, 12)
            var cache = try KVPages(
                format: format, layers: 2, heads: 2, headSize: 24,
                pages: shared + 1 + each * tails.count)
            var noise = Noise(9)
            let width = trunk.kvWidth
            let common = noise.floats(shared * size * width)
            pool.store(
                keys: try buffer(common), values: try buffer(common),
                [KVSequence(length: shared * size, rows: shared * size)], layer: 1, in: &cache)
            let own = tails.map { noise.floats($0 * width) }
            let places = tails.indices.map { index in
                KVSequence(
                    shared: shared, own: shared + 1 + each * index,
                    length: shared * size + tails[index], rows: tails[index])
            }
            // All at once: the rows of each go to its own pages.
            pool.store(
                keys: try buffer(own.flatMap(\.self)), values: try buffer(own.flatMap(\.self)),
                places, layer: 1, in: &cache)
            let queries = noise.floats(tails.count * trunk.width, scale: 2)
            let steps = places.map { place in
                KVSequence(shared: place.shared, own: place.own, length: place.length, rows: 1)
            }
            var out = try FloatBuffer(count: queries.count)
            pool.attend(
                try buffer(queries), heads: trunk.heads, steps, layer: 1, in: cache, into: &out)
            for index in tails.indices {
                var alone = try KVPages(
                    format: format, layers: 2, heads: 2, headSize: 24, pages: shared + each)
                let numbers = try buffer(common + own[index])
                let length = places[index].length
                pool.store(
                    keys: numbers, values: numbers,
                    [KVSequence(length: length, rows: length)], layer: 1, in: &alone)
                var expected = try FloatBuffer(count: trunk.width)
                let row = index * trunk.width..<(index + 1) * trunk.width
                pool.attend(
                    try buffer(Array(queries[row])), heads: trunk.heads,
                    [KVSequence(length: length, rows: 1)], layer: 1, in: alone, into: &expected)
                #expect(out.array(row) == expected.all, "\(set) sequence \(index)")
            }
        }
    }

    /// Rounding to half a last place of each format, from subnormals to what does not fit.
    @Test func storedNumbersAreTheNearest() throws {
        let pool = ThreadPool(threads: 1)
        let size = 40
        func stored(_ numbers: [Float], _ format: KVFormat, values: Bool) throws -> [Float] {
            var cache = try KVPages(format: format, layers: 1, heads: 1, headSize: size, pages: 1)
            let row = try buffer(numbers)
            let sequence = KVSequence(length: 1, rows: 1)
            pool.store(keys: row, values: row, [sequence], layer: 0, in: &cache)
            return cache.numbers(
                ofValues: values, token: 0, head: 0, layer: 0, sequence)
        }
        var noise = Noise(4)
        let scales: [Float] = [0x1p-147, 0x1p-129, 6e-8, 1e-6, 1, 300, 60_000, 1e30]
        for scale in scales {
            let numbers = noise.floats(size, scale: scale) + []
            for values in [false, true] {
                #expect(try stored(numbers, .f32, values: values) == numbers)
                let half = try stored(numbers, .f16, values: values)
                for (number, found) in zip(numbers, half) {
                    let largest = Float(Float16.greatestFiniteMagnitude)
                    let clamped = min(max(number, -largest), largest)
                    #expect(found == Float(Float16(clamped)), "\(number)")
                }
                let bytes = try stored(numbers, .int8, values: values)
                for group in stride(from: 0, to: size, by: 32) {
                    let range = group..<min(group + 32, size)
                    let peak = numbers[range].map(abs).max() ?? 0
                    for index in range {
                        let error = abs(bytes[index] - numbers[index])
                        #expect(
                            error <= peak / 127 * 0.5001 || peak < 0x1p-120, "\(numbers[index])")
                        // As good as nothing may become nothing, but never something large.
                        #expect(abs(bytes[index]) <= peak * 1.0001)
                    }
                }
            }
        }
    }

    /// A broken model must not look like one that works.
    @Test(arguments: KVFormat.allCases, [Float.nan, .infinity])
    func noNumberIsNotHidden(_ format: KVFormat, value: Float) throws {
        // Half precision has no room for infinity here, on purpose: it is the largest number.
        guard format != .f16 || value.isNaN else { return }
        let pool = ThreadPool(threads: 1)
        var cache = try KVPages(format: format, layers: 1, heads: 1, headSize: 32, pages: 1)
        var row = [Float](repeating: 1, count: 32)
        row[3] = value
        let sequence = KVSequence(length: 1, rows: 1)
        pool.store(
            keys: try buffer(row), values: try buffer(row), [sequence], layer: 0, in: &cache)
        var out = try FloatBuffer(count: 32)
        pool.attend(
            try buffer([Float](repeating: 1, count: 32)), heads: 1, [sequence], layer: 0,
            in: cache, into: &out)
        #expect(out.all.contains { !$0.isFinite })
    }

    /// Scores beyond the range of an exponential: the running maximum must take care of them, also
    /// where the last stretch outweighs all before it.
    @Test(arguments: KVFormat.allCases) func hugeScoresAreSafe(_ format: KVFormat) throws {
        for set in availableSets {
            let pool = ThreadPool(threads: 1, instructionSet: set)
            let rows = 300
            var cache = try KVPages(format: format, layers: 1, heads: 1, headSize: 4, pages: 10)
            let all = KVSequence(length: rows, rows: rows)
            let keys = (0..<rows * 4).map { Float($0 / 4 == rows - 1 ? 100 : -100) }
            let values = (0..<rows * 4).map { Float($0 / 4) }
            pool.store(
                keys: try buffer(keys), values: try buffer(values), [all], layer: 0, in: &cache)
            var out = try FloatBuffer(count: 4)
            pool.attend(
                try buffer([100, 100, 100, 100]), heads: 1, [KVSequence(length: rows, rows: 1)],
                layer: 0, in: cache, into: &out)
            #expect(out.all.allSatisfy { abs($0 - Float(rows - 1)) < 1e-3 }, "\(set)")
        }
    }

    /// Shares of the last row's attention, beside the sums of the exact softmax; more keys than a
    /// stretch, groups of one key and of many, the first key and the last.
    @Test(arguments: [
        (1, 0..<1, 1), (300, 0..<300, 1), (300, 299..<300, 1), (700, 3..<603, 40),
        (257, 10..<20, 10),
    ])
    func sharesAreThoseOfTheSoftmax(length: Int, watched: Range<Int>, groups: Int) throws {
        let pass = Pass(rows: 1, length: length, heads: 4, kvHeads: 2, headSize: 20)
        let each = watched.count / groups
        for format in KVFormat.allCases {
            for set in availableSets {
                let query = try pass.query()
                let shares = try [1, 3].map { threads in
                    let pool = ThreadPool(threads: threads, instructionSet: set)
                    return pool.attentionShares(
                        query, row: 0, heads: 4, KVSequence(length: length, rows: 1), layer: 1,
                        in: try pass.filled(format, pool: pool), watched: watched, groups: groups)
                }
                #expect(shares[0] == shares[1], "\(set): threads change the result")
                let cache = try pass.filled(format, pool: ThreadPool(threads: 1))
                for head in 0..<4 {
                    let q = query.array(head * 20..<(head + 1) * 20)
                    let scores = (0..<length).map { token in
                        zip(
                            q,
                            cache.numbers(
                                ofValues: false, token: token, head: head / 2, layer: 1,
                                KVSequence(length: length, rows: 1))
                        ).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } / 20.0.squareRoot()
                    }
                    let highest = scores.max() ?? 0
                    let powers = scores.map { exp($0 - highest) }
                    let total = powers.reduce(0, +)
                    for group in 0..<groups {
                        let first = watched.lowerBound + group * each
                        let expected = powers[first..<first + each].reduce(0, +) / total
                        let found = Double(shares[0][head * groups + group])
                        #expect(abs(found - expected) < 2e-6, "\(set) head \(head) group \(group)")
                    }
                }
            }
        }
    }

    /// What a longer sequence left behind must not get into a file.
    @Test(arguments: KVFormat.allCases) func clearedPlacesAreZero(_ format: KVFormat) throws {
        let pool = ThreadPool(threads: 1)
        let pass = Pass(rows: 1, length: 20, heads: 2, kvHeads: 2, headSize: 40)
        var cleared = try pass.filled(format, pool: pool)
        cleared.clear(page: 0, from: 7)
        var fresh = try KVPages(format: format, layers: 2, heads: 2, headSize: 40, pages: 2)
        var noise = Noise(20)
        let keys = noise.floats(20 * pass.kvWidth, scale: 2)
        let values = noise.floats(20 * pass.kvWidth)
        pool.store(
            keys: try buffer(keys), values: try buffer(values),
            [KVSequence(length: 7, rows: 7)], layer: 1, in: &fresh)
        for head in 0..<2 {
            let one = cleared.withBytes(layer: 1, head: head, pages: 0..<1) { Array($0) }
            let other = fresh.withBytes(layer: 1, head: head, pages: 0..<1) { Array($0) }
            #expect(one == other)
        }
    }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The cuts that leave only likely tokens: top-k, then top-p.
package enum CandidateCut {
    package struct Candidate: Equatable {
        package let id: Int
        package let score: Float
    }

    /// What is left of the scores, in the order of ids; −∞ is left out from the start.
    ///
    /// - Parameters:
    ///   - topK: 0 keeps all.
    ///   - topP: 1 keeps all.
    package static func candidates(_ scores: [Float], topK: Int, topP: Float) -> [Candidate] {
        let limit = topK > 0 && topK < scores.count ? lowestOfTop(topK, scores) : -.infinity
        var kept: [Candidate] = []
        for (id, score) in scores.enumerated() where score > -.infinity && score >= limit {
            kept.append(Candidate(id: id, score: score))
        }
        return topP < 1 ? nucleus(kept, topP) : kept
    }

    /// The `count`-th highest score, repeated ones counted each.
    ///
    /// A heap of the highest so far with the lowest on top: one comparison for nearly every score
    /// of a large vocabulary.
    private static func lowestOfTop(_ count: Int, _ scores: [Float]) -> Float {
        var heap: [Float] = Array(scores[..<count])
        func sink(_ start: Int) {
            var parent = start
            while true {
                var child = 2 * parent + 1
                guard child < heap.count else { return }
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                guard heap[child] < heap[parent] else { return }
                heap.swapAt(child, parent)
                parent = child
            }
        }
        for parent in stride(from: count / 2 - 1, through: 0, by: -1) { sink(parent) }
        for score in scores[count...] where score > heap[0] {
            heap[0] = score
            sink(0)
        }
        return heap[0]
    }

    /// The smallest set of most likely candidates that reaches `mass`, by the rule of the
    /// reference: from the least likely up, those whose running sum stays within 1 − mass go; the
    /// most likely one stays whatever happens. The running sum is in 32 bits, as its rounding
    /// decides where the boundary lies.
    private static func nucleus(_ candidates: [Candidate], _ mass: Float) -> [Candidate] {
        let order = ascending(candidates)
        guard let last = order.last else { return [] }
        let highest = candidates[last].score
        let weights = order.map { expf(candidates[$0].score - highest) }
        let total = Float(weights.reduce(0.0) { $0 + Double($1) })
        var sum: Float = 0
        var removed = 0
        for weight in weights.dropLast() {
            sum += weight / total
            guard sum <= 1 - mass else { break }
            removed += 1
        }
        // Marks rather than a second sort bring back the order of ids.
        var stays = [Bool](repeating: true, count: candidates.count)
        for place in order[..<removed] { stays[place] = false }
        return zip(candidates, stays).filter(\.1).map(\.0)
    }

    /// Places of the candidates from the lowest score to the highest; of equal ones the first
    /// comes last and so stays longest, as it is the one that greedy choice takes. The reference
    /// leaves the order of equals open.
    ///
    /// By digits of the bit patterns: a whole vocabulary takes a few milliseconds.
    static func ascending(_ candidates: [Candidate]) -> [Int] {
        // Patterns whose order as whole numbers is that of the scores. Adding 0 makes −0 into 0,
        // which it equals.
        var keys = candidates.reversed().map { candidate in
            let bits = (candidate.score + 0).bitPattern
            return bits & 0x8000_0000 != 0 ? ~bits : bits | 0x8000_0000
        }
        var order = Array(candidates.indices.reversed())
        var sortedKeys = keys
        var sortedOrder = order
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            var starts = [Int](repeating: 0, count: 257)
            for key in keys { starts[Int(key >> shift & 0xFF) + 1] += 1 }
            // All alike in this digit: nothing to move.
            if starts.contains(keys.count), keys.count > 0 { continue }
            for digit in 1...256 { starts[digit] += starts[digit - 1] }
            for (key, place) in zip(keys, order) {
                let digit = Int(key >> shift & 0xFF)
                sortedKeys[starts[digit]] = key
                sortedOrder[starts[digit]] = place
                starts[digit] += 1
            }
            swap(&keys, &sortedKeys)
            swap(&order, &sortedOrder)
        }
        return order
    }
}

import Compute
import Imaging
import Qwen2VL
import Testing

/// Several sessions in one pass: each gets what it would get by itself, to the bit.
@Suite struct JointPassTests {
    private static let vocabulary = 203

    private func ids(_ count: Int, _ seed: Int) -> [Int] {
        (0..<count).map { ($0 * 37 + seed * 11 + 5) % Self.vocabulary }
    }

    private func session(_ model: Model, threads: Int, kv: KVFormat) throws -> Session {
        try Session(
            model: model, pool: ThreadPool(threads: threads), capacity: 120, kv: kv, branches: 2,
            branchCapacity: 40)
    }

    /// Two branches behind prompts of their own, and what comes next in them.
    private func begin(_ session: inout Session, _ number: Int) throws -> [Session.Step] {
        let trunk = 9 + 31 * number
        _ = try session.prefill(
            ids: ids(trunk, number), positions: .text(from: 0, tokens: trunk))
        var steps: [Session.Step] = []
        for branch in 0..<2 {
            let own = 2 + branch + number
            let place = session.fork(after: trunk)
            if branch == 1 {
                session.watch = AttentionWatch(
                    visual: 1..<7, pairs: 3, heads: EvidenceHeads(layers: [0, 1]))
            }
            _ = try session.prefill(
                ids: ids(own, 7 + branch), positions: .text(from: trunk, tokens: own))
            // One token, and a draft of some.
            steps.append(
                Session.Step(
                    place, ids(1 + branch * (2 + number), 50 + number), position: trunk + own))
        }
        return steps
    }

    private func keepingAll(
        _ session: inout Session, _ steps: [Session.Step]
    ) -> [Double] {
        for step in steps { session.keep(step.branch, step.tokens.count) }
        for step in steps {
            session.select(step.branch)
        }
        return session.watch?.shares ?? []
    }

    @Test(arguments: WeightFormat.allCases, [1, 2, 4])
    func eachSessionIsAsAlone(_ format: WeightFormat, threads: Int) throws {
        let model = try tinyModel(format)
        let kinds = KVFormat.allCases
        var expected: [[[[UInt32]]]] = []
        var notes: [[Double]] = []
        for (number, kv) in kinds.enumerated() {
            var session = try session(model, threads: 1, kv: kv)
            let steps = try begin(&session, number)
            expected.append(
                try session.decode(steps).map { $0.map { $0.map(\.bitPattern) } })
            notes.append(keepingAll(&session, steps))
        }
        #expect(kinds.count == 3 && Set(expected.joined()).count == 6)

        var pass = try JointPass(model: model, pool: ThreadPool(threads: threads))
        var first = try session(model, threads: threads, kv: kinds[0])
        let firstSteps = try begin(&first, 0)
        var second = try session(model, threads: threads, kv: kinds[1])
        let secondSteps = try begin(&second, 1)
        var third = try session(model, threads: threads, kv: kinds[2])
        let thirdSteps = try begin(&third, 2)
        // Twice: nothing is left of tokens that were not kept.
        for round in 0..<2 {
            var found: [[[[Float]]]] = [[], [], []]
            found[0] = try first.decode(firstSteps) { one in
                var mine: PartResult?
                found[1] = try second.decode(secondSteps) { two in
                    var its: PartResult?
                    found[2] = try third.decode(thirdSteps) { three in
                        let results = try pass.decode([two, three, one])
                        (its, mine) = (results[0], results[2])
                        return results[1]
                    }
                    return try #require(its)
                }
                return try #require(mine)
            }
            let bits = found.map { $0.map { $0.map { $0.map(\.bitPattern) } } }
            #expect(bits == expected, "round \(round)")
        }
        let shares = [
            keepingAll(&first, firstSteps), keepingAll(&second, secondSteps),
            keepingAll(&third, thirdSteps),
        ]
        #expect(shares == notes)
        #expect(shares.allSatisfy { $0.contains { $0 > 0 } })
    }
}

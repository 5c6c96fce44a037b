import Compute
import Imaging
import Qwen2VL
import Testing

/// Sequences that share their beginning and are decoded together: each is what it would be alone.
@Suite struct BranchTests {
    private static let vocabulary = 203

    private func ids(_ count: Int, _ seed: Int) -> [Int] {
        (0..<count).map { ($0 * 37 + seed * 11 + 5) % Self.vocabulary }
    }

    /// A sequence by itself: what is shared, its own prompt, then tokens one by one.
    private func alone(
        _ model: Model, kv: KVFormat, shared: Int, own: Int, number: Int, steps: Int
    ) throws -> [[UInt32]] {
        var session = try Session(
            model: model, pool: ThreadPool(threads: 1), capacity: 200, kv: kv)
        let prompt = ids(shared, 0) + ids(own, number)
        _ = try session.prefill(
            ids: prompt, positions: .text(from: 0, tokens: prompt.count))
        return try ids(steps, 100 + number).enumerated().map { index, token in
            try session.step(token, position: prompt.count + index).map(\.bitPattern)
        }
    }

    /// Every storage of weights and of keys; branches that begin within a page, at its end, and with
    /// nothing; as many as fill no panel, one and two of the kernels.
    @Test(arguments: WeightFormat.allCases, KVFormat.allCases)
    func eachBranchIsAsAlone(_ format: WeightFormat, kv: KVFormat) throws {
        let model = try tinyModel(format)
        let most = 9
        let steps = 3
        for shared in [0, 32, 45] {
            let expected = try (0..<most).map { number in
                try alone(
                    model, kv: kv, shared: shared, own: 3 + number, number: number, steps: steps)
            }
            for count in [1, 2, 3, 8, most] {
                var session = try Session(
                    model: model, pool: ThreadPool(threads: 2), capacity: 64, kv: kv,
                    branches: most, branchCapacity: 40)
                if shared > 0 {
                    _ = try session.prefill(
                        ids: ids(shared, 0), positions: .text(from: 0, tokens: shared))
                }
                var branches: [Branch] = []
                for number in 0..<count {
                    branches.append(session.fork(after: shared))
                    let own = 3 + number
                    _ = try session.prefill(
                        ids: ids(own, number), positions: .text(from: shared, tokens: own))
                }
                for step in 0..<steps {
                    let logits = try session.decode(
                        branches.enumerated().map { number, branch in
                            Session.Step(
                                branch, [ids(steps, 100 + number)[step]],
                                position: shared + 3 + number + step)
                        })
                    for number in 0..<count {
                        session.keep(branches[number], 1)
                        let found = logits[number][0].map(\.bitPattern)
                        #expect(
                            found == expected[number][step],
                            "branch \(number) of \(count) behind \(shared), step \(step)")
                    }
                }
            }
        }
    }

    /// Tokens that are checked together give what they give one by one; those that were wrong leave
    /// nothing behind, neither in the cache nor in what was watched.
    @Test(arguments: WeightFormat.allCases, KVFormat.allCases)
    func draftsLeaveNothingBehind(_ format: WeightFormat, kv: KVFormat) throws {
        let model = try tinyModel(format)
        let right = ids(12, 100)
        let watch = AttentionWatch(
            visual: 3..<15, pairs: 3, heads: EvidenceHeads(layers: [0, 1]))
        func run(_ draft: (Int) -> (tokens: [Int], right: Int)) throws -> (
            [[UInt32]], [Double], Int
        ) {
            var session = try Session(
                model: model, pool: ThreadPool(threads: 2), capacity: 40, kv: kv, branches: 2,
                branchCapacity: 40)
            _ = try session.prefill(ids: ids(30, 0), positions: .text(from: 0, tokens: 30))
            let branch = session.fork(after: 30)
            session.watch = watch
            let other = session.fork(after: 17)
            var found: [[UInt32]] = []
            var done = 0
            while done < right.count {
                let (tokens, count) = draft(done)
                let logits = try session.decode([
                    Session.Step(other, [1], position: 17),
                    Session.Step(branch, tokens, position: 30 + done),
                ])
                session.keep(other, 0)
                session.keep(branch, count)
                found += logits[1].prefix(count).map { $0.map(\.bitPattern) }
                done += count
            }
            session.select(branch)
            return (found, session.watch?.shares ?? [], session.watch?.passes ?? 0)
        }
        let single = try run { ([right[$0]], 1) }
        #expect(single.2 == right.count)
        let drafted = try run { done in
            let good = Array(right[done..<min(done + 1 + done % 3, right.count)])
            return (Array((good + [7, 8, 9, 10]).prefix(Session.draftRows)), good.count)
        }
        #expect(drafted.0 == single.0)
        #expect(drafted.1 == single.1 && drafted.2 == single.2)
    }

    /// A place that was let go holds nothing of who had it before.
    @Test func placesAreUsedAgain() throws {
        let model = try tinyModel()
        var session = try Session(
            model: model, pool: ThreadPool(threads: 1), capacity: 60, branches: 1,
            branchCapacity: 30)
        _ = try session.prefill(ids: ids(50, 0), positions: .text(from: 0, tokens: 50))
        func logits(after tokens: Int, _ seed: Int) throws -> [Float] {
            let branch = session.fork(after: tokens)
            defer { session.release(branch) }
            return try session.prefill(
                ids: ids(20, seed), positions: .text(from: tokens, tokens: 20))
        }
        let first = try logits(after: 40, 1)
        _ = try logits(after: 50, 2)
        _ = try logits(after: 7, 3)
        let again = try logits(after: 40, 1)
        #expect(again == first)
        let length = session.length
        #expect(length == 50, "the trunk is selected again, and whole")
    }

    @Test func aFullBranchIsRefused() throws {
        let model = try tinyModel()
        var session = try Session(
            model: model, pool: ThreadPool(threads: 1), capacity: 10, branches: 1,
            branchCapacity: 2)
        _ = try session.prefill(ids: ids(10, 0), positions: .text(from: 0, tokens: 10))
        let branch = session.fork(after: 5)
        _ = try session.prefill(ids: [1, 2], positions: .text(from: 5, tokens: 2))
        var found: SessionError?
        do {
            _ = try session.decode([Session.Step(branch, [3], position: 7)])
        } catch {
            found = error as? SessionError
        }
        #expect(found == .full(length: 7, adding: 1, capacity: 7))
    }
}

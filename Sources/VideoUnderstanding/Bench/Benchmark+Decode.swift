import Compute
import Qwen2VL

extension Benchmark {
    /// One sequence alone, several together, and one with a draft, by turns: their ratios hold even
    /// where the machine is busy with other things.
    mutating func measureDecode(
        _ model: Model, _ work: WorkCount, _ best: Yardsticks
    ) throws {
        let (context, together, drafted) = (512, 8, Session.draftRows)
        let (steps, runs) = (options.decodeTokens, max(1, options.repeats))
        let ids = Self.ids(context + steps, vocabulary: model.configuration.text.vocabulary)
        var session = try Session(
            model: model, pool: pool, capacity: context, kv: options.kv, branches: together,
            branchCapacity: max(steps, drafted))
        _ = try session.prefill(
            ids: Array(ids[..<context]), visual: [],
            positions: .text(from: 0, tokens: context))
        let branches = (0..<together).map { _ in session.fork(after: context) }
        func seconds(_ branches: ArraySlice<Branch>, steps: Int, tokens: Int) throws -> Double {
            for branch in branches {
                session.select(branch)
                session.truncate(to: context)
            }
            let start = ContinuousClock.now
            for step in 0..<steps {
                _ = try session.decode(
                    branches.map { branch in
                        Session.Step(
                            branch, (0..<tokens).map { ids[step + $0] }, position: context + step)
                    })
                for branch in branches { session.keep(branch, 1) }
            }
            return (ContinuousClock.now - start).seconds / Double(steps)
        }
        _ = try seconds(branches[...], steps: 1, tokens: 1)
        var alone = PassTimes()
        var gains: [Double] = []
        var costs: [Double] = []
        for _ in 0..<runs {
            try Task.checkCancellation()
            session.clock = clock()
            let one = try seconds(branches[..<1], steps: steps, tokens: 1)
            alone.add(seconds: one * Double(steps), clock: session.clock, passes: steps)
            session.clock = nil
            let all = try seconds(branches[...], steps: max(1, steps / 4), tokens: 1)
            let draft = try seconds(branches[..<1], steps: 1, tokens: drafted)
            gains.append(Double(together) * one / all)
            costs.append(draft / one)
        }
        let rate = 1 / alone.median
        add("decode", rate, "tokens/s")
        let middle = context + steps / 2
        let bytes = work.decodeBytes(
            weights: model.decodeWeightBytes, context: middle, kv: options.kv)
        add(
            "decode_bandwidth", rate * bytes / 1e9, "GB/s", share: rate * bytes / best.bandwidth,
            of: "read_bandwidth")
        add("decode_\(together)", rate * PassTimes.middle(gains), "tokens/s")
        add("decode_\(together)_gain", PassTimes.middle(gains), "times one sequence")
        add("draft_\(drafted)_cost", PassTimes.middle(costs), "times one token")
        let layers = work.decodeLayers(model, context: middle, kv: options.kv)
        addDetail("decode", alone, layers, best) { model.languageLayers($0) }
    }
}

import Compute
import Imaging
import Qwen2VL
import Video

/// How long the parts of a model take on this machine now, found out on its first layers.
///
/// Rates of a machine say little about a model: how much of them it reaches depends on its sizes and
/// on what else the machine does. So the very code of the path runs, for about half a second.
package struct SpeedTrial: Sendable {
    /// Seconds of one pair in the vision tower.
    package private(set) var pair = 0.0
    /// Seconds of a token in one layer of a prefill, beside what it attends to.
    private var row = 0.0
    /// Seconds of a token that attends to one other, in one layer.
    private var attention = 0.0
    /// Seconds of the head.
    private var head = 0.0
    /// Seconds of a generated token in one layer behind `context` tokens.
    private var step = 0.0
    /// What a pass for several texts takes more, for each text, as a share of a pass for one.
    private var company = 0.0
    /// Seconds until a byte of a mapped checkpoint is there for the first time.
    private var arrival = 0.0
    private let layers: Int

    /// - Parameters:
    ///   - patches: of a pair; 0: nothing is looked at.
    ///   - pairs: that come in one input.
    ///   - context: tokens of a usual prompt.
    ///   - together: texts that are written together, at most.
    package init(
        _ model: Model, pool: ThreadPool, patches: PatchGrid, pairs: Int, context: Int,
        together: Int = 1, kv: KVFormat
    ) throws {
        layers = model.configuration.text.layers
        let few = model.shortened(layers: min(layers, 4))
        let one = model.shortened(layers: 1)
        try measureSteps(one, few, pool, context: context, together: together, kv: kv)
        try measurePrefill(one, pool, context: context, kv: kv)
        if pairs > 0 { try measureVision(model, one, pool, patches, pairs: pairs) }
    }

    /// Seconds until so many bytes of weights are there, which a run waits for once.
    package func arrival(bytes: Int) -> Double { Double(bytes) * arrival }

    /// Seconds of a prefill of so many tokens.
    package func prefill(tokens: Int) -> Double {
        let count = Double(tokens)
        return head + Double(layers) * (row * count + attention * count * count / 2)
    }

    /// Seconds of so many generated tokens of each of so many texts, which are written together.
    package func generation(tokens: Int, texts: Int = 1) -> Double {
        Double(tokens) * (head + Double(layers) * step) * (1 + Double(texts - 1) * company)
    }

    // MARK: - Measurements

    /// Operations of a trial at most: a fraction of a second even on a small machine.
    private static let operations = 24e9
    /// Seconds over which an average is taken at least.
    private static let shortest = 0.1

    private mutating func measureSteps(
        _ one: Model, _ few: Model, _ pool: ThreadPool, context: Int, together: Int, kv: KVFormat
    ) throws {
        // Tokens of one text cost what tokens of several do, but for the keys and values they share.
        let rows = min(together, Session.draftRows)
        func seconds(
            _ model: Model, tokens: Int = 1
        ) throws -> (first: Double, usual: Double) {
            let length = max(1, context)
            var session = try Session(
                model: model, pool: pool, capacity: length + tokens, kv: kv)
            session.resume(after: length)
            func run() throws {
                session.truncate(to: length)
                _ = try session.extend(Array(repeating: 0, count: tokens), position: length)
            }
            let start = ContinuousClock.now
            try run()
            let first = (ContinuousClock.now - start).seconds
            return (first, try Self.mean(run))
        }
        let (first, single) = try seconds(one)
        if rows > 1 {
            let several = try seconds(few, tokens: rows).usual / seconds(few).usual
            company = max(0, several - 1) / Double(rows - 1)
        }
        arrival = max(0, first - single) / Double(max(1, one.decodeWeightBytes))
        let more = few.configuration.text.layers - 1
        // A model of one layer is all there is of it.
        step = more > 0 ? max(0, try seconds(few).usual - single) / Double(more) : 0
        head = max(0, single - step)
    }

    private mutating func measurePrefill(
        _ one: Model, _ pool: ThreadPool, context: Int, kv: KVFormat
    ) throws {
        let perRow = 2 * Double(WorkCount(one.configuration).layerWeights)
        let most = min(Session.chunk, max(1, context))
        let rows = max(min(32, most), min(most, Int(Self.operations / perRow)))
        // Each model input has a session of its own, whose memory is new.
        func seconds(after length: Int) throws -> Double {
            try Self.mean {
                var session = try Session(model: one, pool: pool, capacity: length + rows, kv: kv)
                session.resume(after: length)
                _ = try session.prefill(
                    ids: Array(repeating: 0, count: rows),
                    positions: .text(from: length, tokens: rows))
            }
        }
        let alone = max(0, try seconds(after: 0) - head)
        let far = 1024
        if context > far {
            let behind = max(0, try seconds(after: far) - head)
            attention = max(0, behind - alone) / (Double(rows) * Double(far))
        }
        row = max(0, alone / Double(rows) - attention * Double(rows) / 2)
    }

    private mutating func measureVision(
        _ model: Model, _ one: Model, _ pool: ThreadPool, _ patches: PatchGrid, pairs: Int
    ) throws {
        let work = WorkCount(one.configuration)
        let perPair = work.vision(pairs: 1, patchesPerPair: patches.patches)
        let inPass = max(1, VisionEncoder.chunkRows / patches.patches)
        let count = max(1, min(pairs, inPass, Int(Self.operations / perPair)))
        let grid = PatchGrid(time: count, height: patches.height, width: patches.width)
        let rows = (0..<grid.patches * one.configuration.vision.patchVolume).map {
            Float($0 % 251) / 125 - 1
        }
        let encoder = VisionEncoder(model: one, pool: pool)
        let seconds = try Self.mean { _ = try encoder.encode(rows, grid: grid) }
        let all = WorkCount(model.configuration).vision(
            pairs: 1, patchesPerPair: patches.patches)
        pair = seconds / Double(count) * all / perPair
    }

    /// Seconds of a run, on average over a while: what else the machine does counts, which a median
    /// would leave out. The first run warms caches and page tables, unless it is long.
    private static func mean(_ body: () throws -> Void) throws -> Double {
        var (total, runs, isWarm) = (0.0, 0.0, false)
        while total <= shortest {
            try Task.checkCancellation()
            let start = ContinuousClock.now
            try body()
            let seconds = (ContinuousClock.now - start).seconds
            if isWarm || seconds > shortest {
                total += seconds
                runs += 1
            }
            isWarm = true
        }
        return total / runs
    }
}

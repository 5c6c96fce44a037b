import Compute
import Imaging
import Qwen2VL
import Testing

/// A model small enough to run in every test, with sizes that divide by no vector.
func tinyModel(_ format: WeightFormat = .f32) throws -> Model {
    let text = TextConfiguration(
        hidden: 60, intermediate: 150, layers: 2, heads: 6, kvHeads: 2, headSize: 20,
        vocabulary: 203, ropeTheta: 10_000, mropeSections: [2, 4, 4], tieWordEmbeddings: false)
    let vision = VisionConfiguration(
        depth: 2, width: 48, heads: 4, mlpWidth: 100, patchSize: 4, output: text.hidden)
    return try Model.random(
        configuration: ModelConfiguration(text: text, vision: vision),
        formats: WeightFormats(format), seed: 5)
}

private func noise(_ count: Int, seed: UInt64) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) / Float(1 << 23) - 1
    }
}

private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference)
    }
}

/// A prompt of text, a visual input of 3 · 2 · 2 tokens, and text.
private struct Prompt {
    static let grid = PatchGrid(time: 3, height: 4, width: 4)
    static let visual = 5..<17
    let ids: [Int] = (0..<70).map { $0 * 29 % 203 }
    let positions = RotaryPositions.of(
        [.text(5), .visual(grid), .text(53)], merge: 2, rule: .max)

    func spans(_ model: Model) -> [VisualSpan] {
        let width = model.configuration.text.hidden
        return [
            VisualSpan(
                range: Self.visual, embeddings: noise(Self.visual.count * width, seed: 8))
        ]
    }
}

@Suite struct EngineVisionTests {
    /// Pairs more than fit in one chunk, so that chunks of pairs are cut and joined.
    private static let grid = PatchGrid(time: 9, height: 16, width: 24)

    private func patches(_ model: Model, _ grid: PatchGrid) -> [Float] {
        noise(grid.patches * model.configuration.vision.patchVolume, seed: 3)
    }

    @Test func pairsDoNotSeeEachOther() throws {
        let model = try tinyModel()
        let encoder = VisionEncoder(model: model, pool: ThreadPool(threads: 2))
        let patches = patches(model, Self.grid)
        let whole = try encoder.encode(patches, grid: Self.grid)
        #expect(whole.count == Self.grid.patches / 4 * model.configuration.vision.output)
        let pair = PatchGrid(time: 1, height: Self.grid.height, width: Self.grid.width)
        let volume = patches.count / Self.grid.time
        var parts: [Float] = []
        for index in 0..<Self.grid.time {
            parts += try encoder.encode(
                Array(patches[index * volume..<(index + 1) * volume]), grid: pair)
        }
        #expect(largestDifference(whole, parts) < 1e-5)
    }

    @Test(arguments: WeightFormat.allCases)
    func threadsChangeNothing(_ format: WeightFormat) throws {
        let model = try tinyModel(format)
        let patches = patches(model, Self.grid)
        let results = try [1, 2, 3].map { threads in
            try VisionEncoder(model: model, pool: ThreadPool(threads: threads))
                .encode(patches, grid: Self.grid).map(\.bitPattern)
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    /// Where a patch lies must matter: the same picture with rows and columns exchanged is another.
    @Test func positionsMatter() throws {
        let model = try tinyModel()
        let encoder = VisionEncoder(model: model, pool: ThreadPool(threads: 1))
        let wide = PatchGrid(time: 1, height: 4, width: 8)
        let high = PatchGrid(time: 1, height: 8, width: 4)
        let patches = patches(model, wide)
        let difference = largestDifference(
            try encoder.encode(patches, grid: wide), try encoder.encode(patches, grid: high))
        #expect(difference > 5e-5)  // rounding makes a hundredth of it
    }

    @Test func cancellationStopsTheTower() async throws {
        let model = try tinyModel()
        let patches = patches(model, Self.grid)
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try VisionEncoder(model: model, pool: ThreadPool(threads: 2))
                .encode(patches, grid: Self.grid)
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

@Suite struct EngineSessionTests {
    private let prompt = Prompt()

    private func allLogits(
        _ model: Model, threads: Int = 2, chunk: Int, set: InstructionSet = .current,
        kv: KVFormat = .f32
    ) throws -> [Float] {
        var session = try Session(
            model: model, pool: ThreadPool(threads: threads, instructionSet: set), capacity: 100,
            kv: kv, chunk: chunk)
        return try session.prefill(
            ids: prompt.ids, visual: prompt.spans(model), positions: prompt.positions,
            wantAllLogits: true)
    }

    /// Chunks that cut through the text, through the visual rows, and into single tokens: attention
    /// reads what is stored, and a row has the same bits among any others.
    @Test(arguments: WeightFormat.allCases, KVFormat.allCases)
    func chunksChangeNothing(_ format: WeightFormat, kv: KVFormat) throws {
        let model = try tinyModel(format)
        let whole = try allLogits(model, chunk: 512, kv: kv)
        #expect(whole.count == prompt.ids.count * 203)
        #expect(whole.contains { abs($0) > 0.01 })
        for chunk in [1, 3, 7, 16, 69] {
            let parts = try allLogits(model, chunk: chunk, kv: kv)
            #expect(parts.map(\.bitPattern) == whole.map(\.bitPattern), "chunks of \(chunk)")
        }
    }

    /// What is rounded changes the logits, but little.
    @Test(arguments: [(KVFormat.f16, Float(2e-4)), (.int8, 2e-2)])
    func storageChangesLittle(_ kv: KVFormat, bound: Float) throws {
        let model = try tinyModel()
        let exact = try allLogits(model, chunk: 512)
        let rounded = try allLogits(model, chunk: 512, kv: kv)
        let difference = largestDifference(exact, rounded)
        #expect(difference > 0 && difference < bound)
    }

    @Test(arguments: WeightFormat.allCases)
    func threadsChangeNothing(_ format: WeightFormat) throws {
        let model = try tinyModel(format)
        let results = try [1, 2, 3].map {
            try allLogits(model, threads: $0, chunk: 32).map(\.bitPattern)
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }

    /// The plain kernels are the measure of the fast ones, through the whole model.
    @Test(arguments: InstructionSet.allCases.filter(\.isAvailable))
    func instructionsChangeLittle(_ set: InstructionSet) throws {
        let model = try tinyModel(.bf16)
        let plain = try allLogits(model, chunk: 32, set: .scalar)
        #expect(largestDifference(plain, try allLogits(model, chunk: 32, set: set)) < 1e-5)
    }

    @Test func stepsEqualPrefill() throws {
        let model = try tinyModel()
        let vocabulary = model.configuration.text.vocabulary
        let whole = try allLogits(model, chunk: 512)
        var session = try Session(model: model, pool: ThreadPool(threads: 2), capacity: 70)
        var last = try session.prefill(
            ids: Array(prompt.ids[..<40]), visual: prompt.spans(model),
            positions: prompt.positions[0..<40])
        for index in 40..<70 {
            let row = Array(whole[(index - 1) * vocabulary..<index * vocabulary])
            #expect(largestDifference(last, row) < 1e-5, "row \(index)")
            last = try session.step(
                prompt.ids[index], position: Int(prompt.positions.time[index]))
        }
        #expect(session.length == 70)
        #expect(largestDifference(last, Array(whole.suffix(vocabulary))) < 1e-5)
    }

    /// Another question after the same video: what came after the cut must have no effect.
    @Test func truncationForgets() throws {
        let model = try tinyModel()
        var session = try Session(model: model, pool: ThreadPool(threads: 2), capacity: 100)
        _ = try session.prefill(
            ids: prompt.ids, visual: prompt.spans(model), positions: prompt.positions)
        session.truncate(to: 30)
        let again = try session.prefill(
            ids: Array(prompt.ids[30...]), positions: prompt.positions[30..<70])
        let whole = try allLogits(model, chunk: 512)
        #expect(again == Array(whole.suffix(again.count)))
    }

    /// What is watched changes nothing, and is told once a pass, of the last token alone.
    @Test(arguments: [3, 512]) func watchingIsFree(_ chunk: Int) throws {
        let model = try tinyModel()
        let visual = Prompt.visual
        let heads = EvidenceHeads(layers: [0, 1])
        var session = try Session(
            model: model, pool: ThreadPool(threads: 2), capacity: 100, chunk: chunk)
        _ = try session.prefill(
            ids: Array(prompt.ids[..<40]), visual: prompt.spans(model),
            positions: prompt.positions[0..<40])
        func read(_ watch: AttentionWatch?) throws -> (logits: [Float], watch: AttentionWatch?) {
            session.truncate(to: 40)
            session.watch = watch
            let logits = try session.prefill(
                ids: Array(prompt.ids[40...]), positions: prompt.positions[40..<70])
            return (logits, session.watch)
        }
        let alone = try read(nil).logits
        let pairs = Prompt.grid.time
        let all = try read(AttentionWatch(visual: visual, pairs: pairs, heads: heads))
        #expect(all.logits == alone)
        let shares = try #require(all.watch).shares
        #expect(all.watch?.passes == 1)
        #expect(shares.count == pairs && shares.allSatisfy { $0 > 0 })
        // Each of two heads in each of two layers has a whole to give, some of it to the text.
        let count = 2.0 * Double(model.configuration.text.heads)
        #expect(shares.reduce(0, +) < count)
        // The heads add up.
        let each = try (0..<model.configuration.text.heads).map { head in
            try #require(
                try read(
                    AttentionWatch(
                        visual: visual, pairs: pairs,
                        heads: EvidenceHeads(layers: [0, 1], heads: [head]))
                ).watch
            ).shares
        }
        for pair in 0..<pairs {
            #expect(abs(each.reduce(0) { $0 + $1[pair] } - shares[pair]) < 1e-6)
        }
    }

    /// Faults of the caller's input are errors, and leave the sequence as it was.
    @Test func wrongTokensAreRefused() throws {
        let model = try tinyModel()
        var session = try Session(model: model, pool: ThreadPool(threads: 1), capacity: 4)
        _ = try session.prefill(ids: [1, 2], positions: .text(from: 0, tokens: 2))
        func error(_ ids: [Int]) -> SessionError? {
            do {
                _ = try session.prefill(ids: ids, positions: .text(from: 2, tokens: ids.count))
                return nil
            } catch {
                return error as? SessionError
            }
        }
        let full = error([1, 2, 3])
        #expect(full == .full(length: 2, adding: 3, capacity: 4))
        let high = error([203])
        #expect(high == .unknownToken(id: 203, vocabulary: 203))
        let negative = error([1, -1])
        #expect(negative == .unknownToken(id: -1, vocabulary: 203))
        let length = session.length
        #expect(length == 2)
        let fits = error([1, 2])
        #expect(fits == nil)
    }

    @Test func cancellationLeavesTheSequence() async throws {
        let model = try tinyModel()
        let prompt = prompt
        let task = Task {
            var session = try Session(model: model, pool: ThreadPool(threads: 2), capacity: 100)
            _ = try session.prefill(ids: [1], positions: .text(from: 0, tokens: 1))
            withUnsafeCurrentTask { $0?.cancel() }
            do {
                _ = try session.prefill(ids: prompt.ids, positions: prompt.positions)
            } catch is CancellationError {
                return session.length
            }
            return -1
        }
        #expect(try await task.value == 1)
    }
}

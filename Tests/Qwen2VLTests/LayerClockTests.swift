import Compute
import Imaging
import Qwen2VL
import Testing

@Suite struct LayerClockTests {
    private static let vision: Set<LayerKind> = [
        .patchEmbedding, .norm, .qkv, .rope, .attention, .projection, .mlpUp, .mlpDown, .merger,
    ]
    private static let language: Set<LayerKind> = [
        .norm, .qkv, .rope, .attention, .projection, .gateUp, .down, .head,
    ]
    private static let grid = PatchGrid(time: 3, height: 8, width: 8)

    private static func encode(
        _ model: Model, grid: PatchGrid, threads: Int = 2, clock: inout LayerClock?
    ) throws -> [Float] {
        let patches = (0..<grid.patches * model.configuration.vision.patchVolume).map {
            Float($0 % 17) / 8 - 1
        }
        let encoder = VisionEncoder(model: model, pool: ThreadPool(threads: threads))
        return try patches.withUnsafeBufferPointer {
            try encoder.encode($0, grid: grid, clock: &clock)
        }
    }

    /// Logits of a prompt, and of tokens behind it.
    private static func read(
        _ model: Model, tokens: Int, steps: Int, threads: Int = 2, clock: inout LayerClock?
    ) throws -> [[Float]] {
        let vocabulary = model.configuration.text.vocabulary
        var session = try Session(
            model: model, pool: ThreadPool(threads: threads), capacity: tokens + steps)
        session.clock = clock
        var logits = [
            try session.prefill(
                ids: (0..<tokens).map { $0 * 7 % vocabulary },
                positions: .text(from: 0, tokens: tokens))
        ]
        for step in 0..<steps {
            logits.append(try session.step(step, position: tokens + step))
        }
        clock = session.clock
        return logits
    }

    private static func check(
        _ clock: LayerClock?, kinds: Set<LayerKind>, within whole: Duration
    ) throws {
        let spent = try #require(clock).spent
        #expect(Set(spent.keys) == kinds)
        #expect(spent.values.allSatisfy { $0 > .zero })
        #expect(spent.values.reduce(.zero, +) <= whole)
    }

    // A kernel that is in no lap goes unseen, one in two laps counts twice, and a clock that takes a
    // part in the arithmetic would make measurements of something else.
    @Test(arguments: [WeightFormat.f32, .int8])
    func allKindsAreNotedAndNothingElseChanges(format: WeightFormat) throws {
        let model = try tinyModel(format)
        var none: LayerClock?
        let rows = try Self.encode(model, grid: Self.grid, clock: &none)
        let logits = try Self.read(model, tokens: 70, steps: 3, clock: &none)
        #expect(none == nil)

        var clock: LayerClock? = LayerClock()
        var start = ContinuousClock.now
        #expect(try Self.encode(model, grid: Self.grid, clock: &clock) == rows)
        try Self.check(clock, kinds: Self.vision, within: .now - start)

        clock = LayerClock()
        start = .now
        #expect(try Self.read(model, tokens: 70, steps: 3, clock: &clock) == logits)
        try Self.check(clock, kinds: Self.language, within: .now - start)
    }

    @Test func passesAddUp() throws {
        let model = try tinyModel()
        var clock: LayerClock? = LayerClock()
        _ = try Self.read(model, tokens: 20, steps: 0, clock: &clock)
        let once = try #require(clock)
        _ = try Self.read(model, tokens: 20, steps: 0, clock: &clock)
        let twice = try #require(clock)
        for (kind, time) in once.spent { #expect(try #require(twice.spent[kind]) > time) }
    }

    /// A language model nearly all of whose work is in one place.
    private struct Lopsided: CustomTestStringConvertible {
        var kinds: [LayerKind]
        var tokens = 32
        var hidden = 64
        var intermediate = 16
        var heads = 2
        var headSize = 32
        var vocabulary = 100

        var testDescription: String { kinds.map(\.rawValue).joined(separator: ", ") }

        func model() throws -> Model {
            let text = TextConfiguration(
                hidden: hidden, intermediate: intermediate, layers: 1, heads: heads, kvHeads: heads,
                headSize: headSize, vocabulary: vocabulary,
                mropeSections: [headSize / 2 - 2, 1, 1], tieWordEmbeddings: false)
            let vision = VisionConfiguration(
                depth: 1, width: 16, heads: 1, mlpWidth: 16, patchSize: 2, output: hidden)
            return try Model.random(
                configuration: ModelConfiguration(text: text, vision: vision),
                formats: WeightFormats(.f32))
        }
    }

    // Time under the name of another kind sends whoever reads it to the wrong kernel.
    @Test(arguments: [
        Lopsided(kinds: [.gateUp, .down], intermediate: 20_000),
        Lopsided(kinds: [.head], tokens: 2, vocabulary: 40_000),
        Lopsided(kinds: [.qkv, .projection], hidden: 512, heads: 32, headSize: 64),
        Lopsided(kinds: [.attention], tokens: 1500, hidden: 16, heads: 8, headSize: 64),
    ])
    private func languageTimeGoesWhereTheWorkIs(_ shape: Lopsided) throws {
        let model = try shape.model()
        try Self.expectMost(in: shape.kinds) { clock in
            _ = try Self.read(model, tokens: shape.tokens, steps: 0, threads: 1, clock: &clock)
        }
    }

    /// Sizes of a vision tower, likewise.
    private struct LopsidedTower: CustomTestStringConvertible {
        var kinds: [LayerKind]
        var side = 8
        var depth = 1
        var width = 64
        var heads = 2
        var mlpWidth = 16
        var patchSize = 2
        var output = 16

        var testDescription: String { kinds.map(\.rawValue).joined(separator: ", ") }

        func model() throws -> Model {
            let text = TextConfiguration(
                hidden: output, intermediate: 16, layers: 1, heads: 1, kvHeads: 1, headSize: 16,
                vocabulary: 10, mropeSections: [4, 2, 2], tieWordEmbeddings: false)
            let vision = VisionConfiguration(
                depth: depth, width: width, heads: heads, mlpWidth: mlpWidth, patchSize: patchSize,
                output: output)
            return try Model.random(
                configuration: ModelConfiguration(text: text, vision: vision),
                formats: WeightFormats(.f32))
        }
    }

    @Test(arguments: [
        LopsidedTower(kinds: [.patchEmbedding], patchSize: 40),
        LopsidedTower(kinds: [.mlpUp, .mlpDown], mlpWidth: 20_000),
        LopsidedTower(kinds: [.merger], output: 20_000),
        LopsidedTower(kinds: [.qkv, .projection], side: 6, depth: 16, width: 256),
        LopsidedTower(kinds: [.attention], side: 40, width: 32),
    ])
    private func visionTimeGoesWhereTheWorkIs(_ shape: LopsidedTower) throws {
        let model = try shape.model()
        let grid = PatchGrid(time: 1, height: shape.side, width: shape.side)
        try Self.expectMost(in: shape.kinds) { clock in
            _ = try Self.encode(model, grid: grid, threads: 1, clock: &clock)
        }
    }

    /// Most of the time of `body` in `kinds`. Of each kind the shortest of some runs counts, as other
    /// programs put threads aside for longer than these passes take.
    private static func expectMost(
        in kinds: [LayerKind], _ body: (inout LayerClock?) throws -> Void
    ) throws {
        var spent: [LayerKind: Double] = [:]
        for _ in 0..<12 {
            var clock: LayerClock? = LayerClock()
            try body(&clock)
            let run = try #require(clock).spent.mapValues { $0 / .nanoseconds(1) }
            spent.merge(run) { min($0, $1) }
        }
        let inside = kinds.reduce(0) { $0 + (spent[$1] ?? 0) }
        #expect(inside > 0.5 * spent.values.reduce(0, +), "\(spent)")
    }
}

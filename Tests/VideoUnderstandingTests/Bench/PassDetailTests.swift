import Compute
import OrderedJSON
import Qwen2VL
import Testing
import VideoUnderstanding

@Suite struct PassDetailTests {
    private static let configuration = ModelSize.b2.configuration(layers: 2)
    private static let best = Yardsticks(flops: 100e9, bandwidth: 10e9, integer: 400e9)

    private static func products(_ work: [LayerWork]) -> Double {
        work.reduce(0) { sum, layer in
            if case .products(let operations) = layer.amount { sum + operations } else { sum }
        }
    }

    // The published sizes, counted by hand: a kind that is forgotten, or counted in two, makes every
    // rate wrong.
    @Test func kindsAddUpToThePublishedSizes() {
        let count = WorkCount(Self.configuration)
        // A block of the tower: 4 · 1280² + 2 · 1280 · 5120 weights; 1196 patches see one another.
        let block: Int = 4 * 1280 * 1280 + 2 * 1280 * 5120 + 2 * 1196 * 1280
        let merger: Int = 299 * (5120 * 5120 + 5120 * 1536)
        let patch: Int = 1176 * 1280 + 32 * block
        let tower = Double(2 * (1196 * patch + merger))
        #expect(Self.products(count.visionLayers(pairs: 1, patchesPerPair: 1196)) == tower)
        #expect(count.vision(pairs: 1, patchesPerPair: 1196) == tower)
        // A layer: 1536 · (1536 + 2 · 256 + 1536) + 3 · 1536 · 8960 weights; 512 tokens see 256.5.
        let layer: Int = 1536 * 3584 + 3 * 1536 * 8960 + 1536 * 513
        let head: Int = 151_936 * 1536
        let read = Double(2 * (512 * 2 * layer + head))
        #expect(Self.products(count.prefillLayers(tokens: 512)) == read)
        #expect(count.prefill(tokens: 512) == read)
    }

    @Test(arguments: ["f32", "int8", "int4"])
    func decodingReadsAllOfTheModelOnce(format: String) throws {
        let text = TextConfiguration(
            hidden: 64, intermediate: 128, layers: 2, heads: 4, kvHeads: 2, headSize: 16,
            vocabulary: 200, mropeSections: [4, 2, 2], tieWordEmbeddings: false)
        let vision = VisionConfiguration(
            depth: 1, width: 32, heads: 2, mlpWidth: 64, patchSize: 4, output: 64)
        let model = try Model.random(
            configuration: ModelConfiguration(text: text, vision: vision),
            formats: WeightFormats(WeightFormat(rawValue: format)))
        let count = WorkCount(model.configuration)
        let read = count.decodeLayers(model, context: 100, kv: .int8).reduce(0.0) { sum, layer in
            if case .reading(let bytes) = layer.amount { sum + bytes } else { sum }
        }
        #expect(
            read
                == count.decodeBytes(
                    weights: model.decodeWeightBytes, context: 100, kv: .int8))
    }

    /// Three runs of two passes each, of a model that is timed while it runs.
    private static func times() throws -> (PassTimes, Model) {
        let text = TextConfiguration(
            hidden: 32, intermediate: 64, layers: 2, heads: 2, kvHeads: 1, headSize: 16,
            vocabulary: 50, mropeSections: [4, 2, 2], tieWordEmbeddings: false)
        let vision = VisionConfiguration(
            depth: 1, width: 16, heads: 1, mlpWidth: 16, patchSize: 2, output: 32)
        let model = try Model.random(
            configuration: ModelConfiguration(text: text, vision: vision),
            formats: WeightFormats(.int8))
        var session = try Session(model: model, pool: ThreadPool(threads: 1), capacity: 64)
        var times = PassTimes()
        for _ in 0..<3 {
            session.clock = LayerClock()
            let start = ContinuousClock.now
            for _ in 0..<2 {
                session.truncate(to: 0)
                _ = try session.prefill(
                    ids: Array(repeating: 1, count: 64), positions: .text(from: 0, tokens: 64))
            }
            times.add(
                seconds: (ContinuousClock.now - start).seconds, clock: session.clock, passes: 2)
        }
        return (times, model)
    }

    // Shares that do not add up hide what was not measured.
    @Test func sharesAddUpAndRatesFollowFromSeconds() throws {
        let (times, model) = try Self.times()
        let work = WorkCount(model.configuration).prefillLayers(tokens: 64)
        let record = try #require(
            PassRecord("prefill_64", times, work, packed: [.qkv], best: Self.best))
        #expect(
            record.layers.map(\.name) == [
                "norm", "qkv", "rope", "attention", "projection", "gate_up", "down", "head",
                "other",
            ])
        #expect(record.runs == 3 && record.seconds == times.median)
        #expect(abs(record.layers.reduce(0) { $0 + $1.share } - 1) < 1e-9)
        #expect(record.layers.allSatisfy { $0.share > 0 && $0.seconds > 0 })
        for (layer, work) in zip(record.layers, work) {
            switch work.amount {
            case .products(let operations):
                #expect(layer.unit == "GFLOP/s" && layer.relativeTo == "sgemm")
                #expect(layer.rate == operations / layer.seconds / 1e9)
                #expect(layer.efficiency == operations / layer.seconds / 100e9)
                let packed = work.kind == .qkv ? operations / layer.seconds / 400e9 : nil
                #expect(layer.ofIntegerPeak == packed)
            case .rows(let bytes):
                #expect(layer.rate == bytes / layer.seconds / 1e9 && layer.unit == "GB/s")
                #expect(layer.efficiency == nil && layer.relativeTo == nil)
            case .reading, .little: Issue.record("\(work) in a prefill")
            }
        }
    }

    @Test func readingIsHeldAgainstTheBandwidth() throws {
        let (times, model) = try Self.times()
        let work = WorkCount(model.configuration).decodeLayers(model, context: 10, kv: .f32)
        let record = try #require(PassRecord("decode", times, work, packed: [], best: Self.best))
        let head = try #require(record.layers.first { $0.name == "head" })
        let bytes = Double(model.language.head.byteCount)
        #expect(head.rate == bytes / head.seconds / 1e9 && head.relativeTo == "read_bandwidth")
        #expect(head.efficiency == bytes / head.seconds / 10e9)
        #expect(record.layers.first { $0.name == "norm" }?.rate == nil)
    }

    @Test func withoutAClockThereIsNothingToTell() {
        var times = PassTimes()
        for seconds in [3.0, 1, 2] { times.add(seconds: seconds, clock: nil) }
        #expect(times.median == 2 && times.layers == nil)
        let work = WorkCount(Self.configuration).prefillLayers(tokens: 8)
        #expect(PassRecord("prefill_8", times, work, packed: [], best: Self.best) == nil)
    }

    // What was not asked for is not in the document, and what was follows the schema.
    @Test func detailFollowsTheSchemaAndIsLeftOut() throws {
        #expect(SampleDocuments.bench.json["detail"] == nil)
        let (times, model) = try Self.times()
        let work = WorkCount(model.configuration).prefillLayers(tokens: 64)
        var document = SampleDocuments.bench
        document.measurements[0].ofIntegerPeak = 0.3
        document.detail = [
            try #require(
                PassRecord("prefill_64", times, work, packed: [.qkv], best: Self.best))
        ]
        #expect(DocumentValidator().faults(in: document.json) == [])
        let broken = document.json.replacing(
            ["detail", "0", "layers", "0", "share"], with: .decimal(1.5))
        #expect(DocumentValidator().faults(in: broken).count == 1)
    }
}

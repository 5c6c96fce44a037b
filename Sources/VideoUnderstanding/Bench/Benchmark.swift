import Compute
import Imaging
import Qwen2VL
import Video

/// Measures how fast this machine runs a model, beside what the machine can do at best.
///
/// Every figure is the median of several runs of the very code that the path uses.
public struct Benchmark: Sendable {
    /// What is measured.
    public struct Options: Sendable {
        public var threads: Int
        public var repeats: Int
        /// Lengths of the prompts for prefill.
        public var prefillTokens: [Int]
        /// Tokens of one decode run.
        public var decodeTokens: Int
        /// Size of the frames that the vision tower gets.
        public var frameSize: PixelSize
        /// How keys and values of past tokens are stored.
        public var kv: KVFormat
        /// The machine itself is always measured.
        public var parts: Set<Part> = Set(Part.allCases)

        public init(
            threads: Int, repeats: Int = 5, prefillTokens: [Int] = [512, 4096],
            decodeTokens: Int = 16, frameSize: PixelSize = PixelSize(width: 644, height: 364),
            kv: KVFormat = .f32
        ) {
            self.threads = threads
            self.repeats = repeats
            self.prefillTokens = prefillTokens
            self.decodeTokens = decodeTokens
            self.frameSize = frameSize
            self.kv = kv
        }
    }

    /// What can be measured by itself.
    public enum Part: String, Sendable, CaseIterable {
        case sampling, vision, prefill, decode
    }

    private let options: Options
    private var measurements: [MeasurementRecord] = []
    private var blas = ""
    private let pool: ThreadPool

    public init(_ options: Options) {
        self.options = options
        pool = ThreadPool(threads: options.threads)
    }

    /// What the machine can do at best: measured before a model takes its memory.
    private mutating func measureMachine() -> (flops: Double, bandwidth: Double) {
        let yardstick = MatrixYardstick.measure(
            threads: options.threads, repeats: options.repeats)
        let flops = yardstick.flops
        blas = "OpenBLAS \(yardstick.core)"
        add("fma_peak", MachineLimits.peak(pool) / 1e9, "GFLOP/s")
        let bandwidth = MachineLimits.readBandwidth(
            pool, bytes: 1 << 30, repeats: options.repeats)
        add("sgemm", flops / 1e9, "GFLOP/s")
        add("read_bandwidth", bandwidth / 1e9, "GB/s")
        return (flops, bandwidth)
    }

    /// Runs everything.
    ///
    /// - Parameters:
    ///   - load: gives the model; called after the machine itself was measured, so that its memory
    ///     is not counted twice.
    ///   - clip: a 1080p video for the speed of sampling; nil leaves that figure out.
    ///   - onStage: gets a few words before each part.
    /// - Throws: `Failure`.
    public mutating func run(
        model load: () throws(Failure) -> Model, clip: VideoInput?,
        onStage: (String) throws -> Void = { _ in }
    ) throws(Failure) -> BenchDocument {
        do {
            try onStage("measuring the machine")
            let best = measureMachine()
            if let clip, options.parts.contains(.sampling) {
                try onStage("sampling 1080p video")
                try measureSampling(clip)
            }
            try onStage("loading the model")
            let model = try load()
            let work = WorkCount(model.configuration)
            if options.parts.contains(.vision) {
                try onStage("vision tower")
                try measureVision(model, work, best.flops)
            }
            for tokens in options.prefillTokens where options.parts.contains(.prefill) {
                try onStage("prefill of \(tokens) tokens")
                try measurePrefill(model, work, tokens: tokens, best.flops)
            }
            if options.parts.contains(.decode) {
                try onStage("decode")
                try measureDecode(model, work, best.bandwidth)
            }
            return document(model)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    private mutating func measureVision(
        _ model: Model, _ work: WorkCount, _ best: Double
    ) throws {
        let encoder = VisionEncoder(model: model, pool: pool)
        let vision = model.configuration.vision
        let factor = vision.patchSize * vision.mergeSize
        let grid = PatchGrid(
            time: 1, height: options.frameSize.height / factor * vision.mergeSize,
            width: options.frameSize.width / factor * vision.mergeSize)
        let rows = (0..<grid.patches * vision.patchVolume).map { Float($0 % 251) / 125 - 1 }
        let seconds = try median { _ = try encoder.encode(rows, grid: grid) }
        add("vision", Double(grid.patches) / seconds, "patches/s")
        let flops = work.vision(pairs: 1, patchesPerPair: grid.patches) / seconds
        add("vision_rate", flops / 1e9, "GFLOP/s", share: flops / best, of: "sgemm")
    }

    private mutating func measurePrefill(
        _ model: Model, _ work: WorkCount, tokens: Int, _ best: Double
    ) throws {
        let ids = Self.ids(tokens, vocabulary: model.configuration.text.vocabulary)
        let positions = RotaryPositions.text(from: 0, tokens: tokens)
        var session = try Session(
            model: model, pool: pool, capacity: tokens, kv: options.kv)
        let seconds = try median {
            session.truncate(to: 0)
            _ = try session.prefill(ids: ids, visual: [], positions: positions)
        }
        add("prefill_\(tokens)", Double(tokens) / seconds, "tokens/s")
        let flops = work.prefill(tokens: tokens) / seconds
        add("prefill_\(tokens)_rate", flops / 1e9, "GFLOP/s", share: flops / best, of: "sgemm")
    }

    /// One sequence alone, several together, and one with a draft, by turns: their ratios hold even
    /// where the machine is busy with other things.
    private mutating func measureDecode(
        _ model: Model, _ work: WorkCount, _ best: Double
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
        var alone: [Double] = []
        var gains: [Double] = []
        var costs: [Double] = []
        for _ in 0..<runs {
            try Task.checkCancellation()
            let one = try seconds(branches[..<1], steps: steps, tokens: 1)
            let all = try seconds(branches[...], steps: max(1, steps / 4), tokens: 1)
            let draft = try seconds(branches[..<1], steps: 1, tokens: drafted)
            alone.append(one)
            gains.append(Double(together) * one / all)
            costs.append(draft / one)
        }
        func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        let rate = 1 / middle(alone)
        add("decode", rate, "tokens/s")
        let bytes = work.decodeBytes(
            weights: model.decodeWeightBytes, context: context + steps / 2, kv: options.kv)
        add(
            "decode_bandwidth", rate * bytes / 1e9, "GB/s", share: rate * bytes / best,
            of: "read_bandwidth")
        add("decode_\(together)", rate * middle(gains), "tokens/s")
        add("decode_\(together)_gain", middle(gains), "times one sequence")
        add("draft_\(drafted)_cost", middle(costs), "times one token")
    }

    private mutating func measureSampling(_ clip: VideoInput) throws {
        var decoded = 0
        var sampled = 0
        let seconds = try median {
            var reader = try VideoReader.open(
                clip, sampling: SamplingOptions(needsIndices: true), limits: .standard,
                threads: options.threads,
                allowReferences: false)
            sampled = 0
            while try reader.next() != nil { sampled += 1 }
            decoded = reader.report.framesDecoded
        }
        add("decode_1080p", Double(decoded) / seconds, "frames/s")
        add("sampling_1080p", Double(sampled) / seconds, "sampled frames/s")
        let size = PixelSize(width: 1920, height: 1080)
        let image = RGBImage(
            size: size, pixels: (0..<3 * size.area).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let other = RGBImage(size: size, pixels: image.pixels.reversed())
        let preprocessor = PairPreprocessor(
            source: size, target: PixelSize(width: 1008, height: 560),
            patch: PatchGeometry(
                patchSize: 14, temporalPatchSize: 2, mergeSize: 2, channels: 3),
            mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711])
        let pair = try median { _ = preprocessor.rows(image, other) }
        add("preprocess_1080p", 2 / pair, "sampled frames/s")
    }

    // MARK: - Figures

    private mutating func add(
        _ name: String, _ value: Double, _ unit: String, share: Double? = nil,
        of best: String? = nil
    ) {
        measurements.append(
            MeasurementRecord(
                name: name, value: value, unit: unit, efficiency: share, relativeTo: best))
    }

    /// The median of the seconds of several runs, after one that warms caches and page tables.
    ///
    /// Long runs warm themselves, and three of them are enough.
    private func median(_ body: () throws -> Void) throws -> Double {
        var seconds: [Double] = []
        var total = 0.0
        while seconds.count < max(1, options.repeats) {
            try Task.checkCancellation()
            let start = ContinuousClock.now
            try body()
            let run = (ContinuousClock.now - start).seconds
            total += run
            if total > run || run > Self.longRun { seconds.append(run) }
            if seconds.count >= 3, total > Self.longMeasurement { break }
        }
        return seconds.sorted()[seconds.count / 2]
    }

    /// Seconds of a run that needs no warming, and of a measurement that is cut short.
    private static let longRun = 5.0
    private static let longMeasurement = 30.0

    private static func ids(_ count: Int, vocabulary: Int) -> [Int] {
        (0..<count).map { ($0 * 7919 + 13) % min(vocabulary, 150_000) }
    }

    private func document(_ model: Model) -> BenchDocument {
        BenchDocument(
            machine: MachineRecord(pool, blas: blas), model: model.name,
            weights: model.format.rawValue, layers: model.configuration.text.layers,
            weightBytes: model.weightBytes, measurements: measurements,
            peakMemory: ProcessMemory.peak)
    }
}

extension MachineRecord {
    /// This machine, as a pool uses it.
    init(_ pool: ThreadPool, blas: String) {
        let facts = ProcessorFacts.ofThisMachine
        self.init(
            cpu: facts.name, cores: facts.cores, instructionSet: pool.instructionSet.rawValue,
            threads: pool.threads, blas: blas,
            memory: facts.memory)
    }
}

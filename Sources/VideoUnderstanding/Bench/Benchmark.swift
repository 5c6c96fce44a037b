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
        /// How activations are rounded before products with weights.
        public var activations: Activations
        /// The machine itself is always measured.
        public var parts: Set<Part> = Set(Part.allCases)
        /// Whether it is noted where the time of the passes of a model goes.
        public var detail = false

        public init(
            threads: Int, repeats: Int = 5, prefillTokens: [Int] = [512, 4096],
            decodeTokens: Int = 16, frameSize: PixelSize = PixelSize(width: 644, height: 364),
            kv: KVFormat = .f32, activations: Activations = .full
        ) {
            self.threads = threads
            self.repeats = repeats
            self.prefillTokens = prefillTokens
            self.decodeTokens = decodeTokens
            self.frameSize = frameSize
            self.kv = kv
            self.activations = activations
        }
    }

    /// What can be measured by itself.
    public enum Part: String, Sendable, CaseIterable {
        case sampling, products, vision, prefill, decode
    }

    let options: Options
    let pool: ThreadPool
    private var measurements: [MeasurementRecord] = []
    private var details: [PassRecord] = []
    private var blas = ""

    public init(_ options: Options) {
        self.options = options
        pool = ThreadPool(threads: options.threads, activations: options.activations)
    }

    /// What the machine can do at best: measured before a model takes its memory.
    private mutating func measureMachine() -> Yardsticks {
        let yardstick = MatrixYardstick.measure(
            [MatrixYardstick.standard], threads: options.threads, repeats: options.repeats)
        let flops = yardstick.flops[0]
        blas = "OpenBLAS \(yardstick.core)"
        add("fma_peak", MachineLimits.peak(pool) / 1e9, "GFLOP/s")
        let integer = MachineLimits.integerPeak(pool)
        add("integer_peak", integer / 1e9, "Gop/s")
        let bandwidth = MachineLimits.readBandwidth(
            pool, bytes: 1 << 30, repeats: options.repeats)
        add("sgemm", flops / 1e9, "GFLOP/s")
        add("read_bandwidth", bandwidth / 1e9, "GB/s")
        return Yardsticks(flops: flops, bandwidth: bandwidth, integer: integer)
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
            if options.parts.contains(.products) {
                try onStage("products")
                try measureProducts(model)
            }
            if options.parts.contains(.vision) {
                try onStage("vision tower")
                try measureVision(model, work, best)
            }
            for tokens in options.prefillTokens where options.parts.contains(.prefill) {
                try onStage("prefill of \(tokens) tokens")
                try measurePrefill(model, work, tokens: tokens, best)
            }
            if options.parts.contains(.decode) {
                try onStage("decode")
                try measureDecode(model, work, best)
            }
            return document(model)
        } catch {
            throw Failure(error, stage: .tool)
        }
    }

    private mutating func measureVision(
        _ model: Model, _ work: WorkCount, _ best: Yardsticks
    ) throws {
        let encoder = VisionEncoder(model: model, pool: pool)
        let vision = model.configuration.vision
        let grid = pairGrid(vision)
        let rows = (0..<grid.patches * vision.patchVolume).map { Float($0 % 251) / 125 - 1 }
        let times = try passes { clock in
            _ = try rows.withUnsafeBufferPointer {
                try encoder.encode($0, grid: grid, clock: &clock)
            }
        }
        add("vision", Double(grid.patches) / times.median, "patches/s")
        addRate(
            "vision_rate", work.vision(pairs: 1, patchesPerPair: grid.patches) / times.median,
            isPacked: model.visionFormat.isPacked, best)
        let layers = work.visionLayers(pairs: 1, patchesPerPair: grid.patches)
        addDetail("vision", times, layers, best) { model.visionLayers($0) }
    }

    /// The patches of a pair of frames.
    func pairGrid(_ vision: VisionConfiguration) -> PatchGrid {
        let factor = vision.patchSize * vision.mergeSize
        return PatchGrid(
            time: 1, height: options.frameSize.height / factor * vision.mergeSize,
            width: options.frameSize.width / factor * vision.mergeSize)
    }

    private mutating func measurePrefill(
        _ model: Model, _ work: WorkCount, tokens: Int, _ best: Yardsticks
    ) throws {
        let ids = Self.ids(tokens, vocabulary: model.configuration.text.vocabulary)
        let positions = RotaryPositions.text(from: 0, tokens: tokens)
        var session = try Session(
            model: model, pool: pool, capacity: tokens, kv: options.kv)
        let times = try passes { clock in
            session.clock = clock
            session.truncate(to: 0)
            _ = try session.prefill(ids: ids, visual: [], positions: positions)
            clock = session.clock
        }
        add("prefill_\(tokens)", Double(tokens) / times.median, "tokens/s")
        addRate(
            "prefill_\(tokens)_rate", work.prefill(tokens: tokens) / times.median,
            isPacked: model.format.isPacked, best)
        addDetail("prefill_\(tokens)", times, work.prefillLayers(tokens: tokens), best) {
            model.languageLayers($0)
        }
    }

    // MARK: - Figures

    mutating func add(
        _ name: String, _ value: Double, _ unit: String, share: Double? = nil,
        of best: String? = nil
    ) {
        measurements.append(
            MeasurementRecord(
                name: name, value: value, unit: unit, efficiency: share, relativeTo: best))
    }

    /// A rate of products, beside what they could be at best.
    private mutating func addRate(
        _ name: String, _ flops: Double, isPacked: Bool, _ best: Yardsticks
    ) {
        var record = MeasurementRecord(
            name: name, value: flops / 1e9, unit: "GFLOP/s", efficiency: flops / best.flops,
            relativeTo: "sgemm")
        if isPacked { record.ofIntegerPeak = flops / best.integer }
        measurements.append(record)
    }

    /// Where the time of a pass goes, if that was noted.
    ///
    /// - Parameter matrices: the linear layers of a kind.
    mutating func addDetail(
        _ name: String, _ times: PassTimes, _ work: [LayerWork], _ best: Yardsticks,
        matrices: (LayerKind) -> [LinearWeights]
    ) {
        let packed = work.map(\.kind).filter { kind in
            let matrices = matrices(kind)
            return !matrices.isEmpty && matrices.allSatisfy(\.weight.format.isPacked)
        }
        if let record = PassRecord(name, times, work, packed: Set(packed), best: best) {
            details.append(record)
        }
    }

    /// A clock for the passes of a run, where it is to be noted what they spend their time on.
    func clock() -> LayerClock? { options.detail ? LayerClock() : nil }

    /// Times of several runs, after one that warms caches and page tables.
    ///
    /// Long runs warm themselves, and three of them are enough.
    func passes(_ body: (inout LayerClock?) throws -> Void) throws -> PassTimes {
        var times = PassTimes()
        var total = 0.0
        while times.runs < max(1, options.repeats) {
            try Task.checkCancellation()
            var clock = clock()
            let start = ContinuousClock.now
            try body(&clock)
            let run = (ContinuousClock.now - start).seconds
            total += run
            if total > run || run > Self.longRun { times.add(seconds: run, clock: clock) }
            if times.runs >= 3, total > Self.longMeasurement { break }
        }
        return times
    }

    /// Seconds of a run that needs no warming, and of a measurement that is cut short.
    private static let longRun = 5.0
    private static let longMeasurement = 30.0

    static func ids(_ count: Int, vocabulary: Int) -> [Int] {
        (0..<count).map { ($0 * 7919 + 13) % min(vocabulary, 150_000) }
    }

    private func document(_ model: Model) -> BenchDocument {
        BenchDocument(
            machine: MachineRecord(pool, blas: blas), model: model.name,
            weights: model.format.rawValue, activations: pool.activations,
            layers: model.configuration.text.layers,
            weightBytes: model.weightBytes, measurements: measurements,
            detail: options.detail ? details : nil, peakMemory: ProcessMemory.peak)
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

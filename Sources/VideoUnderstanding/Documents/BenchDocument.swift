import Compute
import OrderedJSON

/// The machine that figures were measured on.
public struct MachineRecord: Sendable, Equatable {
    public var cpu: String
    public var cores: Int
    /// Level of the kernels in use: `scalar`, `avx2`, `avx512`, …
    public var instructionSet: String
    public var threads: Int
    /// Name and version of the matrix library.
    public var blas: String
    /// Bytes of memory in the machine.
    public var memory: Int

    public init(
        cpu: String, cores: Int, instructionSet: String, threads: Int, blas: String, memory: Int
    ) {
        self.cpu = cpu
        self.cores = cores
        self.instructionSet = instructionSet
        self.threads = threads
        self.blas = blas
        self.memory = memory
    }

    var json: JSON {
        var members = ObjectBuilder()
        members.add("cpu", cpu)
        members.add("cores", cores)
        members.add("instruction_set", instructionSet)
        members.add("threads", threads)
        members.add("blas", blas)
        members.add("memory", memory)
        return members.json
    }
}

/// One figure.
public struct MeasurementRecord: Sendable, Equatable {
    /// Stable: `vision`, `prefill_512`, `prefill_4096`, `decode`, `sampling_1080p`, …
    public var name: String
    public var value: Double
    /// `patches/s`, `tokens/s`, `frames/s`, `GFLOP/s`, `GB/s`, `bytes`, …
    public var unit: String
    /// Share of what the machine could do at best, measured in the same run; 0 to 1.
    public var efficiency: Double?
    /// Which figure of the same run is that best.
    public var relativeTo: String?
    /// Share of the figure `integer_peak`: of products with packed weights.
    public var ofIntegerPeak: Double?

    public init(
        name: String, value: Double, unit: String, efficiency: Double? = nil,
        relativeTo: String? = nil, ofIntegerPeak: Double? = nil
    ) {
        self.name = name
        self.value = value
        self.unit = unit
        self.efficiency = efficiency
        self.relativeTo = relativeTo
        self.ofIntegerPeak = ofIntegerPeak
    }

    var json: JSON {
        var members = ObjectBuilder()
        members.add("name", name)
        members.add("value", .decimal(value))
        members.add("unit", unit)
        members.add("efficiency", ifPresent: efficiency.map { .decimal($0, decimals: 4) })
        members.add("relative_to", ifPresent: relativeTo.map(JSON.string))
        members.add("of_integer_peak", ifPresent: ofIntegerPeak.map { .decimal($0, decimals: 4) })
        return members.json
    }
}

/// `reelscribe/bench@1`: speeds of this machine.
public struct BenchDocument: Document, Equatable {
    public static let kind = DocumentKind.bench

    public var machine: MachineRecord
    /// Name of the checkpoint, or of the size with random weights.
    public var model: String
    public var weights: String
    /// How they were rounded before products with weights; told where it is not the default.
    public var activations: Activations
    /// Layers of the language model that were really there (`--layers`).
    public var layers: Int
    /// Bytes of all weights.
    public var weightBytes: Int
    public var measurements: [MeasurementRecord]
    /// Where the time of the measurements goes; nil where that was not asked for.
    public var detail: [PassRecord]?
    /// Bytes of the largest resident memory.
    public var peakMemory: Int
    public var warnings: [WarningRecord]

    public init(
        machine: MachineRecord, model: String, weights: String,
        activations: Activations = .full, layers: Int, weightBytes: Int,
        measurements: [MeasurementRecord], detail: [PassRecord]? = nil, peakMemory: Int,
        warnings: [WarningRecord] = []
    ) {
        self.machine = machine
        self.model = model
        self.weights = weights
        self.activations = activations
        self.layers = layers
        self.weightBytes = weightBytes
        self.measurements = measurements
        self.detail = detail
        self.peakMemory = peakMemory
        self.warnings = warnings
    }

    public var json: JSON {
        var described = ObjectBuilder()
        described.add("name", model)
        described.add("weights", weights)
        if activations != .full { described.add("activations", activations.rawValue) }
        described.add("layers", layers)
        described.add("bytes", weightBytes)
        var members = ObjectBuilder(Self.kind)
        members.add("machine", machine.json)
        members.add("model", described.json)
        members.add("measurements", .array(measurements.map(\.json)))
        members.add("detail", ifPresent: detail.map { .array($0.map(\.json)) })
        members.add("peak_memory", peakMemory)
        members.add("warnings", .array(warnings.map(\.json)))
        members.add("tool", ToolRecord.current.json)
        return members.json
    }
}

import OrderedJSON
import Qwen2VL

/// What one kind of layer takes of a pass.
public struct LayerRecord: Sendable, Equatable {
    /// `qkv`, `attention`, …; `other` is what belongs to no kind.
    public var name: String
    /// Of a pass: the median of the runs.
    public var seconds: Double
    /// Part of the pass; those of all kinds add up to 1.
    public var share: Double
    /// `GFLOP/s` of products, `GB/s` of what is read or moved; nil where that says nothing.
    public var rate: Double?
    public var unit: String?
    /// Share of what the machine could do at best, measured in the same run.
    public var efficiency: Double?
    /// Which figure of the same run is that best.
    public var relativeTo: String?
    /// Share of `integer_peak`, where the weights are packed.
    public var ofIntegerPeak: Double?

    public init(name: String, seconds: Double, share: Double) {
        self.name = name
        self.seconds = seconds
        self.share = share
    }

    var json: JSON {
        var members = ObjectBuilder()
        members.add("name", name)
        // Of a small model a layer takes less than a microsecond.
        members.add("seconds", .decimal(seconds, decimals: 9))
        members.add("share", .decimal(share))
        members.add("rate", ifPresent: rate.map { .decimal($0) })
        members.add("unit", ifPresent: unit.map(JSON.string))
        members.add("efficiency", ifPresent: efficiency.map { .decimal($0, decimals: 4) })
        members.add("relative_to", ifPresent: relativeTo.map(JSON.string))
        members.add("of_integer_peak", ifPresent: ofIntegerPeak.map { .decimal($0, decimals: 4) })
        return members.json
    }
}

/// Where the time of one measurement goes.
public struct PassRecord: Sendable, Equatable {
    /// The measurement: `vision`, `prefill_512`, …, `decode`.
    public var name: String
    /// Runs that medians are of.
    public var runs: Int
    /// Of a pass: the median of the runs.
    public var seconds: Double
    /// In the order of the path.
    public var layers: [LayerRecord]

    public init(name: String, runs: Int, seconds: Double, layers: [LayerRecord]) {
        self.name = name
        self.runs = runs
        self.seconds = seconds
        self.layers = layers
    }

    var json: JSON {
        var members = ObjectBuilder()
        members.add("name", name)
        members.add("runs", runs)
        members.add("seconds", .decimal(seconds, decimals: 9))
        members.add("layers", .array(layers.map(\.json)))
        return members.json
    }
}

/// What the machine can do at best, a second.
package struct Yardsticks: Sendable {
    /// Operations of OpenBLAS's SGEMM.
    package var flops: Double
    /// Bytes that are read.
    package var bandwidth: Double
    /// Operations with 8-bit numbers in registers.
    package var integer: Double

    package init(flops: Double, bandwidth: Double, integer: Double) {
        self.flops = flops
        self.bandwidth = bandwidth
        self.integer = integer
    }
}

extension PassRecord {
    /// - Parameters:
    ///   - work: of a pass, kind by kind.
    ///   - packed: kinds all matrices of which are stored in groups.
    /// - Returns: nil where no clock noted the passes.
    package init?(
        _ name: String, _ times: PassTimes, _ work: [LayerWork], packed: Set<LayerKind>,
        best: Yardsticks
    ) {
        guard let (kinds, other) = times.layers else { return nil }
        // Medians of parts do not add up to the median of the whole.
        let whole = work.reduce(other) { $0 + (kinds[$1.kind] ?? 0) }
        var layers = work.map { layer in
            let seconds = kinds[layer.kind] ?? 0
            var record = LayerRecord(
                name: layer.kind.rawValue, seconds: seconds, share: seconds / whole)
            record.setRate(
                layer.amount, integerPeak: packed.contains(layer.kind) ? best.integer : nil, best)
            return record
        }
        layers.append(LayerRecord(name: "other", seconds: other, share: other / whole))
        self.init(name: name, runs: times.runs, seconds: times.median, layers: layers)
    }
}

extension LayerRecord {
    fileprivate mutating func setRate(
        _ amount: LayerWork.Amount, integerPeak: Double?, _ best: Yardsticks
    ) {
        guard seconds > 0 else { return }
        switch amount {
        case .products(let operations):
            let flops = operations / seconds
            (rate, unit) = (flops / 1e9, "GFLOP/s")
            (efficiency, relativeTo) = (flops / best.flops, "sgemm")
            ofIntegerPeak = integerPeak.map { flops / $0 }
        case .rows(let bytes):
            (rate, unit) = (bytes / seconds / 1e9, "GB/s")
        case .reading(let bytes):
            (rate, unit) = (bytes / seconds / 1e9, "GB/s")
            (efficiency, relativeTo) = (bytes / seconds / best.bandwidth, "read_bandwidth")
        case .little: break
        }
    }
}

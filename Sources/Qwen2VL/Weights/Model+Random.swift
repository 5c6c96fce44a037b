import Compute

extension Model {
    /// A model of a published size with random weights, made in memory: for measurements of speed.
    ///
    /// - Parameters:
    ///   - layers: of the language model, where fewer than published are wanted.
    ///   - visionDepth: blocks of the vision tower, likewise.
    ///   - type: how the matrices are stored.
    /// - Throws: `system(.outOfMemory)` where the system refuses the memory.
    public static func random(
        size: ModelSize, layers: Int? = nil, visionDepth: Int? = nil, type: ScalarType
    ) throws(ModelError) -> Model {
        try random(
            configuration: size.configuration(layers: layers, visionDepth: visionDepth),
            name: "random-\(size.rawValue)", type: type)
    }

    /// A model of any shape with random weights.
    ///
    /// Matrices and biases are even noise of standard deviation 0.02, as models are initialised,
    /// so that activations stay finite at every published depth; norms are ones and zeros. The
    /// same seed gives the same weights everywhere.
    public static func random(
        configuration: ModelConfiguration, name: String = "random", type: ScalarType,
        seed: UInt64 = 0
    ) throws(ModelError) -> Model {
        var source = RandomWeights(type: type, seed: seed)
        let vision = try VisionWeights(configuration, from: &source)
        let language = try LanguageWeights(configuration, from: &source)
        var print = Fingerprint()
        print.add("random \(type.rawValue) \(seed)")
        for need in configuration.requirements {
            print.add(need.name)
            for dimension in need.shape { print.add(dimension) }
        }
        return Model(
            configuration: configuration, vision: vision, language: language,
            fingerprint: print.text, name: name, scalarType: type)
    }
}

/// Makes weights by copying from a block of noise, each piece from another place in it: as fast
/// as memory is written.
private struct RandomWeights: TensorSource {
    private static let blockCount = 1 << 20
    /// Of an even distribution with standard deviation 0.02.
    private static let bound = Float(0.02 * 1.732_050_807_568_877_2)

    let type: ScalarType
    private var random: RandomSource
    private let noise: [Float]
    /// `noise` in the bytes of `type`.
    private let block: [UInt8]

    init(type: ScalarType, seed: UInt64) {
        self.type = type
        var random = RandomSource(seed: seed)
        let noise = (0..<Self.blockCount).map { _ in
            Float(random.unit() * 2 - 1) * Self.bound
        }
        block = [UInt8](unsafeUninitializedCapacity: noise.count * type.size) { target, count in
            _ = noise.withUnsafeBytes { source in
                ScalarConversion.convert(
                    source, .f32, into: UnsafeMutableRawBufferPointer(target), type)
            }
            count = noise.count * type.size
        }
        self.noise = noise
        self.random = random
    }

    mutating func matrix(
        _ name: String, rows: Int, columns: Int
    ) throws(ModelError) -> WeightMatrix {
        let count = rows * columns * type.size
        let storage: OwnedBytes
        do throws(ComputeError) {
            storage = try OwnedBytes(count: count) { bytes in fill(bytes) }
        } catch {
            throw .system(error)
        }
        return WeightMatrix(rows: rows, columns: columns, type: type, storage: storage)
    }

    private mutating func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        var done = 0
        while done < bytes.count {
            let start = Int(random.next() % UInt64(Self.blockCount)) * type.size
            let length = min(block.count - start, bytes.count - done)
            block.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: bytes[done..<done + length]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[start..<start + length]))
            }
            done += length
        }
    }

    mutating func vector(_ name: String, count: Int) throws(ModelError) -> [Float] {
        // Norms leave what they scale as it is; every other vector is a bias.
        let isNorm = name.contains("norm") || name.contains("ln_q")
        if isNorm { return [Float](repeating: name.hasSuffix(".weight") ? 1 : 0, count: count) }
        let start = Int(random.next() % UInt64(Self.blockCount))
        return (0..<count).map { noise[(start + $0) % noise.count] }
    }
}

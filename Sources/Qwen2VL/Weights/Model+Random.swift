import Compute

extension Model {
    /// A model of a published size with random weights, made in memory: for measurements of speed.
    ///
    /// - Parameters:
    ///   - layers: of the language model, where fewer than published are wanted.
    ///   - visionDepth: blocks of the vision tower, likewise.
    ///   - formats: how the matrices are stored; bf16 where nothing is said.
    /// - Throws: `system(.outOfMemory)` where the system refuses the memory.
    public static func random(
        size: ModelSize, layers: Int? = nil, visionDepth: Int? = nil, formats: WeightFormats
    ) throws(ModelError) -> Model {
        try random(
            configuration: size.configuration(layers: layers, visionDepth: visionDepth),
            name: "random-\(size.rawValue)", formats: formats)
    }

    /// A model of any shape with random weights.
    ///
    /// Matrices and biases are even noise of standard deviation 0.02, as models are initialised,
    /// so that activations stay finite at every published depth; norms are ones and zeros. The
    /// same seed gives the same weights everywhere.
    public static func random(
        configuration: ModelConfiguration, name: String = "random", formats: WeightFormats,
        seed: UInt64 = 0
    ) throws(ModelError) -> Model {
        var source = RandomWeights(formats: formats, seed: seed)
        let vision = try VisionWeights(configuration, from: &source)
        let language = try LanguageWeights(configuration, from: &source)
        var print = Fingerprint()
        let names = [formats.language, formats.vision].map { ($0 ?? .bf16).rawValue }
        print.add("random \(names.joined(separator: " ")) \(seed)")
        for need in configuration.requirements {
            print.add(need.name)
            for dimension in need.shape { print.add(dimension) }
        }
        return Model(
            configuration: configuration, vision: vision, language: language,
            fingerprint: print.text, name: name)
    }
}

/// Makes weights by copying from a block of noise, each piece from another place in it: as fast
/// as memory is written.
private struct RandomWeights: TensorSource {
    private static let blockCount = 1 << 20
    /// Of an even distribution with standard deviation 0.02.
    private static let bound = Float(0.02 * 1.732_050_807_568_877_2)

    private let formats: WeightFormats
    private var random: RandomSource
    private let noise: [Float]
    /// `noise` in the bytes of a format, each made when first needed.
    private var blocks: [WeightFormat: WeightMatrix] = [:]

    init(formats: WeightFormats, seed: UInt64) {
        self.formats = formats
        var random = RandomSource(seed: seed)
        noise = (0..<Self.blockCount).map { _ in
            Float(random.unit() * 2 - 1) * Self.bound
        }
        self.random = random
    }

    mutating func matrix(
        _ name: String, rows: Int, columns: Int
    ) throws(ModelError) -> WeightMatrix {
        let format = formats.format(
            of: WeightPart(tensor: name), stored: .bf16)
        do throws(ComputeError) {
            let block = try block(format)
            let storage = try OwnedBytes(
                count: format.byteCount(rows: rows, columns: columns)
            ) { fill($0, from: block) }
            return WeightMatrix(rows: rows, columns: columns, format: format, storage: storage)
        } catch {
            throw .system(error)
        }
    }

    mutating func head(
        rows: Int, columns: Int, tiedTo embedding: WeightMatrix?
    ) throws(ModelError) -> WeightMatrix {
        if let embedding, formats.format(of: .head, stored: .bf16) == embedding.format {
            return embedding
        }
        return try matrix("lm_head.weight", rows: rows, columns: columns)
    }

    private mutating func block(_ format: WeightFormat) throws(ComputeError) -> WeightMatrix {
        if let block = blocks[format] { return block }
        // As many rows as a group of the packed formats has side by side.
        let (rows, columns) = (16, noise.count / 16)
        let scalar = format.scalar ?? .f32
        let storage = try OwnedBytes(count: noise.count * scalar.size) { bytes in
            _ = noise.withUnsafeBytes { ScalarConversion.convert($0, .f32, into: bytes, scalar) }
        }
        var block = WeightMatrix(
            rows: rows, columns: columns, format: WeightFormat(scalar), storage: storage)
        if format.scalar == nil { block = try ThreadPool(threads: 1).pack(block, as: format) }
        blocks[format] = block
        return block
    }

    private mutating func fill(_ bytes: UnsafeMutableRawBufferPointer, from block: WeightMatrix) {
        // The smallest piece that stands for itself: a number, or a block of groups.
        let piece = block.format.scalar?.size ?? block.byteCount / (block.columns / 64)
        let pieces = UInt64(block.byteCount / piece)
        let source = UnsafeRawBufferPointer(start: block.base, count: block.byteCount)
        var done = 0
        while done < bytes.count {
            let start = Int(random.next() % pieces) * piece
            let length = min(source.count - start, bytes.count - done)
            UnsafeMutableRawBufferPointer(rebasing: bytes[done..<done + length]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: source[start..<start + length]))
            done += length
        }
        withExtendedLifetime(block.storage) {}
    }

    mutating func vector(_ name: String, count: Int) throws(ModelError) -> [Float] {
        // Norms leave what they scale as it is; every other vector is a bias.
        let isNorm = name.contains("norm") || name.contains("ln_q")
        if isNorm { return [Float](repeating: name.hasSuffix(".weight") ? 1 : 0, count: count) }
        let start = Int(random.next() % UInt64(Self.blockCount))
        return (0..<count).map { noise[(start + $0) % noise.count] }
    }
}

import Compute
import OrderedJSON

/// A checkpoint as it is to be stored: its matrices in groups as the kernels read them, so that
/// loading maps them and converts nothing.
///
/// One safetensors file: a matrix in groups is a tensor of bytes, `[blocks of rows, groups of
/// columns, bytes of a block]`, under its published name; all else is as it was. `Documentation/
/// Models.md` describes the layout.
public struct StoredModel {
    private struct Entry {
        var name: String
        var scalar: String
        var shape: [Int]
        var byteCount: Int
    }

    private let checkpoint: Checkpoint
    private let formats: WeightFormats
    private var source: CheckpointSource
    private let entries: [Entry]
    private let header: [UInt8]
    /// `config.json` of the stored checkpoint.
    public let config: [UInt8]

    /// Opens and checks a checkpoint, and works out what is to be written.
    ///
    /// - Parameters:
    ///   - folder: in the published layout.
    ///   - weights: in groups for at least one part of the model.
    /// - Throws: as ``Model/load(folder:projector:weights:threads:)``.
    public init(folder: String, weights: WeightFormats, threads: Int) throws(ModelError) {
        let checkpoint = try Checkpoint.open(folder: folder)
        guard let original = checkpoint.config else {
            throw .unsupported(path: folder, reason: .notConvertible)
        }
        self.checkpoint = checkpoint
        formats = weights
        source = CheckpointSource(checkpoint, formats: weights, threads: threads)
        let entries = Self.entries(checkpoint, source)
        header = Self.header(entries)
        self.entries = entries
        var config = original
        config["quantization_config"] = [
            "quant_method": .string(QuantizationSettings.ownMethod),
            "version": .int(QuantizationSettings.ownVersion),
            "group_size": .int(WeightFormat.packedColumns),
            "language": weights.language.map { .string($0.rawValue) } ?? nil,
            "vision": weights.vision.map { .string($0.rawValue) } ?? nil,
        ]
        self.config = Array((JSON.object(config).pretty + "\n").utf8)
    }

    /// Bytes of the file of weights.
    public var byteCount: Int { entries.reduce(header.count) { $0 + $1.byteCount } }

    /// Writes the file of weights, a matrix at a time.
    ///
    /// - Parameters:
    ///   - sink: gets the bytes in their order, once.
    /// - Throws: what `sink` throws; ``ModelError`` where a weight cannot be stored.
    public mutating func write(to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        try header.withUnsafeBytes { try sink($0) }
        for entry in entries {
            if entry.shape.count == 1 {
                let values = try source.stored(entry.name)
                try values.withUnsafeBytes { try sink($0) }
                continue
            }
            let matrix = try source.matrix(named: entry.name)
            guard matrix.byteCount == entry.byteCount else {
                preconditionFailure("\(entry.name) has \(matrix.byteCount) bytes")
            }
            try withExtendedLifetime(matrix.storage) {
                try sink(UnsafeRawBufferPointer(start: matrix.base, count: matrix.byteCount))
            }
        }
        try source.finish()
    }

    // MARK: - Layout

    /// What is in groups comes first, then what is wide: every tensor then lies where its numbers
    /// are aligned.
    private static func entries(_ checkpoint: Checkpoint, _ source: CheckpointSource) -> [Entry] {
        var needs = checkpoint.configuration.requirements
        let text = checkpoint.configuration.text
        if text.tieWordEmbeddings, source.headIsApart {
            needs.append(
                TensorRequirement(name: "lm_head.weight", shape: [text.vocabulary, text.hidden]))
        }
        let entries = needs.map { need in
            guard need.shape.count > 1 else {
                let isHalf = source.isHalf(need.name)
                return Entry(
                    name: need.name, scalar: isHalf ?? "F32", shape: need.shape,
                    byteCount: need.shape[0] * (isHalf == nil ? 4 : 2))
            }
            let format = source.format(of: need.name)
            let (rows, columns) = (need.shape[0], need.shape.dropFirst().reduce(1, *))
            let isPacked = format.scalar == nil
            return Entry(
                name: need.name, scalar: isPacked ? "U8" : format.rawValue.uppercased(),
                shape: isPacked ? format.packedShape(rows: rows, columns: columns) : need.shape,
                byteCount: format.byteCount(rows: rows, columns: columns))
        }
        let order = ["U8": 0, "F32": 1]
        return entries.enumerated().sorted {
            (order[$0.element.scalar] ?? 2, $0.offset) < (order[$1.element.scalar] ?? 2, $1.offset)
        }.map(\.element)
    }

    /// Blocks of our formats are a multiple of this, which is a line of the caches.
    private static let alignment = 64

    private static func header(_ entries: [Entry]) -> [UInt8] {
        var object: JSONObject = ["__metadata__": ["format": "pt"]]
        var offset = 0
        for entry in entries {
            object[entry.name] = [
                "dtype": .string(entry.scalar), "shape": .array(entry.shape.map(JSON.int)),
                "data_offsets": [.int(offset), .int(offset + entry.byteCount)],
            ]
            offset += entry.byteCount
        }
        var text = Array(JSON.object(object).compact.utf8)
        let rest = (text.count + 8) % alignment
        text += [UInt8](repeating: 0x20, count: (alignment - rest) % alignment)
        return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
    }
}

extension CheckpointSource {
    /// Whether a tied head is stored in another form than the embedding.
    fileprivate var headIsApart: Bool { headFormat != format(of: "model.embed_tokens.weight") }

    /// The matrix of a name in its format; a tied head's numbers are those of the embedding.
    fileprivate mutating func matrix(named name: String) throws(ModelError) -> WeightMatrix {
        let weight = weight(name == "lm_head.weight" ? headName : name)
        return try matrix(
            weight, rows: weight.rows, columns: weight.columns,
            as: format(of: name))
    }

    /// The type of a vector that is stored in 16 bits; nil for 32.
    fileprivate func isHalf(_ name: String) -> String? {
        guard case .numbers(_, let type) = weight(name), type != .f32 else { return nil }
        return type.rawValue.uppercased()
    }

    /// The bytes of a vector: as they are, or its numbers in 32 bits.
    fileprivate mutating func stored(_ name: String) throws(ModelError) -> [UInt8] {
        let weight = weight(name)
        // Also looks for numbers that are none.
        let values = try vector(name, count: weight.elements)
        if case .numbers(let tensor, _) = weight { return Array(tensor.bytes) }
        return values.withUnsafeBytes { Array($0) }
    }
}

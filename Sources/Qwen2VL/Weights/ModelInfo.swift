import Compute

/// What a checkpoint is, told without loading its weights.
public struct ModelInfo: Sendable, Equatable {
    /// A file with weights.
    public struct File: Sendable, Equatable {
        public let name: String
        public let bytes: Int
    }

    /// How many numbers are stored in one way.
    public struct StorageShare: Sendable, Equatable {
        /// `bf16`, `int4`, `awq-4`, `gptq-8`, `q4_k`, …
        public let stored: String
        /// Their form in memory where none is asked for.
        public let memory: WeightFormat
        /// Whether that form says exactly what the file says.
        public let isExact: Bool
        public let parameters: Int
    }

    public let name: String
    public let folder: String
    public let configuration: ModelConfiguration
    public let fingerprint: String
    /// Numbers in all weights; a tied head is not counted twice.
    public let parameters: Int
    /// Bytes of all weights as they are stored.
    public let bytes: Int
    /// Numbers by the way in which they are stored, most frequent first.
    public let types: [StorageShare]
    /// How tensors are named: one layout, in a sound checkpoint.
    public let layouts: [TensorLayout]
    public let files: [File]
    /// Tensors that the model has no use for.
    public let extraTensors: Int
    /// By the published names.
    private let stored: [String: Stored]

    private struct Stored: Equatable {
        var format: WeightFormat
        /// Whether it is used where it is mapped.
        var isInPlace: Bool
    }

    /// Opens and checks a checkpoint.
    ///
    /// - Throws: what ``Model/load(folder:projector:weights:threads:)`` throws.
    public static func read(
        folder: String, projector: String? = nil
    ) throws(ModelError) -> ModelInfo {
        ModelInfo(try Checkpoint.open(folder: folder, projector: projector))
    }

    init(_ checkpoint: Checkpoint) {
        name = checkpoint.name
        folder = checkpoint.path
        configuration = checkpoint.configuration
        fingerprint = checkpoint.fingerprint
        files = zip(checkpoint.fileNames, checkpoint.files).map {
            File(name: $0, bytes: $1.count)
        }
        layouts = TensorLayout.allCases.filter(checkpoint.layouts.contains)
        extraTensors = checkpoint.extraTensors
        struct Way: Hashable {
            var stored: String
            var memory: WeightFormat
            var isExact: Bool
        }
        var counts: [Way: Int] = [:]
        for need in checkpoint.configuration.requirements {
            guard let weight = checkpoint.weights[need.name] else { continue }
            let way = Way(
                stored: weight.storedName, memory: weight.natural,
                isExact: need.shape.count == 1 || weight.isExact)
            counts[way, default: 0] += weight.elements
        }
        stored = checkpoint.weights.mapValues {
            Stored(
                format: $0.natural, isInPlace: $0.inPlace(as: $0.natural)?.isAligned ?? false)
        }
        parameters = counts.values.reduce(0, +)
        bytes = checkpoint.weights.values.reduce(0) { sum, weight in
            weight.tensors.reduce(sum) { $0 + $1.byteCount }
        }
        types =
            counts
            .map {
                StorageShare(
                    stored: $0.stored, memory: $0.memory, isExact: $0.isExact, parameters: $1)
            }
            .sorted {
                ($0.parameters, $1.stored, $1.memory.rawValue)
                    > ($1.parameters, $0.stored, $0.memory.rawValue)
            }
    }

    /// Bytes that the weights take in memory when they are loaded as `weights`.
    ///
    /// Weights that are loaded as they are stay in the mapped files: the system can drop their
    /// pages under pressure, but runs slowly when it must.
    public func loadedBytes(weights: WeightFormats) -> Int {
        if weights == WeightFormats(), stored.values.allSatisfy(\.isInPlace) { return bytes }
        return Self.loadedBytes(of: configuration, weights: weights) { stored[$0] }
    }

    /// The same for a model whose matrices would all be stored as `stored`.
    public static func loadedBytes(
        of configuration: ModelConfiguration, stored: ScalarType, weights: WeightFormats
    ) -> Int {
        loadedBytes(of: configuration, weights: weights) {
            $0 == "lm_head.weight" && configuration.text.tieWordEmbeddings
                ? nil : Stored(format: WeightFormat(stored), isInPlace: true)
        }
    }

    private static func loadedBytes(
        of configuration: ModelConfiguration, weights: WeightFormats,
        stored: (String) -> Stored?
    ) -> Int {
        let text = configuration.text
        return configuration.requirements.reduce(0) { sum, tensor in
            let elements = tensor.shape.reduce(1, *)
            guard tensor.shape.count > 1 else { return sum + ScalarType.f32.size * elements }
            let rows = tensor.shape[0]
            func size(_ format: WeightFormat) -> Int {
                format.byteCount(rows: rows, columns: elements / rows)
            }
            let part = WeightPart(tensor: tensor.name)
            let own = stored(tensor.name) ?? Stored(format: .f32, isInPlace: false)
            let format = weights.format(of: part, stored: own.format)
            guard case .embedding = part, text.tieWordEmbeddings else { return sum + size(format) }
            // Rows of an embedding that is not the head are looked up where they are mapped.
            let head = weights.format(
                of: .head, stored: stored("lm_head.weight")?.format ?? own.format)
            let isApart = head != format && !(own.isInPlace && format == own.format)
            return sum + size(head) + (isApart ? size(format) : 0)
        }
    }
}

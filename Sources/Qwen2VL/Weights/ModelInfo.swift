import Compute

/// What a checkpoint is, told without loading its weights.
public struct ModelInfo: Sendable, Equatable {
    /// A file with weights.
    public struct File: Sendable, Equatable {
        public let name: String
        public let bytes: Int
    }

    /// How many numbers are stored as a type.
    public struct TypeShare: Sendable, Equatable {
        public let type: ScalarType
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
    /// Numbers by the type that they are stored as, most frequent first.
    public let types: [TypeShare]
    /// How tensors are named: one layout, in a sound checkpoint.
    public let layouts: [TensorLayout]
    public let files: [File]
    /// Tensors that the model has no use for.
    public let extraTensors: Int
    /// By the published names.
    private let storedTypes: [String: ScalarType]

    /// Opens and checks a checkpoint's folder.
    ///
    /// - Throws: what ``Model/load(folder:weights:)`` throws.
    public static func read(folder: String) throws(ModelError) -> ModelInfo {
        ModelInfo(try Checkpoint.open(folder: folder))
    }

    init(_ checkpoint: Checkpoint) {
        name = checkpoint.folder.modelName
        folder = checkpoint.folder.path
        configuration = checkpoint.configuration
        fingerprint = checkpoint.fingerprint
        files = zip(checkpoint.fileNames, checkpoint.files).map {
            File(name: $0, bytes: $1.count)
        }
        layouts = TensorLayout.allCases.filter(checkpoint.layouts.contains)
        extraTensors = checkpoint.extraTensors
        var counts: [ScalarType: Int] = [:]
        for tensor in checkpoint.tensors.values {
            guard let type = tensor.type else { continue }
            counts[type, default: 0] += tensor.elements
        }
        storedTypes = checkpoint.tensors.compactMapValues(\.type)
        parameters = counts.values.reduce(0, +)
        bytes = counts.reduce(0) { $0 + $1.key.size * $1.value }
        types = ScalarType.allCases
            .compactMap { type in counts[type].map { TypeShare(type: type, parameters: $0) } }
            .sorted { $0.parameters > $1.parameters }
    }

    /// Bytes that the weights take in memory when they are loaded as `weights`.
    ///
    /// Weights that are loaded as they are stay in the mapped files: the system can drop their
    /// pages under pressure, but runs slowly when it must.
    public func loadedBytes(weights: WeightFormats) -> Int {
        weights == WeightFormats()
            ? bytes
            : Self.loadedBytes(of: configuration, weights: weights) { storedTypes[$0] ?? .f32 }
    }

    /// The same for a model whose matrices would all be stored as `stored`.
    public static func loadedBytes(
        of configuration: ModelConfiguration, stored: ScalarType, weights: WeightFormats
    ) -> Int {
        loadedBytes(of: configuration, weights: weights) { _ in stored }
    }

    private static func loadedBytes(
        of configuration: ModelConfiguration, weights: WeightFormats,
        stored: (String) -> ScalarType
    ) -> Int {
        let text = configuration.text
        return configuration.requirements.reduce(0) { sum, tensor in
            let elements = tensor.shape.reduce(1, *)
            guard tensor.shape.count > 1 else { return sum + ScalarType.f32.size * elements }
            var part = WeightPart(tensor: tensor.name, layers: text.layers)
            // Rows of an embedding that is not the head are looked up where they are mapped.
            if case .embedding = part, text.tieWordEmbeddings { part = .head }
            let format = weights.format(of: part, stored: stored(tensor.name))
            let rows = tensor.shape[0]
            return sum + format.byteCount(rows: rows, columns: elements / rows)
        }
    }
}

import Compute

extension Model {
    /// Loads a checkpoint.
    ///
    /// Matrices are used where they lie in the mapped files, without a copy, unless another type
    /// is asked for or their form is none of ours; norms and biases are widened. A checkpoint that
    /// is opened has been checked in full, except for the bytes of its matrices.
    ///
    /// - Parameters:
    ///   - folder: the published safetensors layout, in one file or in shards; or a GGUF file of
    ///     a language model.
    ///   - projector: the GGUF file of the vision tower; nil: looked for beside the other.
    ///   - weights: how the matrices are to be stored. They are converted tensor by tensor, each
    ///     leaving memory in its old form as it enters it in the new one. Narrowing rounds to
    ///     nearest, ties to even.
    ///   - threads: that convert.
    /// - Throws: `damaged` with all faults together; the other cases of ``ModelError``.
    public static func load(
        folder: String, projector: String? = nil, weights: WeightFormats = WeightFormats(),
        threads: Int = ThreadPool.performanceCores
    ) throws(ModelError) -> Model {
        let checkpoint = try Checkpoint.open(folder: folder, projector: projector)
        var source = CheckpointSource(checkpoint, formats: weights, threads: threads)
        let vision = try VisionWeights(checkpoint.configuration, from: &source)
        let language = try LanguageWeights(checkpoint.configuration, from: &source)
        try source.finish()
        return Model(
            configuration: checkpoint.configuration, vision: vision, language: language,
            fingerprint: checkpoint.fingerprint, name: checkpoint.name)
    }
}

/// Gives the weights of an opened checkpoint.
struct CheckpointSource: TensorSource {
    private let checkpoint: Checkpoint
    private let formats: WeightFormats
    private let threads: Int
    /// Values that no model can work with.
    private var faults: [Fault] = []
    /// For packing; made when first needed.
    private var pool: ThreadPool?

    init(_ checkpoint: Checkpoint, formats: WeightFormats, threads: Int) {
        self.checkpoint = checkpoint
        self.formats = formats
        self.threads = threads
    }

    /// - Throws: `damaged` where values cannot be used; `system` where a file changed meanwhile.
    func finish() throws(ModelError) {
        guard faults.isEmpty else { throw .damaged(path: checkpoint.path, faults: faults) }
        for file in checkpoint.files {
            do throws(ComputeError) {
                try file.checkUnchanged()
            } catch {
                throw .system(error)
            }
        }
    }

    func weight(_ name: String) -> StoredWeight {
        guard let weight = checkpoint.weights[name] else {
            preconditionFailure("\(name) is used but not among the requirements")
        }
        return weight
    }

    /// The format of a matrix in memory.
    func format(of name: String) -> WeightFormat {
        if name == "lm_head.weight" { return headFormat }
        return formats.format(of: WeightPart(tensor: name), stored: weight(name).natural)
    }

    mutating func matrix(
        _ name: String, rows: Int, columns: Int
    ) throws(ModelError) -> WeightMatrix {
        try matrix(weight(name), rows: rows, columns: columns, as: format(of: name))
    }

    mutating func head(
        rows: Int, columns: Int, tiedTo embedding: WeightMatrix?
    ) throws(ModelError) -> WeightMatrix {
        if let embedding, headName != "lm_head.weight", headFormat == embedding.format {
            return embedding
        }
        return try matrix(weight(headName), rows: rows, columns: columns, as: headFormat)
    }

    /// Where the numbers of the head are: a tied head can stand in the files as well, in groups.
    var headName: String {
        let own = "lm_head.weight"
        return checkpoint.weights[own] == nil ? "model.embed_tokens.weight" : own
    }

    var headFormat: WeightFormat {
        formats.format(of: .head, stored: weight(headName).natural)
    }

    mutating func matrix(
        _ weight: StoredWeight, rows: Int, columns: Int, as format: WeightFormat
    ) throws(ModelError) -> WeightMatrix {
        // The formats of files do not promise alignment; kernels need that of the scalar.
        if let (tensor, isAligned) = weight.inPlace(as: format), isAligned {
            return WeightMatrix(
                rows: rows, columns: columns, format: format, storage: tensor.file,
                offset: tensor.offset)
        }
        let pool = pool ?? ThreadPool(threads: threads)
        self.pool = pool
        var isFinite = true
        let storage: OwnedBytes
        do throws(ComputeError) {
            storage = try OwnedBytes(count: format.byteCount(rows: rows, columns: columns)) {
                isFinite = weight.convert(
                    rows: rows, columns: columns, to: format, in: $0, pool: pool)
            }
        } catch {
            throw .system(error)
        }
        for tensor in weight.tensors {
            if !isFinite {
                faults.append(
                    Fault(
                        tensor.fileName, tensor.name,
                        .outOfRange(value: "a weight", allowed: "finite as \(format.rawValue)")))
                isFinite = true
            }
            tensor.file.forget(tensor.offset..<tensor.offset + tensor.byteCount)
        }
        return WeightMatrix(rows: rows, columns: columns, format: format, storage: storage)
    }

    mutating func vector(_ name: String, count: Int) throws(ModelError) -> [Float] {
        let weight = weight(name)
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            let target = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
            weight.expandAll(into: target)
            initialized = count
        }
        if !values.allSatisfy(\.isFinite), let tensor = weight.tensors.first {
            faults.append(
                Fault(
                    tensor.fileName, tensor.name,
                    .outOfRange(value: "a value", allowed: "finite")))
        }
        return values
    }
}

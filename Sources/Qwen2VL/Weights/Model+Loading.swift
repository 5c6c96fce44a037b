import Compute

extension Model {
    /// Loads a checkpoint's folder.
    ///
    /// Matrices are used where they lie in the mapped files, without a copy, unless another type
    /// is asked for; norms and biases are widened. A checkpoint that is opened has been checked in
    /// full, except for the bytes of its matrices.
    ///
    /// - Parameters:
    ///   - folder: the published safetensors layout, in one file or in shards.
    ///   - weights: how the matrices are to be stored. They are converted tensor by tensor, each
    ///     leaving memory in its old form as it enters it in the new one. Narrowing rounds to
    ///     nearest, ties to even.
    ///   - threads: that convert.
    /// - Throws: `damaged` with all faults together; the other cases of ``ModelError``.
    public static func load(
        folder: String, weights: WeightFormats = WeightFormats(),
        threads: Int = ThreadPool.performanceCores
    ) throws(ModelError) -> Model {
        let checkpoint = try Checkpoint.open(folder: folder)
        var source = CheckpointSource(
            tensors: checkpoint.tensors, formats: weights,
            layers: checkpoint.configuration.text.layers, threads: threads)
        let vision = try VisionWeights(checkpoint.configuration, from: &source)
        let language = try LanguageWeights(checkpoint.configuration, from: &source)
        guard source.faults.isEmpty else {
            throw .damaged(path: folder, faults: source.faults)
        }
        for file in checkpoint.files {
            do throws(ComputeError) {
                try file.checkUnchanged()
            } catch {
                throw .system(error)
            }
        }
        return Model(
            configuration: checkpoint.configuration, vision: vision, language: language,
            fingerprint: checkpoint.fingerprint, name: checkpoint.folder.modelName)
    }
}

/// Gives the weights of an opened checkpoint.
private struct CheckpointSource: TensorSource {
    let tensors: [String: StoredTensor]
    let formats: WeightFormats
    let layers: Int
    let threads: Int
    /// Values that no model can work with.
    var faults: [Fault] = []
    /// For packing; made when first needed.
    private var pool: ThreadPool?

    init(tensors: [String: StoredTensor], formats: WeightFormats, layers: Int, threads: Int) {
        self.tensors = tensors
        self.formats = formats
        self.layers = layers
        self.threads = threads
    }

    private func tensor(_ name: String) -> (StoredTensor, ScalarType) {
        guard let tensor = tensors[name], let type = tensor.type else {
            preconditionFailure("\(name) is used but not among the requirements")
        }
        return (tensor, type)
    }

    mutating func matrix(
        _ name: String, rows: Int, columns: Int
    ) throws(ModelError) -> WeightMatrix {
        let (tensor, type) = tensor(name)
        let format = formats.format(
            of: WeightPart(tensor: name, layers: layers), stored: type)
        guard let target = format.scalar else {
            return try packed(tensor, type, rows: rows, columns: columns, as: format)
        }
        // The format does not promise alignment; kernels need that of the scalar.
        if target == type, tensor.offset % type.size == 0 {
            return WeightMatrix(
                rows: rows, columns: columns, format: format, storage: tensor.file,
                offset: tensor.offset)
        }
        var fits = true
        let storage: OwnedBytes
        do throws(ComputeError) {
            storage = try OwnedBytes(count: tensor.elements * target.size) { bytes in
                fits = ScalarConversion.convert(tensor.bytes, type, into: bytes, target)
            }
        } catch {
            throw .system(error)
        }
        if !fits {
            faults.append(
                Fault(
                    tensor.fileName, tensor.name,
                    .outOfRange(
                        value: "a weight", allowed: "finite as \(target.rawValue)")))
        }
        tensor.file.forget(tensor.offset..<tensor.offset + tensor.byteCount)
        return WeightMatrix(rows: rows, columns: columns, format: format, storage: storage)
    }

    mutating func head(
        rows: Int, columns: Int, tiedTo embedding: WeightMatrix?
    ) throws(ModelError) -> WeightMatrix {
        guard let embedding else {
            return try matrix("lm_head.weight", rows: rows, columns: columns)
        }
        let (tensor, type) = tensor("model.embed_tokens.weight")
        let format = formats.format(of: .head, stored: type)
        return format == embedding.format
            ? embedding : try packed(tensor, type, rows: rows, columns: columns, as: format)
    }

    private mutating func packed(
        _ tensor: StoredTensor, _ type: ScalarType, rows: Int, columns: Int,
        as format: WeightFormat
    ) throws(ModelError) -> WeightMatrix {
        let pool = pool ?? ThreadPool(threads: threads)
        self.pool = pool
        let stored = WeightMatrix(
            rows: rows, columns: columns, format: WeightFormat(type), storage: tensor.file,
            offset: tensor.offset)
        let result: WeightMatrix
        do throws(ComputeError) {
            result = try pool.pack(stored, as: format)
        } catch {
            throw .system(error)
        }
        tensor.file.forget(tensor.offset..<tensor.offset + tensor.byteCount)
        return result
    }

    mutating func vector(_ name: String, count: Int) throws(ModelError) -> [Float] {
        let (tensor, type) = tensor(name)
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            let target = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
            ScalarConversion.widen(tensor.bytes, type, into: target)
            initialized = count
        }
        if !values.allSatisfy(\.isFinite) {
            faults.append(
                Fault(
                    tensor.fileName, tensor.name,
                    .outOfRange(value: "a value", allowed: "finite")))
        }
        return values
    }
}

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
    ///     leaving memory in its old form as it enters it in the new one; nil leaves them as they
    ///     are. Narrowing rounds to nearest, ties to even.
    /// - Throws: `damaged` with all faults together; the other cases of ``ModelError``.
    public static func load(
        folder: String, weights: ScalarType? = nil
    ) throws(ModelError) -> Model {
        let checkpoint = try Checkpoint.open(folder: folder)
        var source = CheckpointSource(tensors: checkpoint.tensors, target: weights)
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
            fingerprint: checkpoint.fingerprint, name: checkpoint.folder.modelName,
            scalarType: language.layers[0].gate.weight.type)
    }
}

/// Gives the weights of an opened checkpoint.
private struct CheckpointSource: TensorSource {
    let tensors: [String: StoredTensor]
    let target: ScalarType?
    /// Values that no model can work with.
    var faults: [Fault] = []

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
        let target = target ?? type
        // The format does not promise alignment; kernels need that of the scalar.
        if target == type, tensor.offset % type.size == 0 {
            return WeightMatrix(
                rows: rows, columns: columns, type: type, storage: tensor.file,
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
        return WeightMatrix(rows: rows, columns: columns, type: target, storage: storage)
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

import Compute
import OrderedJSON

/// A checkpoint whose files are mapped and whose every fault has been looked for.
///
/// Opening reads the JSON files, the headers and samples of the tensors; the weights stay where
/// they are.
struct Checkpoint {
    /// The folder, or the GGUF file of the language model.
    let path: String
    let name: String
    let configuration: ModelConfiguration
    /// The required weights, by their published names.
    let weights: [String: StoredWeight]
    /// In the order in which the checkpoint lists them.
    let files: [MappedFile]
    let fileNames: [String]
    let layouts: Set<TensorLayout>
    /// Tensors of the files that the model has no use for.
    let extraTensors: Int
    let fingerprint: String
    /// `config.json`; nil where there is none.
    var config: JSONObject?

    /// Opens a folder in the published layout, a GGUF file, or a folder of GGUF files.
    ///
    /// - Parameter projector: the GGUF file of the vision tower; nil: looked for beside the other.
    /// - Throws: `notFound`; `unsupported`; or `damaged` with all faults of configuration and
    ///   tensors together.
    static func open(
        folder path: String, projector: String? = nil
    ) throws(ModelError) -> Checkpoint {
        if let pair = try GGUFPair.find(at: path, projector: projector) { return try open(pair) }
        let folder = try Folder(path: path)
        try refuseForeignWeights(in: folder)
        guard folder.names.contains(CheckpointFile.config) else {
            throw .notFound(path: path, reason: .noConfiguration)
        }

        var faults: [Fault] = []
        func object(_ name: String) -> (bytes: [UInt8], object: JSONObject)? {
            guard folder.names.contains(name) else { return nil }
            switch CheckpointFile.object(name, in: path) {
            case .success(let found): return found
            case .failure(let fault):
                faults.append(fault)
                return nil
            }
        }
        let config = object(CheckpointFile.config)
        let generation = object(CheckpointFile.generation)
        let preprocessor = object(CheckpointFile.preprocessor)
        var read = ReadConfiguration()
        if let config {
            read = ModelConfiguration.read(
                config: config.object, generation: generation?.object,
                preprocessor: preprocessor?.object)
            if let reason = read.unsupported { throw .unsupported(path: path, reason: reason) }
            faults += read.faults
        }

        var collection = TensorCollection(folder: folder)
        collection.collect()
        faults += collection.faults
        var resolver = WeightResolver(
            tensors: collection.tensors, settings: read.quantization,
            place: collection.fileNames.count == 1
                ? collection.fileNames[0] : CheckpointFile.index)
        var weights: [String: StoredWeight] = [:]
        if let configuration = read.configuration {
            for need in configuration.requirements { weights[need.name] = resolver.weight(need) }
            weights["lm_head.weight"] =
                weights["lm_head.weight"] ?? resolver.ownHead(configuration.text)
        }
        faults += resolver.faults
        guard faults.isEmpty, let configuration = read.configuration, let config else {
            throw .damaged(path: path, faults: faults)
        }
        return Checkpoint(
            path: path, name: folder.modelName, configuration: configuration, weights: weights,
            files: collection.files, fileNames: collection.fileNames,
            layouts: collection.layouts,
            extraTensors: collection.stored - resolver.used.count,
            fingerprint: Fingerprint.of(
                config: config.bytes, files: collection.files, tensors: collection.tensors.values),
            config: config.object)
    }

    /// Says what is wrong with a folder whose weights are in another format.
    private static func refuseForeignWeights(in folder: Folder) throws(ModelError) {
        guard
            folder.names.isDisjoint(with: [CheckpointFile.weights, CheckpointFile.index])
        else { return }
        let names = folder.names.sorted()
        if let file = names.first(where: { $0.hasPrefix("pytorch_model") || $0.hasSuffix(".pth") })
        {
            throw .unsupported(path: folder.path, reason: .pickledWeights(file: file))
        }
        throw .notFound(
            path: folder.path,
            reason: folder.names.contains(CheckpointFile.config) ? .noWeights : .noConfiguration)
    }
}

/// The tensors of one file, or of the shards that an index names.
struct TensorCollection {
    let folder: Folder
    private(set) var faults: [Fault] = []
    /// By published name.
    private(set) var tensors: [String: StoredTensor] = [:]
    private(set) var files: [MappedFile] = []
    private(set) var fileNames: [String] = []
    private(set) var layouts: Set<TensorLayout> = []
    /// Tensors in all files, useful or not.
    private(set) var stored = 0

    /// Files that an index may name.
    private static let shardLimit = 4096

    init(folder: Folder) { self.folder = folder }

    /// Reads the headers of all files.
    mutating func collect() {
        // Where both are there, libraries take the single file.
        if folder.names.contains(CheckpointFile.weights) {
            for tensor in read(CheckpointFile.weights) ?? [] { take(tensor) }
        } else {
            collectShards()
        }
    }

    private mutating func collectShards() {
        let index: JSONObject
        switch CheckpointFile.object(CheckpointFile.index, in: folder.path) {
        case .success(let found): index = found.object
        case .failure(let fault):
            faults.append(fault)
            return
        }
        guard let map = index["weight_map"]?.object else {
            report(CheckpointFile.index, "weight_map", .wrongType(expected: "an object"))
            return
        }
        if let key = map.firstRepeatedKey { report(CheckpointFile.index, key, .repeated) }
        var shards: [String: [String: StoredTensor]] = [:]
        var broken: Set<String> = []
        for member in map.members {
            guard let shard = member.value.string else {
                report(CheckpointFile.index, member.key, .wrongType(expected: "a file name"))
                continue
            }
            if broken.contains(shard) { continue }
            if shards[shard] == nil {
                guard Self.isPlain(shard), shards.count < Self.shardLimit else {
                    broken.insert(shard)
                    report(CheckpointFile.index, member.key, .unsafeName(shard))
                    continue
                }
                guard let found = read(shard) else {
                    broken.insert(shard)
                    continue
                }
                shards[shard] = Dictionary(
                    found.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            }
            if let tensor = shards[shard]?[member.key] {
                take(tensor)
            } else {
                report(CheckpointFile.index, member.key, .notInFile(shard))
            }
        }
    }

    /// Whether a name can only mean a file directly in the folder.
    private static func isPlain(_ name: String) -> Bool {
        name.hasSuffix(".safetensors") && !name.hasPrefix(".")
            && !name.utf8.contains {
                $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 < 32
            }
    }

    /// The sound tensors of a file; nil where it cannot be opened.
    private mutating func read(_ name: String) -> [StoredTensor]? {
        let file: MappedFile
        do throws(ComputeError) {
            file = try MappedFile(path: folder.path + "/" + name)
        } catch {
            report(name, "", error.asProblem)
            return nil
        }
        files.append(file)
        fileNames.append(name)
        var reader = SafetensorsReader(file: file, name: name)
        let found = reader.tensors()
        faults += reader.faults
        stored += found.count
        return found
    }

    private mutating func take(_ tensor: StoredTensor) {
        let (name, layout) = TensorLayout.canonical(tensor.name)
        if let layout { layouts.insert(layout) }
        if tensors.updateValue(tensor, forKey: name) != nil {
            report(tensor.fileName, tensor.name, .repeated)
        }
    }

    private mutating func report(_ file: String, _ subject: String, _ problem: Fault.Problem) {
        faults.append(Fault(file, subject, problem))
    }
}

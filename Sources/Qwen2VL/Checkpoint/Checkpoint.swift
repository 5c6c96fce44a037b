import Compute
import OrderedJSON

/// A checkpoint whose files are mapped and whose every fault has been looked for.
///
/// Opening reads the JSON files, the headers and samples of the tensors; the weights stay where
/// they are.
struct Checkpoint {
    let folder: Folder
    let configuration: ModelConfiguration
    /// The required tensors, by their published names.
    let tensors: [String: StoredTensor]
    /// In the order in which the checkpoint lists them.
    let files: [MappedFile]
    let fileNames: [String]
    let layouts: Set<TensorLayout>
    /// Tensors of the files that the model has no use for.
    let extraTensors: Int
    let fingerprint: String

    /// Opens a folder in the published layout.
    ///
    /// - Throws: `notFound`; `unsupported`; or `damaged` with all faults of configuration and
    ///   tensors together.
    static func open(folder path: String) throws(ModelError) -> Checkpoint {
        let folder: Folder
        do {
            folder = try Folder(path: path)
        } catch .notFound(_, .notFolder) where path.hasSuffix(".gguf") {
            throw .unsupported(path: path, reason: .gguf(file: "this"))
        }
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
        if let configuration = read.configuration {
            faults += collection.check(configuration.requirements)
        }
        guard faults.isEmpty, let configuration = read.configuration, let config else {
            throw .damaged(path: path, faults: faults)
        }
        let required = Set(configuration.requirements.map(\.name))
        return Checkpoint(
            folder: folder, configuration: configuration,
            tensors: collection.tensors.filter { required.contains($0.key) },
            files: collection.files, fileNames: collection.fileNames,
            layouts: collection.layouts,
            extraTensors: collection.stored - required.count,
            fingerprint: collection.fingerprint(config: config.bytes))
    }

    /// Says what is wrong with a folder whose weights are in another format.
    private static func refuseForeignWeights(in folder: Folder) throws(ModelError) {
        guard
            folder.names.isDisjoint(with: [CheckpointFile.weights, CheckpointFile.index])
        else { return }
        let names = folder.names.sorted()
        if let file = names.first(where: { $0.hasSuffix(".gguf") }) {
            throw .unsupported(path: folder.path, reason: .gguf(file: file))
        }
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

    /// What is wrong with the tensors that a model needs.
    func check(_ requirements: [TensorRequirement]) -> [Fault] {
        let place = fileNames.count == 1 ? fileNames[0] : CheckpointFile.index
        return requirements.compactMap { need in
            guard let tensor = tensors[need.name] else {
                return Fault(place, need.name, .missing)
            }
            guard tensor.shape == need.shape else {
                return Fault(
                    tensor.fileName, tensor.name,
                    .wrongShape(found: tensor.shape, expected: need.shape))
            }
            guard tensor.type != nil else {
                return Fault(tensor.fileName, tensor.name, .wrongScalarType(found: tensor.scalar))
            }
            return nil
        }
    }

    /// Bytes that are sampled at the front, in the middle and at the end of a tensor.
    private static let sampleBytes = 4096

    /// A name for this content that does not need all of it to be read.
    ///
    /// It covers the bytes of the configuration, the size of every file, and of every tensor the
    /// name, type, shape and the first, middle and last 4 KiB. Two checkpoints that differ only
    /// elsewhere have the same fingerprint; training changes nearly every weight, so this does
    /// not happen by itself.
    func fingerprint(config: [UInt8]) -> String {
        var print = Fingerprint()
        print.add(config.count)
        print.add(config)
        for file in files { print.add(file.count) }
        // Sorted by the spelled name's bytes: independent of the order in an index.
        let all = tensors.values.sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
        for tensor in all {
            print.add(tensor.name)
            print.add(tensor.scalar)
            print.add(tensor.shape.count)
            for dimension in tensor.shape { print.add(dimension) }
            let bytes = tensor.bytes
            let length = min(Self.sampleBytes, bytes.count)
            let last = bytes.count - length
            for start in Set([0, last / 2, last]).sorted() {
                print.add(bytes[start..<start + length])
            }
        }
        return print.text
    }
}

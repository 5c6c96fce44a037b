import Compute

/// Why a model cannot be used.
public enum ModelError: Error, Sendable, Equatable {
    /// No checkpoint there.
    case notFound(path: String, reason: NotFoundReason)
    /// Everything that is wrong with the files of one checkpoint, found in one pass.
    case damaged(path: String, faults: [Fault])
    /// A sound model that this program cannot run.
    case unsupported(path: String, reason: UnsupportedReason)
    /// The system gave no memory, or took a file away.
    case system(ComputeError)

    public enum NotFoundReason: Sendable, Equatable {
        case noFolder
        case noFile
        case notFolder
        /// No `config.json`.
        case noConfiguration
        /// A configuration, but no file with weights.
        case noWeights
        /// A GGUF file of a language model, and none of a vision tower beside it.
        case noProjector
        /// Several GGUF files, none of which was named.
        case severalFiles([String])
    }

    public enum UnsupportedReason: Sendable, Equatable {
        case modelType(String)
        case quantized(method: String)
        case pickledWeights(file: String)
        /// Only checkpoints with a `config.json` can be stored in another form.
        case notConvertible
        /// A key of the configuration that asks for other arithmetic.
        case setting(file: String, key: String, value: String, supported: String)
    }
}

extension ModelError {
    /// The stable code of the error document.
    public var code: String {
        switch self {
        case .notFound: "model.not_found"
        case .damaged: "model.damaged"
        case .unsupported: "model.unsupported"
        case .system(.outOfMemory): "limit.memory"
        case .system: "model.damaged"
        }
    }

    /// The exit code of the process: model or configuration wrong or missing.
    public var exitCode: Int32 { 78 }

    /// Whether the same call can succeed later without a change.
    public var retryable: Bool {
        if case .system(.outOfMemory) = self { true } else { false }
    }

    /// What to do about it, or nil where the message says it all.
    public var hint: String? {
        switch self {
        case .notFound(_, .noWeights):
            "the download may be incomplete: fetch the folder again, with every *.safetensors file"
        case .notFound(_, .noProjector):
            "put the mmproj file of the same model beside it, or name it with --mmproj"
        case .notFound(_, .severalFiles): "name the one that is meant"
        case .notFound:
            "give a folder that holds config.json and model.safetensors (or its shards and index)"
        case .damaged: "fetch the listed files again and compare their sizes with the source"
        case .unsupported(_, .modelType): "use a checkpoint of Qwen2-VL (2B, 7B or 72B)"
        case .unsupported(_, .quantized):
            "use the 16-bit checkpoint (--weights makes it smaller while it is loaded), or one of AWQ or GPTQ"
        case .unsupported(_, .pickledWeights):
            "convert it to safetensors: pickled files can run code and are not read"
        case .unsupported(_, .notConvertible): "use the safetensors checkpoint of the same model"
        case .unsupported(_, .setting): nil
        case .system(.outOfMemory): "use a smaller checkpoint, or 16-bit weights"
        case .system: nil
        }
    }
}

extension ModelError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound(let path, let reason): "\(path): \(reason.description)"
        case .damaged(let path, let faults): ModelError.list(faults, path: path)
        case .unsupported(let path, let reason): "\(path): \(reason.description)"
        case .system(let error): error.description
        }
    }

    /// Faults that are shown before the rest is only counted: a wrong width spoils every tensor.
    private static let shownFaults = 20

    private static func list(_ faults: [Fault], path: String) -> String {
        let shown = faults.prefix(shownFaults).map { "\n  - \($0)" }.joined()
        let rest = faults.count - min(faults.count, shownFaults)
        let number = faults.count == 1 ? "1 fault" : "\(faults.count) faults"
        return "\(path): not a usable checkpoint, \(number):" + shown
            + (rest > 0 ? "\n  - and \(rest) more" : "")
    }
}

extension ModelError.NotFoundReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noFolder: "no such folder"
        case .noFile: "no such file"
        case .notFolder: "not a folder"
        case .noConfiguration: "the folder has no config.json"
        case .noWeights: "the folder has no model.safetensors and no model.safetensors.index.json"
        case .noProjector: "no GGUF file of its vision tower (mmproj) beside it"
        case .severalFiles(let names):
            "several GGUF files could be meant: \(names.joined(separator: ", "))"
        }
    }
}

extension ModelError.UnsupportedReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .modelType(let type): "model type \"\(type)\" is not supported, only \"qwen2_vl\""
        case .quantized(let method): "weights quantized by \"\(method)\" are not supported"
        case .pickledWeights(let file): "the only weights are in \(file), which is not safetensors"
        case .notConvertible: "a GGUF file, of which no smaller copy is made"
        case .setting(let file, let key, let value, let supported):
            "\(file): \(key) is \(value), but only \(supported) is supported"
        }
    }
}

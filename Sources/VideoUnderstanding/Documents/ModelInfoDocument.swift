import OrderedJSON

/// A file of a checkpoint.
public struct CheckpointFileRecord: Sendable, Equatable {
    public var name: String
    public var bytes: Int

    public init(name: String, bytes: Int) {
        self.name = name
        self.bytes = bytes
    }

    var json: JSON { ["name": .string(name), "bytes": .int(bytes)] }
}

/// Numbers that are stored in one way.
public struct StorageRecord: Sendable, Equatable {
    /// In the files: `bf16`, `awq-4`, `gptq-8`, `q4_k`, …
    public var stored: String
    /// In memory, where `--weights` asks for nothing else.
    public var memory: String
    /// Whether memory holds exactly what the files say.
    public var isExact: Bool
    public var parameters: Int

    public init(stored: String, memory: String, isExact: Bool, parameters: Int) {
        self.stored = stored
        self.memory = memory
        self.isExact = isExact
        self.parameters = parameters
    }

    var json: JSON {
        [
            "stored": .string(stored), "memory": .string(memory), "exact": .bool(isExact),
            "parameters": .int(parameters),
        ]
    }
}

/// How many numbers the parts of a model hold.
public struct ParameterCounts: Sendable, Equatable {
    public var vision: Int
    public var language: Int

    public init(vision: Int, language: Int) {
        self.vision = vision
        self.language = language
    }

    public var total: Int { vision + language }

    var json: JSON {
        ["vision": .int(vision), "language": .int(language), "total": .int(total)]
    }
}

/// `reelscribe/model-info@1`: what a checkpoint is.
public struct ModelInfoDocument: Document, Equatable {
    public static let kind = DocumentKind.modelInfo

    public var path: String
    public var name: String
    public var fingerprint: String
    /// As `config.json` names it.
    public var architecture: String
    /// Storage of the large matrices.
    public var weights: String
    /// Every way in which numbers are stored, most frequent first.
    public var storage: [StorageRecord]
    /// Bytes of the weights in memory, where `--weights` asks for nothing else.
    public var memory: Int
    public var parameters: ParameterCounts
    public var files: [CheckpointFileRecord]
    /// Sizes of the language model, in the order in which they should be read.
    public var text: JSONObject
    /// Sizes of the vision tower.
    public var vision: JSONObject
    /// Defaults of text generation that the checkpoint states.
    public var generation: JSONObject
    /// Pixel limits and normalisation.
    public var preprocessor: JSONObject
    /// Kind, size and special tokens.
    public var tokenizer: JSONObject
    public var warnings: [WarningRecord]

    public init(
        path: String, name: String, fingerprint: String, architecture: String, weights: String,
        storage: [StorageRecord], memory: Int, parameters: ParameterCounts,
        files: [CheckpointFileRecord], text: JSONObject,
        vision: JSONObject, generation: JSONObject, preprocessor: JSONObject,
        tokenizer: JSONObject, warnings: [WarningRecord] = []
    ) {
        self.path = path
        self.name = name
        self.fingerprint = fingerprint
        self.architecture = architecture
        self.weights = weights
        self.storage = storage
        self.memory = memory
        self.parameters = parameters
        self.files = files
        self.text = text
        self.vision = vision
        self.generation = generation
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.warnings = warnings
    }

    public var json: JSON {
        var members = ObjectBuilder(Self.kind)
        members.add("path", path)
        members.add("name", name)
        members.add("fingerprint", fingerprint)
        members.add("architecture", architecture)
        members.add("weights", weights)
        members.add("bytes", files.reduce(0) { $0 + $1.bytes })
        members.add("storage", .array(storage.map(\.json)))
        members.add("memory_bytes", memory)
        members.add("parameters", parameters.json)
        members.add("files", .array(files.map(\.json)))
        members.add("text", .object(text))
        members.add("vision", .object(vision))
        members.add("generation", .object(generation))
        members.add("preprocessor", .object(preprocessor))
        members.add("tokenizer", .object(tokenizer))
        members.add("warnings", .array(warnings.map(\.json)))
        members.add("tool", ToolRecord.current.json)
        return members.json
    }
}

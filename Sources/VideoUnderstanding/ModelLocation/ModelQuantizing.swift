import Compute
import Qwen2VL
import Text

/// Stores a smaller copy of a checkpoint.
public struct ModelQuantizing: Sendable {
    public var source: LocatedModel
    /// The folder to write.
    public var output: String
    public var weights: WeightFormats
    public var threads: Int
    /// Whether a checkpoint that is there already is replaced.
    public var isForced: Bool

    public init(
        source: LocatedModel, output: String, weights: WeightFormats, threads: Int, isForced: Bool
    ) {
        self.source = source
        self.output = output
        self.weights = weights
        self.threads = threads
        self.isForced = isForced
    }

    /// Files that a checkpoint is not whole without, or that other tools look for.
    private static let companions = [
        "generation_config.json", "preprocessor_config.json", "video_preprocessor_config.json",
        "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "added_tokens.json",
        "special_tokens_map.json", "chat_template.json", "chat_template.jinja", "LICENSE",
    ]

    /// Bytes beyond the weights that are asked for when the disk is looked at.
    private static let reserve = 32 << 20

    /// Writes the folder, as a whole or not at all.
    ///
    /// - Parameter onBytes: gets the bytes written so far and all of them, and may throw to end
    ///   the work.
    /// - Returns: what the new checkpoint is, after it was opened and checked.
    public func run(
        onBytes: (_ done: Int, _ total: Int) throws -> Void
    ) throws(Failure) -> ModelInfoDocument {
        do {
            return try write(onBytes: onBytes)
        } catch {
            throw Failure(error, stage: .model)
        }
    }

    private func write(onBytes: (Int, Int) throws -> Void) throws -> ModelInfoDocument {
        guard weights.language?.isPacked == true || weights.vision?.isPacked == true else {
            throw Failure(
                .optionsInvalid, stage: .options, message: "nothing would be made smaller",
                hint: "give --weights int8 or --weights int4")
        }
        if let place = SystemFiles.realPath(output), place == SystemFiles.realPath(source.path) {
            throw Failure(
                .optionsInvalid, stage: .options,
                message: "the output \(output) is the checkpoint itself",
                hint: "name another folder to write")
        }
        // The tokenizer first: a checkpoint that cannot be used is not worth an hour of writing.
        _ = try Tokenizer.load(checkpoint: source.path)
        var model = try StoredModel(folder: source.path, weights: weights, threads: threads)
        let total = model.byteCount
        let parts = output.split(separator: "/", omittingEmptySubsequences: true)
        let above = (output.hasPrefix("/") ? "/" : "./") + parts.dropLast().joined(separator: "/")
        try SystemFiles.requireFreeBytes(total + Self.reserve, at: above)

        let folder = try FolderOutput(path: output, replacing: isForced) {
            SystemFiles.isFile($0 + "/config.json")
        }
        var done = 0
        try folder.write("model.safetensors") { sink in
            try model.write { bytes in
                // In pieces, so that an interruption need not wait for a large matrix.
                for start in stride(from: 0, to: bytes.count, by: 16 << 20) {
                    let end = min(start + 16 << 20, bytes.count)
                    try sink(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    done += end - start
                    try onBytes(done, total)
                }
            }
        }
        let config = model.config
        try folder.write("config.json") { sink in try config.withUnsafeBytes { try sink($0) } }
        for name in Self.companions where SystemFiles.isFile(source.path + "/" + name) {
            let bytes = try SystemFiles.read(
                source.path + "/" + name, stage: .model, limit: 64 << 20)
            try folder.write(name) { sink in try bytes.withUnsafeBytes { try sink($0) } }
        }
        try folder.finish()
        let name = parts.last.map(String.init) ?? output
        return try LocatedModel(path: output, name: name, origin: .asked).describe()
    }
}

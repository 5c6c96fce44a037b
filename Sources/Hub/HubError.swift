import VideoUnderstanding

/// Why a model could not be fetched from a hub.
public enum HubError: Error, Sendable, Equatable {
    case badName(String)
    case badRevision(String)
    case badEndpoint(String)
    /// No such repository or revision; or one that needs a token.
    case notFound(what: String, url: String)
    case denied(url: String, status: Int)
    /// The hub answered something else than it should.
    case badAnswer(url: String, reason: String)
    case unreachable(url: String, reason: String)
    /// Nothing in the repository that can be loaded.
    case noModel(String)
    /// A file that the index names and the repository lacks.
    case missingShard(file: String, index: String)
    case wrongSize(file: String, found: Int, expected: Int)
    case wrongChecksum(file: String, found: String, expected: String)
    case noSpace(folder: String, needed: Int, free: Int)
    /// Another pull of the same model is at work.
    case inUse(String)
    case cannotWrite(path: String, reason: String)
    case noCache

    /// The same as a failure of the command.
    public var failure: Failure {
        switch self {
        case .badName(let name):
            Failure(
                .optionsInvalid, stage: .options, message: "\(name) is not the name of a model",
                hint: "names look like Qwen/Qwen2-VL-2B-Instruct")
        case .badRevision(let name):
            Failure(
                .optionsInvalid, stage: .options, message: "\(name) is not the name of a revision",
                hint: "give a branch, a tag or a commit")
        case .badEndpoint(let text):
            Failure(
                .optionsInvalid, stage: .options,
                message: "HF_ENDPOINT is \(text), which is no http or https address")
        case .notFound(let what, let url):
            Failure(
                .modelNotFound, stage: .model, message: "\(what) is not on the hub (\(url))",
                hint: "check the name; set HF_TOKEN where the model is private or gated")
        case .denied(let url, let status):
            Failure(
                .modelNotFound, stage: .model,
                message: "the hub does not allow it (status \(status) of \(url))",
                hint: "accept the model's terms on its page and set HF_TOKEN")
        case .badAnswer(let url, let reason):
            Failure(
                .modelDamaged, stage: .model, message: "unexpected answer of \(url): \(reason)",
                retryable: true, status: .temporary)
        case .unreachable(let url, let reason):
            Failure(
                .modelNotFound, stage: .model, message: "cannot reach \(url): \(reason)",
                hint: "run the same command again: it goes on where it stopped",
                retryable: true, status: .temporary)
        case .noModel(let name):
            Failure(
                .modelUnsupported, stage: .model,
                message: "\(name) holds no config.json with safetensors files",
                hint: "name GGUF files with --file")
        case .missingShard(let file, let index):
            Failure(
                .modelDamaged, stage: .model,
                message: "\(index) names \(file), which the repository does not hold")
        case .wrongSize(let file, let found, let expected):
            Failure(
                .modelDamaged, stage: .model,
                message: "\(file) came with \(found) bytes, not \(expected)",
                hint: "run the same command again", retryable: true, status: .temporary)
        case .wrongChecksum(let file, let found, let expected):
            Failure(
                .modelDamaged, stage: .model,
                message: "\(file) came with SHA-256 \(found), not \(expected); it was thrown away",
                hint: "run the same command again", retryable: true, status: .temporary)
        case .noSpace(let folder, let needed, let free):
            Failure(
                .outputUnwritable, stage: .output,
                message: "\(needed) bytes are needed in \(folder), where \(free) are free",
                hint: "make room, or set HF_HOME to a folder on another disk",
                status: .outputNotCreated)
        case .inUse(let name):
            Failure(
                .outputUnwritable, stage: .output, message: "another pull of \(name) is at work",
                hint: "wait for it", status: .temporary)
        case .cannotWrite(let path, let reason):
            Failure(
                .outputUnwritable, stage: .output, message: "cannot write \(path): \(reason)",
                status: .outputNotWritten)
        case .noCache:
            Failure(
                .outputUnwritable, stage: .output, message: "there is no folder for models",
                hint: "set HF_HOME", status: .outputNotCreated)
        }
    }
}

/// What the search for a model may look at. A value, so that tests bring their own machine.
public struct ModelSurroundings: Sendable {
    /// Names and values of the environment.
    public var environment: [String: String]
    /// The program's own file, without links; nil where it is unknown.
    public var executable: String?
    public var currentFolder: String

    public init(environment: [String: String], executable: String?, currentFolder: String) {
        self.environment = environment
        self.executable = executable
        self.currentFolder = currentFolder
    }
}

/// A checkpoint on disk, and how it came to be chosen.
public struct LocatedModel: Sendable, Equatable {
    public enum Origin: String, Sendable {
        /// The path or name that was asked for.
        case asked
        /// `REELSCRIBE_MODEL`.
        case environment
        /// The model that comes with the tool.
        case bundled
    }

    /// A folder, or one file.
    public var path: String
    /// The name it was asked for by, or the last part of its path.
    public var name: String
    public var origin: Origin

    public init(path: String, name: String, origin: Origin) {
        self.path = path
        self.name = name
        self.origin = origin
    }
}

/// Finds the checkpoint that `--model` means.
///
/// Source: contract section 1, option `--model`.
public struct ModelLocator: Sendable {
    private static let bundledFolder = "Samples/model"
    private static let levelsAbove = 8

    private let surroundings: ModelSurroundings

    public init(_ surroundings: ModelSurroundings) { self.surroundings = surroundings }

    /// - Parameter request: the value of `--model`; nil where it was not given.
    /// - Throws: `model.not_found`, with every place that was looked at.
    public func locate(_ request: String?) throws(Failure) -> LocatedModel {
        if let request { return try find(request, origin: .asked) }
        if let request = variable("REELSCRIBE_MODEL") {
            return try find(request, origin: .environment)
        }
        let places = bundledPlaces
        guard let path = places.first(where: isCheckpoint) else {
            throw notFound("no model was named, and the sample model is missing", places)
        }
        return LocatedModel(path: path, name: "sample", origin: .bundled)
    }

    /// The model that a run without `--model` would use, or nil.
    public var standard: LocatedModel? { try? locate(nil) }

    // MARK: - Places

    private func find(
        _ request: String, origin: LocatedModel.Origin
    ) throws(Failure) -> LocatedModel {
        let path = expandingHome(request)
        if SystemFiles.isFolder(path) || SystemFiles.isFile(path) {
            // A weights file inside a folder stands for the folder; a GGUF file for itself.
            let isInside =
                path.hasSuffix(".safetensors") || path.hasSuffix("/config.json")
                || path.hasSuffix("/model.safetensors.index.json")
            let place = isInside ? folder(of: path) : path
            return LocatedModel(path: place, name: lastPart(of: place), origin: origin)
        }
        let (name, revision) = Self.split(request)
        guard isName(name), revision.map(isRevision) ?? true else {
            throw notFound("there is no model at \(request)", [path])
        }
        var places: [String] = []
        for hub in hubFolders {
            let repository = hub + "/models--" + name.replacing("/", with: "--")
            guard let commit = commit(revision ?? "main", in: repository) else {
                places.append(repository)
                continue
            }
            let place = repository + "/snapshots/" + commit
            places.append(place)
            if isCheckpoint(place) {
                return LocatedModel(path: place, name: request, origin: origin)
            }
        }
        for folder in pulledFolders where revision == nil {
            let place = folder + "/" + request
            places.append(place)
            if isCheckpoint(place) {
                return LocatedModel(path: place, name: request, origin: origin)
            }
        }
        throw notFound("the model \(request) is not on this machine", places, name: name)
    }

    /// `Org/Name`, each of letters, digits, `.`, `_` and `-`.
    private func isName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                guard let first = part.first, first != UInt8(ascii: ".") else { return false }
                return part.allSatisfy { byte in
                    (48...57).contains(byte) || (65...90).contains(byte)
                        || (97...122).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
                }
            }
    }

    /// `Org/Name` and what follows an `@`: a branch, a tag or a commit.
    private static func split(_ request: String) -> (name: String, revision: String?) {
        guard let sign = request.firstIndex(of: "@") else { return (request, nil) }
        return (String(request[..<sign]), String(request[request.index(after: sign)...]))
    }

    /// Names as in ``isName(_:)``, of any number of parts.
    private func isRevision(_ text: String) -> Bool {
        text.split(separator: "/", omittingEmptySubsequences: false)
            .allSatisfy { isName("a/" + $0) }
    }

    /// The commit that a revision is; a text from a file must not lead out of the folder.
    private func commit(_ revision: String, in repository: String) -> String? {
        if SystemFiles.isFolder(repository + "/snapshots/" + revision) { return revision }
        let path = repository + "/refs/" + revision
        guard SystemFiles.isFile(path),
            let bytes = try? SystemFiles.read(path, stage: .model, limit: 1 << 16)
        else { return nil }
        let text = bytes.filter { $0 > 0x20 }
        let isPlain = text.allSatisfy { byte in
            (48...57).contains(byte) || (97...122).contains(byte) || (65...90).contains(byte)
        }
        return text.isEmpty || !isPlain ? nil : String(decoding: text, as: UTF8.self)
    }

    /// The cache that tools of this kind share; nil where the environment names no place for one.
    public var hubFolder: String? { hubFolders.first }

    private var hubFolders: [String] {
        if let folder = variable("HF_HUB_CACHE") { return [expandingHome(folder)] }
        if let folder = variable("HF_HOME") { return [expandingHome(folder) + "/hub"] }
        let cache = variable("XDG_CACHE_HOME") ?? home.map { $0 + "/.cache" }
        return cache.map { [$0 + "/huggingface/hub"] } ?? []
    }

    private var pulledFolders: [String] {
        let data = variable("XDG_DATA_HOME") ?? home.map { $0 + "/.local/share" }
        return data.map { [$0 + "/reelscribe/models"] } ?? []
    }

    private var bundledPlaces: [String] {
        var places: [String] = []
        if let executable = surroundings.executable {
            var above = folder(of: executable)
            for _ in 0...Self.levelsAbove {
                places.append((above == "/" ? "" : above) + "/" + Self.bundledFolder)
                guard above != "/", !above.isEmpty else { break }
                above = folder(of: above)
            }
            places.append(folder(of: folder(of: executable)) + "/share/reelscribe/model")
        }
        let below = surroundings.currentFolder + "/" + Self.bundledFolder
        return places.contains(below) ? places : places + [below]
    }

    private func isCheckpoint(_ path: String) -> Bool {
        SystemFiles.isFile(path + "/config.json")
            || (SystemFiles.names(in: path)?.contains { $0.hasSuffix(".gguf") } ?? false)
    }

    // MARK: - Texts

    private var home: String? { variable("HOME") }

    /// An empty variable counts as none, as in other tools of the kind.
    private func variable(_ name: String) -> String? {
        surroundings.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private func expandingHome(_ path: String) -> String {
        guard path == "~" || path.hasPrefix("~/"), let home else { return path }
        return home + path.dropFirst()
    }

    private func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func lastPart(of path: String) -> String {
        let full = SystemFiles.realPath(path) ?? path
        return full.split(separator: "/").last.map(String.init) ?? full
    }

    private func notFound(_ message: String, _ places: [String], name: String? = nil) -> Failure {
        let looked = places.isEmpty ? "" : "; looked at " + places.joined(separator: ", ")
        let hint =
            name.map { "`reelscribe model pull \($0)` fetches it into the cache" }
            ?? "give the folder of a checkpoint with --model, or its name, such as Qwen/Qwen2-VL-2B-Instruct"
        return Failure(.modelNotFound, stage: .model, message: message + looked, hint: hint)
    }
}

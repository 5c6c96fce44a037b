import Foundation
import OrderedJSON
import Video
import VideoUnderstanding

/// Fetches a checkpoint from a hub into the shared cache.
public struct ModelPull: Sendable {
    public var name: String
    /// A branch, a tag or a commit.
    public var revision: String
    /// Files to fetch in place of the checkpoint's own choice.
    public var files: [String]

    private let settings: HubSettings

    /// What is being done, for progress.
    public enum Event: Sendable {
        case listing
        /// - Parameters:
        ///   - done: bytes of all files together, those that were there already included.
        case fetching(file: String, done: Int, total: Int)
        case checking(file: String)
    }

    public init(
        _ name: String, revision: String = "main", files: [String] = [], settings: HubSettings
    ) throws(HubError) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ HubCache.isPlain(String($0)) }) else {
            throw .badName(name)
        }
        let steps = revision.split(separator: "/", omittingEmptySubsequences: false)
        guard steps.allSatisfy({ HubCache.isPlain(String($0)) }) else {
            throw .badRevision(revision)
        }
        for file in files where !HubCache.isPlain(file) { throw .badName(file) }
        self.name = name
        self.revision = revision
        self.files = files
        self.settings = settings
    }

    /// A file of the repository.
    private struct Item {
        var name: String
        var facts: Courier.FileFacts
    }

    /// Fetches what is missing, and checks all of it.
    ///
    /// - Parameters:
    ///   - check: asked often; throws to end the work. What has come is kept.
    /// - Returns: the folder of the checkpoint.
    public func run(
        check: @escaping @Sendable () throws(Failure) -> Void,
        onEvent: @escaping @Sendable (Event) -> Void
    ) throws(Failure) -> String {
        do {
            return try pull(Courier(settings: settings, check: check), onEvent)
        } catch let error as HubError {
            throw error.failure
        } catch {
            throw Failure(error, stage: .model)
        }
    }

    private func pull(
        _ courier: Courier, _ onEvent: @escaping @Sendable (Event) -> Void
    ) throws -> String {
        let cache = HubCache(root: settings.cache, name: name)
        try cache.prepare()
        let lock = try cache.lock()
        defer { withExtendedLifetime(lock) {} }
        onEvent(.listing)
        let (commit, names) = try list(courier)
        var items: [Item] = []
        func look(_ name: String) throws {
            items.append(
                Item(name: name, facts: try courier.facts(path(name, commit), file: name)))
        }
        // The small files first: the index says which large ones there must be.
        let chosen = try choose(names)
        for name in chosen.small { try look(name) }
        try requireSpace(items, cache)
        for item in items { try fetch(item, commit, items, cache, courier, onEvent) }
        var large = chosen.large
        let index = "model.safetensors.index.json"
        if let item = items.first(where: { $0.name == index }), large.isEmpty {
            large = try shards(of: cache.blob(item.facts.tag), index: index, among: names)
        }
        for name in large { try look(name) }
        try requireSpace(items, cache)
        for item in items { try fetch(item, commit, items, cache, courier, onEvent) }
        try cache.publish(
            items.map { ($0.name, $0.facts.tag) }, commit: commit, revision: revision)
        return cache.snapshot(commit)
    }

    // MARK: - What there is

    private func path(_ file: String, _ commit: String) -> String {
        "/\(name)/resolve/\(commit)/\(file)"
    }

    private func list(_ courier: Courier) throws -> (commit: String, names: Set<String>) {
        let revision = revision.replacing("/", with: "%2F")
        let answer = try courier.answer(
            "/api/models/\(name)/revision/\(revision)", what: "\(name) (\(self.revision))")
        guard let root = try? JSON.parse(answer.bytes), let commit = root["sha"]?.string,
            HubCache.isPlain(commit), let list = root["siblings"]?.array
        else { throw HubError.badAnswer(url: answer.url, reason: "not a description of a model") }
        return (commit, Set(list.compactMap { $0["rfilename"]?.string }))
    }

    private static let small: Set<String> = [
        "config.json", "generation_config.json", "preprocessor_config.json",
        "video_preprocessor_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json",
        "merges.txt", "added_tokens.json", "special_tokens_map.json", "chat_template.json",
        "chat_template.jinja", "model.safetensors.index.json", "LICENSE",
    ]

    /// The files of a checkpoint; the large ones are empty where an index tells them.
    private func choose(_ names: Set<String>) throws -> (small: [String], large: [String]) {
        guard files.isEmpty else {
            if let missing = files.first(where: { !names.contains($0) }) {
                throw HubError.notFound(what: missing, url: settings.endpoint + "/" + name)
            }
            return ([], files)
        }
        let hasOne = names.contains("model.safetensors")
        guard names.contains("config.json"),
            hasOne || names.contains("model.safetensors.index.json")
        else { throw HubError.noModel(name) }
        return (Self.small.intersection(names).sorted(), hasOne ? ["model.safetensors"] : [])
    }

    private func shards(
        of path: String, index: String, among names: Set<String>
    ) throws -> [String] {
        let bytes = try SystemFiles.read(path, stage: .model, limit: 16 << 20)
        guard let map = (try? JSON.parse(bytes))?["weight_map"]?.object else {
            throw HubError.badAnswer(url: index, reason: "no weight_map")
        }
        let shards = Set(map.members.compactMap(\.value.string)).sorted()
        for shard in shards {
            guard HubCache.isPlain(shard), names.contains(shard) else {
                throw HubError.missingShard(file: shard, index: index)
            }
        }
        return shards
    }

    // MARK: - Fetching

    /// Bytes of a file that are here already.
    private func present(_ item: Item, _ cache: HubCache) -> Int {
        if HubCache.size(of: cache.blob(item.facts.tag)) == item.facts.size {
            return item.facts.size
        }
        return min(HubCache.size(of: cache.partial(item.facts.tag)) ?? 0, item.facts.size)
    }

    private func requireSpace(_ items: [Item], _ cache: HubCache) throws(HubError) {
        let missing = items.reduce(0) { $0 + $1.facts.size - present($1, cache) }
        guard let free = settings.freeBytes(cache.repository), missing > free else { return }
        throw .noSpace(folder: cache.root, needed: missing, free: free)
    }

    private func fetch(
        _ item: Item, _ commit: String, _ all: [Item], _ cache: HubCache, _ courier: Courier,
        _ onEvent: @escaping @Sendable (Event) -> Void
    ) throws {
        let (facts, file) = (item.facts, item.name)
        let blob = cache.blob(facts.tag)
        if HubCache.size(of: blob) == facts.size { return }
        let total = all.reduce(0) { $0 + $1.facts.size }
        let others = all.reduce(0) { $0 + ($1.name == file ? 0 : present($1, cache)) }
        onEvent(.fetching(file: file, done: others + present(item, cache), total: total))
        let partial = try PartialFile(path: cache.partial(facts.tag))
        if partial.size > facts.size { partial.truncate() }
        do {
            try courier.fetch(path(file, commit), into: partial, size: facts.size) {
                onEvent(.fetching(file: file, done: others + $0, total: total))
            }
        } catch {
            try? partial.close()
            throw error
        }
        try partial.close()
        guard partial.size == facts.size else {
            try? FileManager.default.removeItem(atPath: partial.path)
            throw HubError.wrongSize(file: file, found: partial.size, expected: facts.size)
        }
        if let expected = facts.sha256 {
            onEvent(.checking(file: file))
            let found = try sha256(of: .file(path: partial.path)) { (try? courier.check()) != nil }
            try courier.check()
            guard found == expected else {
                try? FileManager.default.removeItem(atPath: partial.path)
                throw HubError.wrongChecksum(file: file, found: found ?? "none", expected: expected)
            }
        }
        guard rename(partial.path, blob) == 0 else {
            throw HubError.cannotWrite(path: blob, reason: String(cString: strerror(errno)))
        }
    }
}

import Compute

/// The two files of a model in GGUF: the language model, and the vision tower with its merger.
struct GGUFPair {
    /// Of the language model.
    let path: String
    let language: GGUFReader
    let vision: GGUFReader

    static func isGGUF(_ path: String) -> Bool { path.lowercased().hasSuffix(".gguf") }

    private static func isProjector(_ name: String) -> Bool {
        name.lowercased().contains("mmproj")
    }

    /// The pair that a path means, or nil where the path is no GGUF file and its folder holds a
    /// checkpoint of another kind, or none.
    ///
    /// - Parameters:
    ///   - path: a GGUF file; or a folder, which then has one for the language model.
    ///   - projector: the file of the tower; nil: the only one with `mmproj` in its name beside
    ///     the other.
    static func find(at path: String, projector: String?) throws(ModelError) -> GGUFPair? {
        guard let language = try languageFile(at: path) else { return nil }
        let first = try open(language)
        let place = if let projector { projector } else { try projectorBeside(language) }
        return GGUFPair(path: language, language: first, vision: try open(place))
    }

    /// The file of the language model alone.
    static func findLanguage(
        at path: String
    ) throws(ModelError) -> (path: String, reader: GGUFReader)? {
        guard let language = try languageFile(at: path) else { return nil }
        return (language, try open(language))
    }

    private static func languageFile(at path: String) throws(ModelError) -> String? {
        if !isGGUF(path) || isFolder(path) {
            guard let folder = try? Folder(path: path),
                folder.names.isDisjoint(with: [CheckpointFile.weights, CheckpointFile.index])
            else { return nil }
            let files = folder.names.filter { isGGUF($0) && !isProjector($0) }.sorted()
            guard let file = files.first else { return nil }
            guard files.count == 1 else {
                throw .notFound(path: path, reason: .severalFiles(files))
            }
            return path + "/" + file
        }
        return path
    }

    private static func isFolder(_ path: String) -> Bool { (try? Folder(path: path)) != nil }

    private static func projectorBeside(_ language: String) throws(ModelError) -> String {
        let slash = language.lastIndex(of: "/")
        let place = slash.map { String(language[..<$0]) } ?? "."
        let folder = try Folder(path: place.isEmpty ? "/" : place)
        let files = folder.names.filter { isGGUF($0) && isProjector($0) }.sorted()
        guard let file = files.first else { throw .notFound(path: language, reason: .noProjector) }
        guard files.count == 1 else {
            throw .notFound(path: place, reason: .severalFiles(files))
        }
        return (slash.map { String(language[...$0]) } ?? "") + file
    }

    private static func open(_ path: String) throws(ModelError) -> GGUFReader {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        do throws(ComputeError) {
            return GGUFReader(file: try MappedFile(path: path), name: name)
        } catch {
            switch error {
            case .unreadable(_, 2): throw .notFound(path: path, reason: .noFile)
            default: throw .damaged(path: path, faults: [Fault(name, error.asProblem)])
            }
        }
    }
}

import VideoUnderstanding

/// The job files that come with the program, which are called by their names.
public struct ReadyJobFiles: Sendable {
    /// Where they lie; nil where the program was taken away from them.
    let folder: String?

    private static let ending = ".yaml"
    /// In a checkout, some levels above what was built; where the program was installed.
    private static let places = ["Pipelines", "share/reelscribe/jobs"]
    private static let levelsAbove = 8

    /// - Parameter executable: the program's own file, without links.
    public init(executable: String? = ModelSurroundings.process.executable) {
        var above = executable.map { Self.folder(of: $0) } ?? "/"
        var found: String?
        for _ in 0...Self.levelsAbove where found == nil && above != "/" {
            found = Self.places.map { "\(above)/\($0)" }.first {
                !FileGlob.search(FileGlob.literal($0) + "/*" + Self.ending).files.isEmpty
            }
            above = Self.folder(of: above)
        }
        folder = found
    }

    /// What they are called.
    public var names: [String] {
        guard let folder else { return [] }
        return FileGlob.search(FileGlob.literal(folder) + "/*" + Self.ending).files.map {
            String($0.dropFirst(folder.count + 1).dropLast(Self.ending.count))
        }
    }

    /// The file that a person means: what is there under that name, else the ready one that is called
    /// so.
    public func path(of name: String) -> String {
        guard name != "-", !name.contains("/"), !JournalReading.exists(name), let folder,
            names.contains(name)
        else { return name }
        return "\(folder)/\(name)\(Self.ending)"
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}

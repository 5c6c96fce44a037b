import Video
import VideoUnderstanding

/// Finds the video that a dataset names, often without a folder or an extension.
struct VideoFinder: Sendable {
    static let extensions = FileNames.videoEndings + ["gif"]

    /// Where videos are looked for, in this order.
    let folders: [String]

    init(dataset path: String, videos: String?) {
        let own = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        folders = (videos.map { [$0] } ?? []) + [own]
    }

    /// The path of the first of the names that is there, as it stands or with an extension; of the
    /// first name in the first folder where none is. Addresses are taken as they are.
    func path(of names: [String]) -> String {
        for name in names {
            if name.contains("://") { return name }
            for folder in folders {
                let path = join(folder, name)
                if exists(path) { return path }
                for suffix in Self.extensions where exists("\(path).\(suffix)") {
                    return "\(path).\(suffix)"
                }
            }
        }
        return join(folders[0], names[0])
    }

    private func exists(_ path: String) -> Bool {
        SystemFiles.isFile(path) || SystemFiles.isFolder(path)
    }

    private func join(_ folder: String, _ name: String) -> String {
        if name.hasPrefix("/") { return name }
        // A dash alone would be standard input.
        if folder == "." { return name.hasPrefix("-") ? "./\(name)" : name }
        return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }
}

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Keeps a run from writing over what it reads.
public enum OutputGuard {
    /// - Throws: `options.invalid` where `output` is the very file that one of `inputs` names,
    ///   under whatever name.
    public static func check(output: String?, against inputs: [String]) throws(Failure) {
        guard let output, output != "-", let written = identity(output) else { return }
        for input in inputs
        where identity(VideoInput.path(ofFileURL: input) ?? input).map({ $0 == written }) ?? false {
            throw Failure(
                .optionsInvalid, stage: .options,
                message: "the output \(output) is the input \(input)",
                hint: "name another file to write")
        }
    }

    /// - Throws: `options.invalid` where two of `outputs` are one file, there already or not.
    public static func check(distinct outputs: [String]) throws(Failure) {
        var seen: [(path: String, places: [String])] = []
        for output in outputs where output != "-" {
            let places = places(of: output)
            for other in seen where !places.allSatisfy({ !other.places.contains($0) }) {
                throw Failure(
                    .optionsInvalid, stage: .options,
                    message: "\(other.path) and \(output) are one file, to be written twice",
                    hint: "name another file to write")
            }
            seen.append((output, places))
        }
    }

    /// What tells a file from others: its number, and its name in the real folder, as it may not be
    /// there yet. None for devices and pipes, which several may write.
    private static func places(of path: String) -> [String] {
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT != S_IFREG { return [] }
        if let real = SystemFiles.realPath(path) {
            return [real] + (identity(path).map { ["\($0)"] } ?? [])
        }
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { String(path[...$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        return ["\(SystemFiles.realPath(folder) ?? folder)/\(name)"]
    }

    /// Whether there is a regular file with something in it.
    public static func hasContent(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && status.st_size > 0
    }

    /// Device and number of a regular file; nil for anything else.
    private static func identity(_ path: String) -> [UInt64]? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return [UInt64(status.st_dev), UInt64(status.st_ino)]
    }
}

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
        for input in inputs where identity(input).map({ $0 == written }) ?? false {
            throw Failure(
                .optionsInvalid, stage: .options,
                message: "the output \(output) is the input \(input)",
                hint: "name another file to write")
        }
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

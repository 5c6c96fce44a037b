#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension ModelSurroundings {
    /// The surroundings of the running program.
    public static var process: ModelSurroundings {
        let names = [
            "HOME", "HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
            "REELSCRIBE_MODEL",
        ]
        var environment: [String: String] = [:]
        for name in names {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        // The system's own link is right where the program was found through PATH.
        let executable =
            SystemFiles.realPath("/proc/self/exe")
            ?? CommandLine.arguments.first.flatMap { SystemFiles.realPath($0) }
        return ModelSurroundings(
            environment: environment, executable: executable,
            currentFolder: SystemFiles.realPath(".") ?? ".")
    }
}

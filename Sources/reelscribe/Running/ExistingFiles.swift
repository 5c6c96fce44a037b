#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What words on the command line name by mistake.
enum ExistingFiles {
    /// Whether there is a file or a folder of that name.
    static func has(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

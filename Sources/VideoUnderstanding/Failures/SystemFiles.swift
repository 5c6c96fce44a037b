#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The few calls to the operating system that documents and options need.
package enum SystemFiles {
    /// The words of the system for `errno`.
    static func reason(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }

    /// All bytes of a file, or of standard input for `-`.
    ///
    /// - Parameter limit: larger inputs are refused, so that a wrong path cannot fill memory.
    package static func read(
        _ path: String, stage: FailureStage, limit: Int = 1 << 30
    ) throws(Failure) -> [UInt8] {
        let standardInput = path == "-"
        let descriptor = standardInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(
                .inputNotFound, stage: stage, message: "cannot open \(path): \(reason())",
                status: .inputMissing)
        }
        defer { if !standardInput { close(descriptor) } }
        var content: [UInt8] = []
        let chunk = 1 << 18
        while true {
            let start = content.count
            content.append(contentsOf: repeatElement(0, count: chunk))
            let got = content.withUnsafeMutableBytes { bytes in
                #if canImport(Darwin)
                    Darwin.read(descriptor, bytes.baseAddress.map { $0 + start }, chunk)
                #elseif canImport(Musl)
                    Musl.read(descriptor, bytes.baseAddress.map { $0 + start }, chunk)
                #else
                    Glibc.read(descriptor, bytes.baseAddress.map { $0 + start }, chunk)
                #endif
            }
            let code = errno
            content.removeLast(chunk - max(got, 0))
            if got == 0 { return content }
            guard got > 0 || code == EINTR else {
                throw Failure(
                    .inputNotFound, stage: stage, message: "cannot read \(path): \(reason(code))",
                    status: .inputMissing)
            }
            guard content.count <= limit else {
                throw Failure(
                    .inputInvalid, stage: stage,
                    message: "\(path) is larger than \(limit >> 20) MiB")
            }
        }
    }

    package static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder; nil where there is none.
    static func names(in folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                names.append(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
            }
        }
        return names
    }

    package static func isFile(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    /// The absolute path without links, or nil where nothing is there.
    package static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Bytes that may still be written where a folder is; nil where nobody knows.
    package static func freeBytes(at folder: String) -> Int? {
        var facts = statvfs()
        guard statvfs(folder, &facts) == 0 else { return nil }
        let (bytes, overflow) = Int(clamping: facts.f_bavail)
            .multipliedReportingOverflow(by: Int(clamping: facts.f_frsize))
        return overflow ? .max : bytes
    }

    /// - Throws: `output.unwritable` where fewer bytes are free than will be written.
    static func requireFreeBytes(_ needed: Int, at folder: String) throws(Failure) {
        guard let free = freeBytes(at: folder), free < needed else { return }
        throw Failure(
            .outputUnwritable, stage: .output,
            message: "\(needed) bytes are needed in \(folder), where \(free) are free",
            hint: "make room, or name a folder on another disk", status: .outputNotCreated)
    }

    /// Bytes of memory in the machine.
    static var physicalMemory: Int {
        max(0, sysconf(Int32(_SC_PHYS_PAGES))) * max(0, sysconf(Int32(_SC_PAGESIZE)))
    }

    static var onlineCores: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}

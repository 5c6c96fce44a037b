internal import CFFmpeg
import Glibc

/// SHA-256 of an input in hexadecimal.
///
/// - Returns: of a file, the digest of its bytes; of a folder of pictures, the digest of the files'
///   digests in order; nil for what cannot be read twice (addresses, pipes, standard input).
/// - Throws: `cannotOpen` where a file has gone.
public func sha256(of input: VideoInput) throws(VideoError) -> String? {
    switch input {
    case .file(let path), .image(let path): return try digest(ofFile: path).map(hexadecimal)
    case .imageFolder(let paths, _, _):
        var whole = try Digest()
        for path in paths {
            guard let one = try digest(ofFile: path) else { return nil }
            one.withUnsafeBytes { whole.update($0) }
        }
        return hexadecimal(whole.finish())
    case .url, .standardInput: return nil
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

/// Nil for anything but a regular file.
private func digest(ofFile path: String) throws(VideoError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw .cannotOpen(uri: path, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var digest = try Digest()
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
            throw .cannotOpen(uri: path, reason: String(cString: strerror(errno)))
        }
        guard count > 0 else { return digest.finish() }
        buffer.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
}

/// libavutil's SHA-256.
private struct Digest: ~Copyable {
    private let context: OpaquePointer

    init() throws(VideoError) {
        guard let context = av_sha_alloc(), av_sha_init(context, 256) == 0 else {
            throw .systemFailure(operation: "SHA-256", reason: "out of memory")
        }
        self.context = context
    }

    deinit { av_free(UnsafeMutableRawPointer(context)) }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        av_sha_update(context, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    mutating func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        av_sha_final(context, &digest)
        return digest
    }
}

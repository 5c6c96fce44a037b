internal import CFFmpeg
import Glibc

/// SHA-256 of an input, as 64 hexadecimal digits: of a file's bytes, or of the digests of the
/// pictures of a folder in their order. Nil for addresses and pipes, which cannot be read twice.
///
/// - Parameter isWanted: asked again and again; false ends the reading, and gives nil.
public func sha256(
    of input: VideoInput, while isWanted: () -> Bool = { true }
) throws(VideoError) -> String? {
    switch input {
    case .url, .standardInput:
        return nil
    case .file(let path), .image(let path), .fetched(let path, _, _):
        return try fileDigest(path, isWanted).map(hexadecimal)
    case .imageFolder(let paths, _, _):
        var all = try SHA256()
        for path in paths {
            guard let digest = try fileDigest(path, isWanted) else { return nil }
            all.update(digest)
        }
        return hexadecimal(all.finish())
    }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
        decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// Nil for what is not a regular file, and where it is wanted no more.
private func fileDigest(
    _ path: String, _ isWanted: () -> Bool
) throws(VideoError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
        let number = errno
        if number == ENOENT || number == ENOTDIR { throw .notFound(uri: path) }
        throw .cannotOpen(uri: path, reason: String(cString: strerror(number)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    var digest = try SHA256()
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while isWanted() {
        let count = read(descriptor, &buffer, buffer.count)
        if count == 0 { return digest.finish() }
        if count < 0 {
            if errno == EINTR { continue }
            throw .cannotOpen(uri: path, reason: String(cString: strerror(errno)))
        }
        digest.update(buffer[..<count])
    }
    return nil
}

/// A running SHA-256: libavutil's `AVSHA`.
package struct SHA256: ~Copyable {
    private let context: OpaquePointer

    package init() throws(VideoError) {
        context = try allocated(av_sha_alloc(), "creating a digest")
        av_sha_init(context, 256)
    }

    deinit { av_free(UnsafeMutableRawPointer(context)) }

    package mutating func update(_ bytes: some Collection<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { buffer in
            if let base = buffer.baseAddress { av_sha_update(context, base, buffer.count) }
        }
        if done == nil { update(Array(bytes)) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        av_sha_update(context, base.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    /// 32 bytes; the end of the digest.
    package mutating func finish() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        av_sha_final(context, &result)
        return result
    }
}

/// SHA-256 of bytes in memory, as 64 hexadecimal digits.
package func sha256(of bytes: some Collection<UInt8>) throws(VideoError) -> String {
    var digest = try SHA256()
    digest.update(bytes)
    return hexadecimal(digest.finish())
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Writing to files, pipes and sockets until all bytes are out.
package enum DescriptorWriting {
    /// Why bytes were left over.
    package struct Stop: Error, Equatable {
        /// Bytes that were written before.
        package var written: Int
        /// The `errno`; nil where `isReady` gave up.
        package var code: Int32?
    }

    /// Writes all bytes by write(2), which takes any part of them at a time and which a signal can
    /// interrupt. Where the other end may go, SIGPIPE must be ignored.
    ///
    /// - Parameters:
    ///   - step: no more than so many bytes at a time.
    ///   - isReady: is asked before each part, and waits until there is room for one; false leaves
    ///     the rest. Nil waits as long as it takes.
    /// - Returns: nil once all is written.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, step: Int = .max,
        isReady: (() -> Bool)? = nil
    ) -> Stop? {
        var done = 0
        while done < bytes.count {
            if let isReady, !isReady() { return Stop(written: done, code: nil) }
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            #if canImport(Glibc)
                let count = Glibc.write(descriptor, part.baseAddress, min(step, part.count))
            #elseif canImport(Musl)
                let count = Musl.write(descriptor, part.baseAddress, min(step, part.count))
            #else
                let count = Darwin.write(descriptor, part.baseAddress, min(step, part.count))
            #endif
            if count > 0 {
                done += count
                continue
            }
            // Nothing written, and no reason given: not to be tried for ever.
            let code = count < 0 ? errno : EIO
            switch code {
            case EINTR: continue
            case EAGAIN:
                if isReady == nil {
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, -1)
                }
            default: return Stop(written: done, code: code)
            }
        }
        return nil
    }

    /// The same for an array.
    package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Stop? {
        bytes.withUnsafeBytes { write($0, to: descriptor) }
    }
}

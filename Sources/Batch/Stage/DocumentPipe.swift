import Glibc
import OrderedJSON
import VideoUnderstanding

/// Where a stage's documents go. A reader that has gone is an error here, so that the stage can
/// clean up before it ends.
struct DocumentPipe {
    let descriptor: Int32

    /// Writes documents, a line each, in one go where the system lets it.
    ///
    /// - Throws: `output.unwritable`.
    func write(_ documents: [JSON]) throws(Failure) {
        var bytes: [UInt8] = []
        for document in documents {
            bytes += Array(document.compact.utf8)
            bytes.append(UInt8(ascii: "\n"))
        }
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return Glibc.write(descriptor, base + done, buffer.count - done)
            }
            if count >= 0 {
                done += count
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&waiting, 1, -1)
            } else if errno != EINTR {
                throw Failure(
                    .outputUnwritable, stage: .output,
                    message: "the documents cannot be written: "
                        + String(cString: strerror(errno)),
                    hint: errno == EPIPE ? "whoever read them has gone" : nil,
                    status: .outputNotWritten)
            }
        }
    }
}

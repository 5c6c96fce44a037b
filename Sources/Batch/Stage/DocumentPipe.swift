import Glibc
import OrderedJSON
import Synchronization
import VideoUnderstanding

/// Where a stage's documents go. A reader that has gone is an error here, so that the stage can
/// clean up before it ends; and one that does not read must not keep the stage from ending.
final class DocumentPipe: Sendable {
    private let descriptor: Int32
    private let stop: WakePipe
    /// A document was left half written, so that nothing more can be told.
    private let isBroken = Atomic(false)

    /// A pipe that can be written to takes so many bytes without blocking: PIPE_BUF.
    private static let step = 4096
    /// Milliseconds without a byte read after which a stage that was stopped writes no more.
    private static let patience: Int32 = 2000

    init(_ descriptor: Int32, stop: WakePipe) {
        self.descriptor = descriptor
        self.stop = stop
    }

    /// Writes documents, a line each, all together.
    ///
    /// - Throws: `output.unwritable`; `interrupted` where nobody reads and the stage was stopped.
    func write(_ documents: [JSON]) throws(Failure) {
        var bytes: [UInt8] = []
        for document in documents {
            bytes += Array(document.compact.utf8)
            bytes.append(UInt8(ascii: "\n"))
        }
        var done = 0
        while done < bytes.count {
            guard !isBroken.load(ordering: .acquiring),
                stop.waitToWrite(descriptor, patience: Self.patience)
            else {
                if done > 0 { isBroken.store(true, ordering: .releasing) }
                throw Failure(
                    .interrupted, stage: .output, message: "nobody reads the documents")
            }
            let count = bytes.withUnsafeBytes { buffer -> Int in
                guard let base = buffer.baseAddress else { return 0 }
                return Glibc.write(descriptor, base + done, min(Self.step, buffer.count - done))
            }
            if count >= 0 {
                done += count
            } else if errno != EINTR, errno != EAGAIN {
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

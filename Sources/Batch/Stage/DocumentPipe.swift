import Compute
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
        let stopped = bytes.withUnsafeBytes { bytes in
            DescriptorWriting.write(bytes, to: descriptor, step: Self.step) {
                !self.isBroken.load(ordering: .acquiring)
                    && self.stop.waitToWrite(self.descriptor, patience: Self.patience)
            }
        }
        guard let stopped else { return }
        guard let code = stopped.code else {
            if stopped.written > 0 { isBroken.store(true, ordering: .releasing) }
            throw Failure(.interrupted, stage: .output, message: "nobody reads the documents")
        }
        throw Failure(
            .outputUnwritable, stage: .output,
            message: "the documents cannot be written: \(SystemReason.text(code))",
            hint: code == EPIPE ? "whoever read them has gone" : nil, status: .outputNotWritten)
    }
}

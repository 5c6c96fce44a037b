import Compute
import Foundation
import Testing

/// Guards the one loop through which all bytes leave the program.
@Suite struct DescriptorWritingTests {
    private static let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    /// More than a pipe holds, to a reader that takes its time.
    @Test(arguments: [false, true])
    func allBytesArrive(isNonblocking: Bool) throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        if isNonblocking { _ = fcntl(ends[1], F_SETFL, O_NONBLOCK) }
        let reading = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        let writing = ends[1]
        let thread = Thread {
            #expect(DescriptorWriting.write(Self.bytes, to: writing) == nil)
            close(writing)
        }
        thread.start()
        usleep(50_000)
        #expect([UInt8](reading.readDataToEndOfFile()) == Self.bytes)
    }

    @Test func partsAreNoLargerThanAsked() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        var asked = 0
        let stop = Self.bytes[..<10_000].withUnsafeBytes {
            DescriptorWriting.write($0, to: ends[1], step: 4096) {
                asked += 1
                return true
            }
        }
        #expect(stop == nil)
        #expect(asked == 3)
    }

    @Test func whatWasWrittenIsTold() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        var asked = 0
        let given = Self.bytes.withUnsafeBytes {
            DescriptorWriting.write($0, to: ends[1], step: 100) {
                asked += 1
                return asked <= 2
            }
        }
        #expect(given?.written == 200)
        #expect(given?.code == nil)
        signal(SIGPIPE, SIG_IGN)
        close(ends[0])
        let gone = DescriptorWriting.write(Self.bytes, to: ends[1])
        #expect(gone?.written == 0)
        #expect(gone?.code == EPIPE)
        close(ends[1])
        #expect(DescriptorWriting.write([], to: -1) == nil)
        #expect(DescriptorWriting.write([1], to: -1)?.code == EBADF)
    }
}

import Batch
import Foundation
import Testing
import VideoUnderstanding

/// Guards that no line that was read is neither answered nor handed back.
@Suite struct StageQueueTests {
    private let line = JobLine.parse(
        Array(#"{"id":"a","video":"v.mp4","task":"summarize"}"#.utf8), line: 1, base: Settings())

    /// The line is between the reader and the queue when the stop comes.
    @Test func aLineReadAsTheStopComesIsHandedBack() {
        let queue = StageQueue(capacity: 2, isOrdered: true)
        #expect(queue.waitForRoom())
        queue.stop()
        #expect(queue.admit(line) == nil)
        queue.endInput()
        #expect(!queue.waitForRoom())
        #expect(queue.next() == nil)
        #expect(queue.giveUp() == [line])
        #expect(queue.giveUp() == [])
    }

    /// It may come after the giving up has begun.
    @Test func aLineOnItsWayIsWaitedFor() {
        let queue = StageQueue(capacity: 2, isOrdered: true)
        let line = line
        #expect(queue.admit(line) == 1)
        Thread.detachNewThread {
            usleep(50_000)
            _ = queue.admit(line)
            queue.endInput()
        }
        #expect(queue.giveUp() == [line, line])
    }
}

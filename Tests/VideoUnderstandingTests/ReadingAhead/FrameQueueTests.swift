import Compute
import Foundation
import Imaging
import Synchronization
import Testing
import Video
import VideoUnderstanding

/// The queue between the thread that decodes and the one that looks, with a thread for each.
@Suite struct FrameQueueTests {
    /// What a reader gave, to be changed.
    private static let template: SampledFrame? = {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        var reader = try? VideoReader.open(
            VideoInput.resolve("\(root)/Samples/sample-world.mp4"))
        return try? reader?.next()
    }()

    private static func frame(_ index: Int, side: Int = 8) -> SampledFrame {
        guard var frame = template else { preconditionFailure("the sample clip is missing") }
        frame.index = index
        frame.image = RGBImage(
            size: PixelSize(width: side, height: side),
            pixels: [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 3 * side * side))
        return frame
    }

    private static func bytes(side: Int = 8) -> Int {
        FrameQueue.bytes(of: PixelSize(width: side, height: side))
    }

    /// Takes everything; frames in order and the error behind them, where there is one.
    private static func drain(
        _ queue: FrameQueue, pause: Double = 0
    ) -> (indices: [Int], error: VideoError?) {
        var indices: [Int] = []
        do throws(VideoError) {
            while let frame = try queue.next().frame {
                indices.append(frame.index)
                if pause > 0 { Thread.sleep(forTimeInterval: pause) }
            }
            return (indices, nil)
        } catch {
            return (indices, error)
        }
    }

    // Guards order, completeness and the bound, whoever of the two is faster, and frames that are
    // larger than the bound, which must come through one by one.
    @Test(arguments: [
        (bound: 10 * bytes(), put: 0.0, take: 0.002, most: 10 * bytes()),
        (10 * bytes(), 0.002, 0, 10 * bytes()), (10 * bytes() - 1, 0, 0.001, 9 * bytes()),
        (1, 0, 0.0005, bytes()), (1, 0.0005, 0, bytes()), (1 << 30, 0, 0, 100 * bytes()),
    ])
    func allComeInOrder(bound: Int, put: Double, take: Double, most: Int) throws {
        let queue = FrameQueue(bound: bound)
        try #require(
            DetachedThread.start {
                for index in 0..<100 {
                    if put > 0 { Thread.sleep(forTimeInterval: put) }
                    guard queue.put(Self.frame(index)) else { break }
                }
                queue.end()
            })
        let taken = Self.drain(queue, pause: take)
        #expect(taken.indices == Array(0..<100))
        #expect(taken.error == nil)
        #expect(queue.mostBytes <= most)
        // Who is slow finds the queue full: what is decoded ahead is used.
        if take > 0 { #expect(queue.mostBytes == most) }
    }

    // Guards errors: behind all frames that came before, and for good.
    @Test(arguments: [0, 1, 7])
    func errorsComeInOrder(frames: Int) {
        let queue = FrameQueue()
        let error = VideoError.tooLong(uri: "clip", limit: 5)
        for index in 0..<frames { #expect(queue.put(Self.frame(index))) }
        queue.end(error)
        for indices in [Array(0..<frames), [], []] {
            let taken = Self.drain(queue)
            #expect(taken.indices == indices)
            #expect(taken.error == error)
        }
    }

    // Guards what was worked: told once, that behind the last frame included.
    @Test func workIsToldOnce() throws {
        let queue = FrameQueue()
        var work = TimingRecord()
        work.decode = 2
        work.preprocess = 1
        #expect(queue.put(Self.frame(0), work))
        work.decode = 8
        queue.end(nil, work)
        #expect(try queue.next().work.decode == 2)
        let last = try queue.next()
        #expect(last.frame == nil && last.work.decode == 8 && last.work.preprocess == 1)
        #expect(try queue.next().work == TimingRecord())
    }

    // Guards the early end: whoever waits for room learns that nobody wants more, and `close` comes
    // back only when that thread is through.
    @Test(arguments: [0, 1, 3])
    func closingEndsTheOtherThread(taken: Int) throws {
        let queue = FrameQueue(bound: 2 * Self.bytes())
        let done = Through()
        try #require(
            DetachedThread.start {
                var index = 0
                while queue.put(Self.frame(index)) { index += 1 }
                done.note(index)
                queue.end()
            })
        for index in 0..<taken { #expect(try queue.next().frame?.index == index) }
        queue.close()
        let put = try #require(done.count)
        #expect(put <= taken + 2)
        #expect(try queue.next().frame == nil)
        #expect(!queue.put(Self.frame(0)))
    }
}

/// How far a thread came; nil before it is through.
private final class Through: Sendable {
    private let state = Mutex<Int?>(nil)

    var count: Int? { state.withLock { $0 } }

    func note(_ count: Int) { state.withLock { $0 = count } }
}

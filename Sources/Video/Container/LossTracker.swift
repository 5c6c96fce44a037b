/// Finds out which packets were lost to damage.
///
/// A decoder reports an error some packets late, and not every packet gives a picture even in a
/// sound file. So the time stamps of packets are remembered until a picture with the same or a
/// later time stamp comes out; those passed over are lost if errors were reported near them, or if
/// no picture came out before: a stream that begins in the middle gives none, and no error.
package struct LossTracker: Sendable {
    /// A packet without its picture, and the picture that came out in its place.
    package struct Loss: Sendable, Equatable {
        package let pts: Int64
        /// Nil where no picture followed.
        package let next: Int64?

        package init(pts: Int64, next: Int64?) {
            self.pts = pts
            self.next = next
        }
    }

    /// Packets that went in and did not come out yet, in rising order.
    private var expected: [Int64] = []
    /// Passed over by the display order; lost if an error is reported soon.
    private var skipped: [Loss] = []
    private var openErrors = 0
    private var begun = false
    /// More than packets that a decoder can hold.
    private static let reach = 256

    /// Errors of the decoder and of the container.
    package private(set) var errors = 0

    package init() {}

    /// A packet that is to be shown at `pts` went in.
    package mutating func sent(pts: Int64) {
        expected.insert(pts, at: expected.partitioningIndex { $0 >= pts })
        if expected.count > Self.reach { skip(1, next: nil) }
    }

    /// The decoder refused something, or the container marked a packet as damaged.
    package mutating func failed() {
        errors += 1
        openErrors += 1
    }

    /// A picture came out; gives what was lost before it.
    package mutating func received(pts: Int64) -> [Loss] {
        skip(expected.partitioningIndex { $0 >= pts }, next: pts)
        if !begun, !skipped.isEmpty { openErrors += 1 }
        begun = true
        if let first = expected.first, first == pts { expected.removeFirst() }
        return settle()
    }

    /// The end; gives what was lost since the last picture.
    package mutating func finished() -> [Loss] {
        skip(expected.count, next: nil)
        return settle()
    }

    private mutating func skip(_ count: Int, next: Int64?) {
        skipped.append(contentsOf: expected[..<count].map { Loss(pts: $0, next: next) })
        expected.removeFirst(count)
        if skipped.count > Self.reach { skipped.removeFirst(skipped.count - Self.reach) }
    }

    private mutating func settle() -> [Loss] {
        guard openErrors > 0, !skipped.isEmpty else { return [] }
        defer {
            skipped.removeAll()
            openErrors = 0
        }
        return skipped
    }
}

/// When pictures are wanted, so that others need not be decoded: at the instants of a plan, and
/// around the end of its range, which is told by the pictures there.
package struct WantedTimes: Sendable, Equatable {
    private let instants: InstantSequence
    private let until: MediaTime?

    package init(instants: InstantSequence, until: MediaTime?) {
        self.instants = instants
        self.until = until
    }

    /// Whether a picture is wanted that is shown for `span`.
    ///
    /// - Parameter surroundings: `span` with those of the picture before and the one after it.
    package func includes(_ span: Range<MediaTime>, surroundings: Range<MediaTime>) -> Bool {
        if let until, surroundings.contains(until) { return true }
        return instants.hasInstant(in: span)
    }
}

extension InstantSequence {
    /// Whether one of the instants lies in a span; true where that is not easily told.
    package func hasInstant(in span: Range<MediaTime>) -> Bool {
        guard span.lowerBound > origin else { return origin < span.upperBound }
        // An estimate, and steps from there that are exact.
        let estimate = (span.lowerBound - origin).seconds / step.seconds
        guard estimate.isFinite, estimate < 1e12 else { return true }
        var place = max(0, Int(estimate) - 1)
        for _ in 0..<4 {
            if let count, place >= count { return false }
            let instant = self[place]
            if instant >= span.lowerBound { return instant < span.upperBound }
            place += 1
        }
        return true
    }
}

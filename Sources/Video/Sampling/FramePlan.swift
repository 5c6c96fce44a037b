/// Which pictures are taken, decided picture by picture in display order.
enum FramePlan {
    /// Nothing is known yet but the options.
    case undecided
    /// The picture shown at each instant; nothing from `until` on.
    case instants(InstantSequence, until: MediaTime?)
    /// Pictures by number, in rising order.
    case indices([Int])

    enum Decision: Equatable {
        /// The picture stands for this instant.
        case take(MediaTime)
        /// The next picture has to come first.
        case skip
        /// The range ends here; nothing after it matters.
        case stop
        /// All were taken.
        case done
    }

    /// Whether pictures before the range may be passed over without decoding them.
    var mayBeginLate: Bool {
        if case .indices = self { return false }
        return true
    }

    /// What to do while `picture` is shown and `served` pictures have been taken.
    func decision(served: Int, picture: PictureTiming) -> Decision {
        switch self {
        case .undecided: return .skip
        case .indices(let indices):
            guard served < indices.count else { return .done }
            return picture.index == indices[served] ? .take(picture.time) : .skip
        case .instants(let sequence, let until):
            if let count = sequence.count, served >= count { return .done }
            let instant = sequence[served]
            if let until, instant >= until { return .stop }
            return instant < picture.end ? .take(instant) : .skip
        }
    }
}

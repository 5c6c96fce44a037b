/// Finds hard cuts in a stream of pictures, a few pictures late.
///
/// A cut is a picture that differs from its predecessor nearly everywhere, far more than its
/// neighbours on one side differ from theirs and somewhat more than those on the other, and that
/// parts two groups: every one of the few pictures before it differs from every one of the few
/// after it. So steady motion, shaking and strobes do not count (the neighbours differ as much), nor
/// a sudden pan (those after it do), nor flashes of up to three pictures (what follows them is what
/// was there before), nor fades and dissolves (no single step makes the change), nor large things
/// that appear in a view that stays.
///
/// Times play no part: a picture that was held for long is one picture.
package struct CutDetector: Sendable {
    /// Pictures after a doubtful one that are looked at before it is decided.
    package static let lookahead = 3

    /// Decisions that have been made and not been taken yet, in the order of the pictures.
    private var decisions: [Bool] = []
    /// The last pictures that were decided, at most `lookahead + 1`.
    private var before: [Thumbnail] = []
    /// Differences between the last pictures that were decided, at most `memory`.
    private var history: [Double] = []
    private var waiting: [Waiting] = []
    /// Pictures that were decided after the last one that begins a shot.
    private var sinceCut = Self.lookahead

    private struct Waiting {
        /// Nil for a picture that could not be seen.
        var thumbnail: Thumbnail?
        /// From the last picture before it that could be seen; 0 for the first one.
        var difference: Double
        /// Part of the picture that changed.
        var change: Double
    }

    /// Differences up to this are never a cut.
    private static let least = 0.32
    /// Levels that a picture changes at a cut, at least: less is lost in the noise.
    private static let leastDistance = 2.5
    /// The part of a picture that changes at a cut, at least.
    private static let leastChange = 0.45
    /// How far a cut stands out from the pictures before it or those after it, and from all.
    private static let prominence = (side: 2.0, all: 1.15)
    /// How much of the difference must remain between all pictures before and all after.
    private static let parting = 0.5
    /// How much more than at a cut the pictures may change in the few pictures around it; a cut may
    /// be spread over two pictures where rates were converted.
    private static let wholeStep = 2.15
    /// Differences that make up the neighbourhood.
    private static let memory = 8

    package init() {}

    /// Takes the next picture.
    ///
    /// - Parameter thumbnail: nil for a picture that shows nothing of the video, such as a damaged
    ///   one: it is never the first of a shot.
    package mutating func observe(_ thumbnail: Thumbnail?) {
        var picture = Waiting(thumbnail: thumbnail, difference: 0, change: 0)
        if let thumbnail,
            let previous = waiting.last(where: { $0.thumbnail != nil })?.thumbnail ?? before.last
        {
            picture.difference = thumbnail.difference(from: previous)
            if picture.difference > Self.least {
                picture.change = thumbnail.change(from: previous)
            }
        }
        waiting.append(picture)
        while isDecidable { decideFirst() }
    }

    /// Decides what is left: no more pictures come.
    package mutating func finish() {
        while !waiting.isEmpty { decideFirst() }
    }

    /// Whether the next picture begins a shot; nil where that is not decided yet.
    package mutating func nextDecision() -> Bool? {
        decisions.isEmpty ? nil : decisions.removeFirst()
    }

    /// Takes the next picture and decides from the past alone whether it begins a shot: for
    /// pictures that lie so far apart that waiting for more would take long.
    package mutating func decideAtOnce(_ thumbnail: Thumbnail?) -> Bool {
        observe(thumbnail)
        finish()
        var isCut = false
        while let decision = nextDecision() { isCut = decision }
        return isCut
    }

    // MARK: - Deciding

    private var isDecidable: Bool {
        guard let first = waiting.first else { return false }
        return waiting.count > Self.lookahead || !isDoubtful(first)
    }

    /// Whether a picture may begin a shot, as far as it and its predecessor tell.
    private func isDoubtful(_ picture: Waiting) -> Bool {
        picture.difference > Self.least && picture.change > Self.leastChange
            && sinceCut >= Self.lookahead
    }

    private mutating func decideFirst() {
        let picture = waiting.removeFirst()
        let followers = waiting.prefix(Self.lookahead).filter { $0.thumbnail != nil }
        let isCut =
            isDoubtful(picture) && standsOut(picture, followers.map(\.difference))
            && parts(picture, followers.compactMap(\.thumbnail))
        decisions.append(isCut)
        sinceCut = isCut ? 0 : sinceCut + 1
        guard let thumbnail = picture.thumbnail else { return }
        history.append(picture.difference)
        if history.count > Self.memory { history.removeFirst() }
        before.append(thumbnail)
        if before.count > Self.lookahead + 1 { before.removeFirst() }
    }

    /// Whether a picture differs more from its predecessor than its neighbours do from theirs.
    private func standsOut(_ picture: Waiting, _ after: [Double]) -> Bool {
        // The second largest: one flash nearby does not hide a cut.
        func secondLargest(_ differences: some Sequence<Double>) -> Double {
            differences.sorted().dropLast().last ?? 0
        }
        let around = secondLargest(history.suffix(Self.lookahead) + after)
        return picture.difference >= after.max() ?? 0
            && picture.difference > Self.prominence.all * around
            && picture.difference
                > Self.prominence.side * min(secondLargest(history), secondLargest(after))
    }

    /// Whether all pictures before differ from a picture and all after it, and at once.
    private func parts(_ picture: Waiting, _ followers: [Thumbnail]) -> Bool {
        guard let first = picture.thumbnail, let last = before.last else { return false }
        let after = [first] + followers
        // A fade near black is a large step for its first or last picture, but a small part of
        // what it does in a few of them.
        let distance = first.distance(from: last)
        let step = Self.wholeStep * distance
        guard distance > Self.leastDistance, step >= after[after.count - 1].distance(from: last),
            step >= first.distance(from: before[0])
        else { return false }
        let bound = max(0.8 * Self.least, Self.parting * picture.difference)
        return before.allSatisfy { old in
            after.allSatisfy { $0.difference(from: old) > bound }
        }
    }
}

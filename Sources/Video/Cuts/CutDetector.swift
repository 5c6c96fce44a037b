/// Finds hard cuts in a stream of pictures, a few pictures late.
///
/// A cut is a picture that differs from its predecessor far more than its neighbours differ from
/// theirs, and that parts two groups: every one of the few pictures before it differs from every
/// one of the few pictures after it. So steady motion, shaking and strobes do not count (the
/// neighbours differ as much), nor flashes of up to three pictures (what follows them is what was
/// there before), nor fades and dissolves (no step is large).
///
/// Times play no part: a picture that was held for long is one picture.
package struct CutDetector: Sendable {
    /// Pictures after a doubtful one that are looked at before it is decided.
    package static let lookahead = 3

    /// Decisions that have been made and not been taken yet, in the order of the pictures.
    private var decisions: [Bool] = []
    /// The last pictures that were decided, at most `lookahead`.
    private var before: [Thumbnail] = []
    /// Differences between the last pictures that were decided, at most `memory`.
    private var history: [Double] = []
    private var waiting: [Waiting] = []

    private struct Waiting {
        /// Nil for a picture that could not be seen.
        var thumbnail: Thumbnail?
        /// From the last picture before it that could be seen; 0 for the first one.
        var difference: Double
    }

    /// Differences up to this are never a cut.
    private static let least = 0.3
    /// How far a cut stands out from the pictures before it, and from those after it.
    private static let prominence = (before: 2.0, after: 1.6)
    /// How much of the difference must remain between all pictures before and all after.
    private static let parting = 0.5
    /// Differences that make up the neighbourhood.
    private static let memory = 8

    package init() {}

    /// Takes the next picture.
    ///
    /// - Parameter thumbnail: nil for a picture that shows nothing of the video, such as a damaged
    ///   one: it is never the first of a shot.
    package mutating func observe(_ thumbnail: Thumbnail?) {
        var difference = 0.0
        if let thumbnail {
            let previous = waiting.last { $0.thumbnail != nil }?.thumbnail ?? before.last
            difference = previous.map { thumbnail.difference(from: $0) } ?? 0
        }
        waiting.append(Waiting(thumbnail: thumbnail, difference: difference))
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
        return waiting.count > Self.lookahead || !standsOut(first)
    }

    /// Whether a picture may begin a shot as far as the past tells.
    private func standsOut(_ picture: Waiting) -> Bool {
        guard picture.thumbnail != nil, picture.difference > Self.least else { return false }
        // The second largest: one flash or another cut nearby does not hide this one.
        let usual = history.sorted().dropLast().last ?? 0
        return picture.difference > Self.prominence.before * usual
    }

    private mutating func decideFirst() {
        let picture = waiting.removeFirst()
        decisions.append(standsOut(picture) && parts(picture))
        guard let thumbnail = picture.thumbnail else { return }
        history.append(picture.difference)
        if history.count > Self.memory { history.removeFirst() }
        before.append(thumbnail)
        if before.count > Self.lookahead { before.removeFirst() }
    }

    /// Whether the pictures after a doubtful one confirm it.
    private func parts(_ picture: Waiting) -> Bool {
        guard let first = picture.thumbnail else { return false }
        let followers = waiting.prefix(Self.lookahead).filter { $0.thumbnail != nil }
        let calmest = followers.prefix(2).map(\.difference).min() ?? 0
        guard picture.difference > Self.prominence.after * calmest else { return false }
        let after = [first] + followers.prefix(Self.lookahead - 1).compactMap(\.thumbnail)
        let bound = max(0.8 * Self.least, Self.parting * picture.difference)
        return before.allSatisfy { old in
            after.allSatisfy { $0.difference(from: old) > bound }
        }
    }
}

/// Decides which cuts part a video, so that no part is too short to be told of.
///
/// A shot that is too short is joined to the one after it, the last one to the one before it. Where
/// not even the container knows where the video ends, or it ends earlier than promised, a short last
/// shot stands alone.
package struct ShotJoining: Sendable, Equatable {
    /// Seconds of the shortest shot that stands alone.
    private let least: Double
    /// Where the present shot, or the first of those joined to it, begins, in seconds.
    package private(set) var start = -Double.infinity

    package init(least: Double) { self.least = least }

    /// The first shot begins, wherever the video does.
    package mutating func begin(at time: Double) { start = time }

    /// Whether a cut parts the video; if so, a shot begins there.
    ///
    /// - Parameters:
    ///   - cut: seconds, after every cut before it.
    ///   - end: where the video will end; nil where that is not known.
    package mutating func parts(at cut: Double, end: Double?) -> Bool {
        // Time stamps are decimal fractions: two seconds may come out as 1.9999999.
        let enough = least - 1e-6
        guard cut > start, cut - start >= enough, end.map({ $0 - cut >= enough }) ?? true else {
            return false
        }
        start = cut
        return true
    }
}

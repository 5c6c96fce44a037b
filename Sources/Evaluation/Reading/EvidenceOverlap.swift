import VideoUnderstanding

/// How well the strongest evidence of an answer overlaps what must be seen, and how well one would
/// do without looking.
public struct EvidenceOverlap: Sendable, Equatable {
    /// Temporal intersection over union, 0 without evidence.
    public var iou: Double
    /// Of the whole video, which is what attention spread evenly would give.
    public var whole: Double
    /// Mean of stretches as long as the right one, anywhere in the video.
    public var chance: Double

    /// Places at which chance is tried.
    private static let places = 200

    /// - Parameters:
    ///   - right: any of these; the best counts.
    ///   - duration: of the video, in seconds.
    /// - Returns: nil where nothing is known to be right.
    public init?(_ evidence: [EvidenceRecord], with right: [TimeRange], duration: Double) {
        guard let first = right.first else { return nil }
        func best(_ range: TimeRange) -> Double {
            right.map { $0.iou(range) }.max() ?? 0
        }
        iou = evidence.max { $0.score < $1.score }.map { best($0.range) } ?? 0
        whole = best(TimeRange(start: 0, end: duration))
        let length = first.end - first.start
        let room = max(0, duration - length)
        let ious = (0..<Self.places).map { place in
            let start = room * (Double(place) + 0.5) / Double(Self.places)
            return best(TimeRange(start: start, end: start + length))
        }
        chance = ious.reduce(0, +) / Double(Self.places)
    }
}

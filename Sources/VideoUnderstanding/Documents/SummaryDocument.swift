import OrderedJSON

/// What ends a segment: a cut in the picture, the length of a window, another event that the model
/// tells of, or the end of the range.
public enum SegmentBoundary: String, Sendable {
    case cut, window, event, end
}

/// One part of the video and what happens in it.
public struct SegmentRecord: Sendable, Equatable {
    /// Begins and ends at presentation times of the file.
    public var range: TimeRange
    public var boundary: SegmentBoundary
    public var summary: String
    /// Time of the picture that stands for the segment, in seconds.
    public var keyframe: Double
    /// 0 to 1.
    public var confidence: Double

    public init(
        range: TimeRange, boundary: SegmentBoundary, summary: String, keyframe: Double,
        confidence: Double
    ) {
        self.range = range
        self.boundary = boundary
        self.summary = summary
        self.keyframe = keyframe
        self.confidence = confidence
    }

    func json(index: Int) -> JSON {
        var members = ObjectBuilder()
        members.add("index", index)
        members.add("start", .decimal(range.start))
        members.add("end", .decimal(range.end))
        members.add("start_timecode", Timecode.text(of: range.start))
        members.add("end_timecode", Timecode.text(of: range.end))
        members.add("boundary", boundary.rawValue)
        members.add("summary", summary)
        members.add("keyframe", .decimal(keyframe))
        members.add("confidence", .decimal(confidence))
        return members.json
    }
}

/// Consecutive segments that belong together, summed up.
public struct ChapterRecord: Sendable, Equatable {
    /// From the start of its first segment to the end of its last.
    public var range: TimeRange
    public var summary: String
    /// Indices of its segments.
    public var segments: Range<Int>

    public init(range: TimeRange, summary: String, segments: Range<Int>) {
        self.range = range
        self.summary = summary
        self.segments = segments
    }

    func json(index: Int) -> JSON {
        var members = ObjectBuilder()
        members.add("index", index)
        members.add("start", .decimal(range.start))
        members.add("end", .decimal(range.end))
        members.add("start_timecode", Timecode.text(of: range.start))
        members.add("end_timecode", Timecode.text(of: range.end))
        members.add("summary", summary)
        members.add("first_segment", segments.lowerBound)
        members.add("last_segment", segments.upperBound - 1)
        return members.json
    }
}

/// `reelscribe/summary@1`.
public struct SummaryDocument: Document, Equatable {
    public static let kind = DocumentKind.summary

    public var job: JobReference
    public var video: VideoRecord
    public var summary: String
    /// In order, without holes.
    public var segments: [SegmentRecord]
    /// In order, without holes; none where there are too few segments.
    public var chapters: [ChapterRecord]
    public var provenance: Provenance

    public init(
        job: JobReference = .none, video: VideoRecord, summary: String, segments: [SegmentRecord],
        chapters: [ChapterRecord] = [], provenance: Provenance
    ) {
        self.job = job
        self.video = video
        self.summary = summary
        self.segments = segments
        self.chapters = chapters
        self.provenance = provenance
    }

    public var json: JSON {
        var members = ObjectBuilder(Self.kind, job: job)
        members.add("video", video.json)
        members.add("summary", summary)
        members.add("segments", .array(segments.enumerated().map { $1.json(index: $0) }))
        if !chapters.isEmpty {
            members.add("chapters", .array(chapters.enumerated().map { $1.json(index: $0) }))
        }
        members.add(provenance)
        return members.json
    }
}

import Export
import OrderedJSON
import VideoUnderstanding

/// Sound documents with what a test is about.
enum Samples {
    static func video(duration: Double = 60, uri: String = "clip.mp4") -> VideoRecord {
        VideoRecord(
            uri: uri, sha256: String(repeating: "0a", count: 32), container: "mp4", codec: "h264",
            duration: duration, startTime: 0, size: PixelSize(width: 640, height: 360),
            rotation: 0, frameRate: 25, framesDecoded: 100,
            coverage: CoverageRecord(seen: [TimeRange(start: 0, end: duration)]))
    }

    static func provenance(duration: Double) -> Provenance {
        Provenance(
            sampling: SamplingRecord(
                mode: "pts", fps: 2, frameSize: PixelSize(width: 476, height: 280),
                grids: [PatchGrid(time: 1, height: 20, width: 34)],
                timestamps: [0, min(0.5, duration)]),
            model: ModelRecord(
                name: "sample", fingerprint: "f00d", weights: "bf16", mrope: "max"),
            settings: Settings().json(for: .summary),
            usage: UsageRecord(visualTokens: 340, promptTokens: 400, generatedTokens: 12),
            finishReason: .stop)
    }

    /// - Parameter parts: where each segment ends, and what it says.
    static func summary(
        _ parts: [(end: Double, text: String)], start: Double = 0, duration: Double? = nil,
        whole: String = "All of it.", id: String? = nil, uri: String = "clip.mp4"
    ) -> SummaryDocument {
        let duration = duration ?? parts.last?.end ?? 60
        var from = start
        var segments: [SegmentRecord] = []
        for part in parts {
            segments.append(
                SegmentRecord(
                    range: TimeRange(start: from, end: part.end), boundary: .window,
                    summary: part.text, keyframe: from, confidence: 0.5))
            from = part.end
        }
        return SummaryDocument(
            job: JobReference(id: id), video: video(duration: duration, uri: uri), summary: whole,
            segments: segments, provenance: provenance(duration: duration))
    }

    static func answer(
        _ value: JSON, question: String = "When?", duration: Double = 60, id: String? = nil,
        evidence: [EvidenceRecord] = [], outcome: ChoiceOutcome? = nil, uri: String = "clip.mp4"
    ) -> AnswerDocument {
        AnswerDocument(
            job: JobReference(id: id), video: video(duration: duration, uri: uri),
            question: question, answer: value, outcome: outcome, confidence: 0.75,
            evidence: evidence, provenance: provenance(duration: duration))
    }

    static let error = ErrorDocument(
        job: JobReference(id: "lost"), uri: "lost.mp4",
        failure: Failure(.inputNotFound, stage: .open, message: "no such file: lost.mp4"))

    /// Documents as a run writes them.
    static func file(_ documents: any Document...) throws -> ResultFile {
        let lines = documents.map { $0.json.compact + "\n" }.joined()
        return try ResultFile(Array(lines.utf8), name: "results.jsonl")
    }
}

/// What an export gave.
struct Exported {
    var text: String
    var notices: [String] = []

    init(
        _ format: ExportFormat, _ file: ResultFile, cues: CueLayout = .split,
        page: PageSource = PageSource()
    ) throws {
        var notices: [String] = []
        text = try Exporter(format: format, cues: cues, page: page).text(
            of: file.documents, notice: { notices.append($0) })
        self.notices = notices
    }
}

import OrderedJSON
import VideoUnderstanding

/// Everything but the input's bytes that decides what stands in a job's documents.
///
/// Two runs with equal requests and equal input bytes give equal documents, but for their timing;
/// so a result whose request is still the same is not made again.
struct JobRequest {
    let fingerprint: String

    init(_ job: Job, analyzer: Analyzer, includesTiming: Bool) {
        let settings = analyzer.effective(job.settings)
        var object: JSONObject = [
            "tool": .string(Self.toolMajor), "task": .string(job.task.name.rawValue),
            // Not its name: the same checkpoint may be reached by several.
            "video": .string(job.video),
            "model": .string(analyzer.record(mrope: settings.mrope).fingerprint),
            "timing": .bool(includesTiming),
        ]
        switch job.task {
        case .summarize: object["settings"] = settings.json(for: .summary)
        case .ask(let questions):
            object["settings"] = settings.json(for: .answer)
            object["questions"] = .array(questions.map(JSON.string))
        }
        object["subtitles"] = settings.subtitles.stamp(of: job.video)
        if let meta = job.meta { object["meta"] = meta }
        fingerprint = Fingerprint.of(JSON.object(object).compact)
    }

    /// A line that is no job asks for its error document.
    init(_ invalid: InvalidJob) {
        fingerprint = Fingerprint.of(invalid.document.json.compact)
    }

    /// Another major version may give other documents.
    private static let toolMajor = String(ToolRecord.current.version.prefix { $0 != "." })
}

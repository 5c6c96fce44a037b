import OrderedJSON
import VideoUnderstanding

/// Everything but the input's bytes that decides what stands in a job's documents.
///
/// Two runs with equal requests and equal input bytes give equal documents, but for their timing;
/// so a result whose request is still the same is not made again.
struct JobRequest {
    let fingerprint: String
    /// What is asked for, by the names of its parts.
    private let parts: JSONObject

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
        self.init(object)
    }

    private init(_ parts: JSONObject) {
        self.parts = parts
        fingerprint = Fingerprint.of(JSON.object(parts).compact)
    }

    /// A line that is no job asks for its error, wherever it stands.
    init(_ invalid: InvalidJob) {
        let parts: [JSON] = [
            .string(invalid.id), invalid.meta ?? .null, invalid.video.map(JSON.string) ?? .null,
            .string(invalid.fault.lasting),
        ]
        self.init(["invalid": .array(parts)])
    }

    /// Another major version may give other documents.
    private static let toolMajor = major(ToolRecord.current.version)

    private static func major(_ version: String) -> String { String(version.prefix { $0 != "." }) }

    // MARK: - What has changed

    /// In what this request differs from what a result was made for, as far as its documents tell:
    /// names of options and of parts of a job.
    func changes(since documents: [JSON]) -> [String] {
        // An error document does not say what was asked for.
        guard let first = documents.first, let settings = first["settings"]?.object else {
            return []
        }
        var changes: [String] = []
        func note(_ name: String, _ differs: Bool) { if differs { changes.append(name) } }
        let isAnswer = first["schema"]?.string == DocumentKind.answer.identifier
        note("task", isAnswer != (parts["questions"] != nil))
        note("video", first["video"]?["uri"] != parts["video"])
        note("model", first["model"]?["fingerprint"] != parts["model"])
        if isAnswer {
            let asked = JSON.array(documents.compactMap { $0["question"] })
            note("questions", parts["questions"].map { $0 != asked } ?? false)
        }
        note("meta", first["meta"] != parts["meta"])
        note("no-timing", JSON.bool(first["timing"] != nil) != parts["timing"])
        let version = first["tool"]?["version"]?.string.map(Self.major)
        note("reelscribe", version != Self.toolMajor)
        let wanted = parts["settings"]?.object ?? JSONObject()
        let names =
            wanted.members.map(\.key)
            + settings.members.map(\.key).filter {
                wanted[$0] == nil
            }
        for name in names {
            note(name.replacing("_", with: "-"), settings[name] != wanted[name])
        }
        return changes
    }
}

import Compute
import Imaging
import OrderedJSON
import Qwen2VL
import Video

/// What an index depends on of a user's settings: all that decides on frames, pixels, windows and
/// what the model reads before a question.
struct IndexSettings {
    private static func text(_ value: Rational) -> JSON {
        .string("\(value.numerator)/\(value.denominator)")
    }

    /// In a fixed order; equal settings give equal texts.
    static func json(_ settings: Settings, model: ModelConfiguration) -> JSON {
        let pixels = settings.pixels.effective(for: model)
        let sampling = settings.sampling
        var members = ObjectBuilder()
        members.add("sampling", sampling.mode.rawValue)
        members.add("fps", text(sampling.fps))
        members.add("input_fps", text(sampling.inputFPS))
        members.add("min_frames", sampling.minFrames)
        members.add("max_frames", orNull: sampling.maxFrames.map(JSON.int))
        members.add("start", orNull: sampling.start.map { text($0.seconds) })
        members.add("end", orNull: sampling.end.map { text($0.seconds) })
        members.add("detail", (pixels.detail ?? pixels.standardDetail).rawValue)
        members.add("min_pixels", orNull: pixels.minPixels.map(JSON.int))
        members.add("max_pixels", orNull: pixels.maxPixels.map(JSON.int))
        members.add("total_pixels", orNull: pixels.totalPixels.map(JSON.int))
        members.add("allow_references", .bool(settings.allowReferences))
        // Not what the model sees, but what it made of it: notes and prefixes.
        if settings.kv != .f32 { members.add("kv", settings.kv.rawValue) }
        if settings.activations != .full {
            members.add("activations", settings.activations.rawValue)
        }
        members.add("mrope", settings.mrope.rawValue)
        members.add("system", orNull: settings.system.map(JSON.string))
        members.add("window", text(settings.window))
        members.add("cuts", settings.cuts.rawValue)
        members.add("min_segment", text(settings.minSegment))
        members.add("subtitles", settings.subtitles.choice.text)
        members.add("subtitle_tokens", settings.subtitles.maxTokens)
        members.add(
            "prune", ifPresent: settings.prune.map { .number(JSONNumber(verified: "\($0)")) })
        return members.json
    }

    /// The settings that a text stands for; the rest are as they are by default.
    static func settings(_ text: String) -> Settings? {
        guard let json = try? JSON.parse(text) else { return nil }
        func rational(_ key: String) -> Rational? {
            json[key]?.string.flatMap { Rational(text: $0) }
        }
        func optional(_ key: String) -> Int?? {
            guard let value = json[key] else { return nil }
            return value.isNull ? .some(nil) : value.int.map { .some($0) }
        }
        func position(_ key: String) -> TimePosition?? {
            guard let value = json[key] else { return nil }
            return value.isNull
                ? .some(nil) : rational(key).map { .some(TimePosition(seconds: $0)) }
        }
        guard let mode = json["sampling"]?.string.flatMap(SamplingMode.init(rawValue:)),
            let fps = rational("fps"), let inputFPS = rational("input_fps"),
            let minFrames = json["min_frames"]?.int, let maxFrames = optional("max_frames"),
            let start = position("start"), let end = position("end"),
            let detail = json["detail"]?.string.flatMap(Detail.init(rawValue:)),
            let minPixels = optional("min_pixels"), let maxPixels = optional("max_pixels"),
            let totalPixels = optional("total_pixels"),
            let references = json["allow_references"]?.bool,
            let mrope = json["mrope"]?.string.flatMap(MRoPERule.init(rawValue:)),
            let system = json["system"], let window = rational("window"),
            let cuts = json["cuts"]?.string.flatMap(CutsChoice.init(rawValue:)),
            let minSegment = rational("min_segment"),
            let choice = json["subtitles"]?.string.flatMap(SubtitleChoice.init(typed:)),
            let subtitleTokens = json["subtitle_tokens"]?.int,
            json["prune"].map({ $0.double.map { (0...1).contains($0) } ?? false }) ?? true,
            let kv = json["kv"].map({ $0.string.flatMap(KVFormat.init(rawValue:)) }) ?? .f32,
            let activations = json["activations"].map({
                $0.string.flatMap(Activations.init(rawValue:))
            }) ?? .full
        else { return nil }
        var settings = Settings()
        settings.sampling.mode = mode
        settings.sampling.fps = fps
        settings.sampling.inputFPS = inputFPS
        settings.sampling.minFrames = minFrames
        settings.sampling.maxFrames = maxFrames
        settings.sampling.start = start
        settings.sampling.end = end
        settings.pixels.detail = detail
        settings.pixels.minPixels = minPixels
        settings.pixels.maxPixels = maxPixels
        settings.pixels.totalPixels = totalPixels
        settings.allowReferences = references
        settings.kv = kv
        settings.activations = activations
        settings.mrope = mrope
        settings.system = system.string
        settings.window = window
        settings.cuts = cuts
        settings.minSegment = minSegment
        settings.subtitles.choice = choice
        settings.subtitles.maxTokens = subtitleTokens
        settings.prune = json["prune"]?.double
        return settings
    }

    /// In what two differ, in words: `fps 2/1 and not 4/1`.
    static func difference(_ index: String, _ asked: String) -> String {
        guard let one = (try? JSON.parse(index))?.object,
            let other = (try? JSON.parse(asked))?.object
        else { return "other settings" }
        // A setting that has its default may not be written.
        let left = one.members.filter { other[$0.key] == nil }.map {
            (key: $0.key, value: JSON.null)
        }
        let asked = other.members.map { (key: $0.key, value: $0.value) }
        let words = (asked + left).compactMap { key, value -> String? in
            let was = one[key] ?? .null
            guard was != value else { return nil }
            let (before, now) = (was.isNull ? "the default" : was.string ?? was.compact, value)
            return "\(key.replacing("_", with: "-")) \(before) and not "
                + (now.isNull ? "the default" : now.string ?? now.compact)
        }
        return words.isEmpty ? "other settings" : words.joined(separator: ", ")
    }
}

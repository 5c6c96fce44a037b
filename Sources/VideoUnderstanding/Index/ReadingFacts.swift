import Imaging
import OrderedJSON
import Qwen2VL
import Text
import Video

/// What a reading of a video came to, as an index keeps it.
package struct ReadingFacts: Sendable, Equatable {
    var watched: WatchedVideo
    /// Frames of the whole input, where that was exactly known before it was decoded.
    var expectedFrames: Int?
    /// Whether the whole video is more than one model input, at its rate of frames.
    var isLong: Bool
    var transcript: Transcript
    /// Which tokens of each window are read, where not all of them are; empty where all of all are.
    var kept: [TokenSelection?] = []
}

/// An input after it was read.
package struct WatchedVideo: Sendable, Equatable {
    package var plan: VisualPlan
    package var description: VideoDescription
    package var report: DecodeReport

    /// Where the part that was read ends, in seconds.
    package var end: Double { report.end }
}

// MARK: - JSON

extension ReadingFacts {
    var json: JSON {
        var object: JSONObject = [
            "description": watched.description.json, "report": watched.report.json,
            "plan": watched.plan.json, "expected_frames": expectedFrames.map(JSON.int) ?? .null,
            "is_long": .bool(isLong), "transcript": transcript.json,
        ]
        if kept.contains(where: { $0 != nil }) {
            object["kept"] = .array(kept.map { $0?.json ?? .null })
        }
        return .object(object)
    }

    /// Nil for anything but what `json` gives.
    init?(_ text: String) {
        guard let json = try? JSON.parse(text),
            let description = json["description"].flatMap(VideoDescription.init(stored:)),
            let report = json["report"].flatMap(DecodeReport.init(stored:)),
            let plan = json["plan"].flatMap(VisualPlan.init(stored:)),
            let frames = json["expected_frames"], frames.isNull || frames.int != nil,
            let isLong = json["is_long"]?.bool,
            let transcript = json["transcript"].flatMap(Transcript.init(stored:))
        else { return nil }
        watched = WatchedVideo(plan: plan, description: description, report: report)
        expectedFrames = frames.int
        self.isLong = isLong
        self.transcript = transcript
        for window in json["kept"]?.array ?? [] {
            let selection = TokenSelection(stored: window, tokensPerPair: plan.tokensPerPair)
            guard window.isNull || selection != nil else { return nil }
            kept.append(selection)
        }
    }
}

extension JSON {
    /// All digits of a number: it reads as the very same one.
    fileprivate static func exact(_ value: Double) -> JSON {
        value.isFinite ? .number(JSONNumber(verified: "\(value)")) : .null
    }

    fileprivate static func exact(_ value: Double?) -> JSON { value.map { exact($0) } ?? .null }

    fileprivate var finite: Double? { double.flatMap { $0.isFinite ? $0 : nil } }

    fileprivate func all<Value>(_ key: String, _ make: (JSON) -> Value?) -> [Value]? {
        guard let array = self[key]?.array else { return nil }
        let values = array.compactMap(make)
        return values.count == array.count ? values : nil
    }

    /// A member that is there, and may be null; nil where it is neither null nor a value.
    fileprivate func optional<Value>(_ key: String, _ make: (JSON) -> Value?) -> Value?? {
        guard let member = self[key] else { return nil }
        return member.isNull ? .some(nil) : make(member).map { .some($0) }
    }
}

extension VideoDescription {
    fileprivate var json: JSON {
        [
            "uri": .string(uri), "container": .string(container), "codec": .string(codec),
            "duration": .exact(duration), "start_time": .exact(startTime), "width": .int(width),
            "height": .int(height), "rotation": .int(rotation), "frame_rate": .exact(frameRate),
        ]
    }

    fileprivate init?(stored json: JSON) {
        guard let uri = json["uri"]?.string, let container = json["container"]?.string,
            let codec = json["codec"]?.string, let duration = json["duration"]?.finite,
            let startTime = json["start_time"]?.finite, let width = json["width"]?.int,
            let height = json["height"]?.int, let rotation = json["rotation"]?.int,
            let frameRate = json.optional("frame_rate", \.finite),
            (1...1 << 20).contains(width), (1...1 << 20).contains(height)
        else { return nil }
        self.init(
            uri: uri, container: container, codec: codec, duration: duration,
            startTime: startTime, width: width, height: height, rotation: rotation,
            frameRate: frameRate)
    }
}

extension TimeSpan {
    fileprivate var json: JSON { [.exact(start), .exact(end)] }

    fileprivate init?(stored json: JSON) {
        guard json.array?.count == 2, let start = json[0]?.finite, let end = json[1]?.finite else {
            return nil
        }
        self.init(start: start, end: end)
    }
}

extension DecodeReport {
    fileprivate var json: JSON {
        [
            "frames_decoded": .int(framesDecoded),
            "seen": .array(coverage.seen.map(\.json)),
            "unseen": .array(coverage.unseen.map(\.json)),
            "warnings": .array(
                warnings.map { [.string($0.code), .string($0.message)] as JSON }),
        ]
    }

    fileprivate init?(stored json: JSON) {
        guard let frames = json["frames_decoded"]?.int,
            let seen = json.all("seen", TimeSpan.init(stored:)),
            let unseen = json.all("unseen", TimeSpan.init(stored:)),
            let warnings = json.all(
                "warnings",
                { json -> VideoWarning? in
                    guard let code = json[0]?.string, let message = json[1]?.string else {
                        return nil
                    }
                    return VideoWarning(code: code, message: message)
                })
        else { return nil }
        self.init(
            framesDecoded: frames, coverage: Coverage(seen: seen, unseen: unseen),
            warnings: warnings)
    }
}

extension PixelSize {
    fileprivate var pair: JSON { [.int(width), .int(height)] }

    fileprivate init?(stored json: JSON) {
        guard let width = json[0]?.int, let height = json[1]?.int, (1...1 << 20).contains(width),
            (1...1 << 20).contains(height)
        else { return nil }
        self.init(width: width, height: height)
    }
}

extension VisualPlan {
    fileprivate var json: JSON {
        [
            "kind": kind == .image ? "image" : "video", "source": source.pair,
            "target": target.pair, "seconds": .exact(limit.seconds), "frames": .int(limit.frames),
            "tokens_per_pair": .int(tokensPerPair),
            "frames_before_context": framesBeforeContext.map(JSON.int) ?? .null,
        ]
    }

    fileprivate init?(stored json: JSON) {
        guard let kind = json["kind"]?.string, ["image", "video"].contains(kind),
            let source = json["source"].flatMap(PixelSize.init(stored:)),
            let target = json["target"].flatMap(PixelSize.init(stored:)),
            let seconds = json.optional("seconds", \.finite), let frames = json["frames"]?.int,
            let tokens = json["tokens_per_pair"]?.int,
            let before = json.optional("frames_before_context", \.int),
            (2...1 << 20).contains(frames), (1...1 << 24).contains(tokens)
        else { return nil }
        self.init(
            kind: kind == "image" ? .image : .video, source: source, target: target,
            limit: WindowLimit(seconds: seconds, frames: frames), tokensPerPair: tokens,
            framesBeforeContext: before)
    }
}

extension Transcript {
    fileprivate var json: JSON {
        [
            "cues": .array(
                cues.map { [.exact($0.start), .exact($0.end), .string($0.text)] as JSON }),
            "source": source?.json ?? .null, "start_time": .exact(startTime),
            "warnings": .array(
                warnings.map { [.string($0.code), .string($0.message)] as JSON }),
        ]
    }

    fileprivate init?(stored json: JSON) {
        guard
            let cues = json.all(
                "cues",
                { json -> SubtitleCue? in
                    guard let start = json[0]?.finite, let end = json[1]?.finite,
                        let text = json[2]?.string
                    else { return nil }
                    return SubtitleCue(start: start, end: end, text: text)
                }), let source = json.optional("source", TranscriptSource.init(stored:)),
            let startTime = json.optional("start_time", \.finite),
            let warnings = json.all(
                "warnings",
                { json -> WarningRecord? in
                    guard let code = json[0]?.string, let message = json[1]?.string else {
                        return nil
                    }
                    return WarningRecord(code: code, message: message)
                })
        else { return nil }
        self.init(cues: cues, source: source, startTime: startTime, warnings: warnings)
    }
}

extension TranscriptSource {
    fileprivate init?(stored json: JSON) {
        guard let file = json.optional("file", \.string),
            let stream = json.optional("stream", \.int),
            let format = json["format"]?.string, let language = json.optional("language", \.string),
            let cues = json["cues"]?.int, let digest = json.optional("sha256", \.string)
        else { return nil }
        self.init(
            file: file, stream: stream, format: format, language: language, cues: cues,
            sha256: digest)
    }
}

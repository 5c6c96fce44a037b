import OrderedJSON
import VideoUnderstanding

/// Reads members that validation has found to be in place, and bounds the numbers among them.
struct MemberReader {
    let file: String
    let line: Int

    /// Far beyond any input that is decoded, and exact in milliseconds.
    static let longest = 1e9

    /// - Throws: `ExportError.timeOutOfRange`.
    func seconds(_ value: JSON?, _ path: String) throws(ExportError) -> Double {
        guard let seconds = value?.double, (0...Self.longest).contains(seconds) else {
            throw .timeOutOfRange(file: file, line: line, path: path)
        }
        return seconds
    }

    func range(_ start: JSON?, _ end: JSON?, _ path: String) throws(ExportError) -> TimeRange {
        TimeRange(start: try seconds(start, path), end: try seconds(end, path))
    }

    func list<Element>(
        _ value: JSON?, _ path: String, _ read: (JSON, String) throws(ExportError) -> Element
    ) throws(ExportError) -> [Element] {
        var result: [Element] = []
        for (index, element) in (value?.array ?? []).enumerated() {
            result.append(try read(element, "\(path)/\(index)"))
        }
        return result
    }
}

extension ExportedDocument {
    /// - Parameter json: a document that the shipped validator accepts.
    init(
        _ json: JSON, place: Int, line: Int, file: String
    ) throws(ExportError) {
        let reader = MemberReader(file: file, line: line)
        self.place = place
        self.line = line
        id = json["id"]?.string
        let kind = json["schema"]?.string ?? ""
        switch kind {
        case DocumentKind.summary.identifier: content = .summary(try Summary(json, reader))
        case DocumentKind.answer.identifier: content = .answer(try Answer(json, reader))
        case DocumentKind.frames.identifier: content = .frames(try Frames(json, reader))
        case DocumentKind.error.identifier:
            content = .error(
                FailedJob(
                    uri: json["video"]?["uri"]?.string,
                    code: json["error"]?["code"]?.string ?? "",
                    message: json["error"]?["message"]?.string ?? ""))
        default: throw .wrongKind(file: file, line: line, kind: kind)
        }
    }
}

extension ExportedDocument.Summary {
    init(_ json: JSON, _ reader: MemberReader) throws(ExportError) {
        video = try ExportedDocument.Video(json, reader)
        text = json["summary"]?.string ?? ""
        segments = try reader.list(json["segments"], "/segments") {
            element, path throws(ExportError) in
            ExportedDocument.Segment(
                range: try reader.range(element["start"], element["end"], path),
                text: element["summary"]?.string ?? "",
                boundary: element["boundary"]?.string ?? "",
                keyframe: try reader.seconds(element["keyframe"], path + "/keyframe"),
                confidence: element["confidence"]?.double ?? 0)
        }
        chapters = try reader.list(json["chapters"], "/chapters") {
            element, path throws(ExportError) in
            ExportedDocument.Chapter(
                range: try reader.range(element["start"], element["end"], path),
                text: element["summary"]?.string ?? "")
        }
        origin = ExportedDocument.Origin(json)
    }
}

extension ExportedDocument.Answer {
    init(_ json: JSON, _ reader: MemberReader) throws(ExportError) {
        video = try ExportedDocument.Video(json, reader)
        question = json["question"]?.string ?? ""
        value = json["answer"] ?? .null
        choice = json["choice"]?.string
        choices = (json["choices"]?.array ?? []).map {
            ExportedDocument.Choice(
                label: $0["label"]?.string ?? "", probability: $0["probability"]?.double ?? 0)
        }
        confidence = json["confidence"]?.double ?? 0
        evidence = try reader.list(json["evidence"], "/evidence") {
            element, path throws(ExportError) in
            ExportedDocument.Evidence(
                range: try reader.range(element["start"], element["end"], path),
                keyframe: try reader.seconds(element["keyframe"], path + "/keyframe"),
                score: element["score"]?.double ?? 0)
        }
        origin = ExportedDocument.Origin(json)
    }
}

extension ExportedDocument.Frames {
    init(_ json: JSON, _ reader: MemberReader) throws(ExportError) {
        video = try ExportedDocument.Video(json, reader)
        pairs = try reader.list(json["pairs"], "/pairs") { element, path throws(ExportError) in
            try reader.range(element["start"], element["end"], path)
        }
        timestamps = try reader.list(json["sampling"]?["timestamps"], "/sampling/timestamps") {
            element, path throws(ExportError) in try reader.seconds(element, path)
        }
        origin = ExportedDocument.Origin(json)
    }
}

extension ExportedDocument.Video {
    init(_ json: JSON, _ reader: MemberReader) throws(ExportError) {
        let video = json["video"]
        uri = video?["uri"]?.string ?? ""
        sha256 = video?["sha256"]?.string
        codec = video?["codec"]?.string ?? ""
        duration = try reader.seconds(video?["duration"], "/video/duration")
        width = video?["width"]?.int ?? 0
        height = video?["height"]?.int ?? 0
        frameRate = video?["frame_rate"]?.double.flatMap { $0.isFinite ? $0 : nil }
        func ranges(_ part: String) throws(ExportError) -> [TimeRange] {
            let path = "/video/coverage/\(part)"
            return try reader.list(video?["coverage"]?[part], path) {
                element, path throws(ExportError) in
                try reader.range(element[0], element[1], path)
            }
        }
        seen = try ranges("seen")
        unseen = try ranges("unseen")
    }
}

extension ExportedDocument.Origin {
    init(_ json: JSON) {
        model = json["model"]?["name"]?.string
        fingerprint = json["model"]?["fingerprint"]?.string
        let tool = json["tool"]
        self.tool = [tool?["name"]?.string, tool?["version"]?.string].compactMap(\.self)
            .joined(separator: " ")
        settings = json["settings"] ?? .object(JSONObject())
        warnings = (json["warnings"]?.array ?? []).map {
            WarningRecord(
                code: $0["code"]?.string ?? "", message: $0["message"]?.string ?? "")
        }
        isCutOff = json["finish_reason"]?.string == FinishReason.length.rawValue
    }
}

import OrderedJSON

/// What a document promises beyond what a schema can say.
///
/// Source: contract section 3. Seconds carry at most 6 decimals, so that two of them are taken for
/// equal within one millionth.
struct DocumentChecks {
    private static let tolerance = 1.0000001e-6

    private(set) var faults: [SchemaFault] = []

    /// What is wrong with a document that its schema accepts.
    static func faults(in document: JSON, kind: DocumentKind) -> [SchemaFault] {
        var checks = DocumentChecks()
        switch kind {
        case .summary:
            checks.checkVideo(document)
            checks.checkSegments(document)
            checks.checkChapters(document)
            checks.checkSampling(document)
        case .answer:
            checks.checkVideo(document)
            checks.checkSampling(document)
            checks.checkEvidence(document)
            checks.checkChoices(document)
        case .frames:
            checks.checkVideo(document)
            checks.checkSampling(document)
            checks.checkPairs(document)
        case .plan: checks.checkPlan(document)
        case .validation: checks.checkValidation(document)
        case .error, .modelInfo, .bench, .doctor, .evaluation, .evaluationResult, .job, .run,
            .index:
            break
        }
        return checks.faults
    }

    private mutating func add(_ path: String, _ message: String) {
        faults.append(SchemaFault(path: path, message: message))
    }

    private func same(_ first: Double, _ second: Double) -> Bool {
        abs(first - second) <= Self.tolerance
    }

    private func literal(_ value: JSON?) -> String { value?.compact ?? "nothing" }

    // MARK: - Video

    private mutating func checkVideo(_ document: JSON) {
        for member in ["duration", "start_time"] {
            checkDecimals(document["video"]?[member], "/video/\(member)")
        }
        let coverage = document["video"]?["coverage"]
        for part in ["seen", "unseen"] {
            let path = "/video/coverage/\(part)"
            var last = -Double.infinity
            for (index, range) in (coverage?[part]?.array ?? []).enumerated() {
                guard let start = range[0]?.double, let end = range[1]?.double else { continue }
                let place = JSONPointer.appending(index, to: path)
                checkDecimals(range[0], place + "/0")
                checkDecimals(range[1], place + "/1")
                if end < start { add(place, "ends before it starts") }
                if start < last - Self.tolerance { add(place, "starts before the last one ends") }
                last = end
            }
        }
    }

    private mutating func checkDecimals(_ value: JSON?, _ path: String) {
        guard case .number(let number)? = value,
            let point = number.literal.utf8.firstIndex(of: UInt8(ascii: "."))
        else { return }
        let decimals = number.literal.utf8[point...].dropFirst().prefix { (48...57).contains($0) }
        if decimals.count > 6 { add(path, "\(number.literal) has more than 6 decimals") }
    }

    // MARK: - Segments

    private mutating func checkSegments(_ document: JSON) {
        let duration = document["video"]?["duration"]?.double ?? .infinity
        let segments = document["segments"]?.array ?? []
        var previousEnd: JSON?
        for (index, segment) in segments.enumerated() {
            let path = "/segments/\(index)"
            guard let start = segment["start"]?.double, let end = segment["end"]?.double,
                let keyframe = segment["keyframe"]?.double
            else { continue }
            if segment["index"]?.int != index {
                add(path + "/index", "expected \(index), found \(literal(segment["index"]))")
            }
            if end < start { add(path + "/end", "lies before the segment's start") }
            if end > duration + Self.tolerance {
                add(path + "/end", "\(literal(segment["end"])) lies beyond the video's duration")
            }
            if let previous = previousEnd?.double, !same(previous, start) {
                let kind = start > previous ? "leaves a hole" : "overlaps"
                add(path + "/start", "\(kind): the segment before ends at \(literal(previousEnd))")
            }
            previousEnd = segment["end"]
            if keyframe < start - Self.tolerance || keyframe > end + Self.tolerance {
                add(path + "/keyframe", "lies outside the segment")
            }
            if index < segments.count - 1, segment["boundary"]?.string == "end" {
                add(path + "/boundary", "only the last segment ends with the range")
            }
            for side in ["start", "end"] {
                let seconds = segment[side]
                checkDecimals(seconds, "\(path)/\(side)")
                let key = "\(side)_timecode"
                checkTimecode(segment[key], of: seconds, JSONPointer.appending(key, to: path))
            }
        }
    }

    // Chapters hold whole segments, all of them, in order.
    private mutating func checkChapters(_ document: JSON) {
        guard let chapters = document["chapters"]?.array else { return }
        let segments = document["segments"]?.array ?? []
        var next = 0
        for (index, chapter) in chapters.enumerated() {
            let path = "/chapters/\(index)"
            guard let first = chapter["first_segment"]?.int, let last = chapter["last_segment"]?.int
            else { continue }
            if chapter["index"]?.int != index {
                add(path + "/index", "expected \(index), found \(literal(chapter["index"]))")
            }
            guard first == next, last >= first, last < segments.count else {
                add(path, "segments \(first) to \(last) are not those that come next")
                return
            }
            next = last + 1
            for (side, segment) in [("start", first), ("end", last)] {
                checkDecimals(chapter[side], "\(path)/\(side)")
                if let time = chapter[side]?.double, let own = segments[segment][side]?.double,
                    !same(time, own)
                {
                    add("\(path)/\(side)", "is not the \(side) of segment \(segment)")
                }
                let key = "\(side)_timecode"
                checkTimecode(
                    chapter[key], of: chapter[side], JSONPointer.appending(key, to: path))
            }
        }
        if next < segments.count { add("/chapters", "leave out segment \(next)") }
    }

    private mutating func checkTimecode(_ text: JSON?, of seconds: JSON?, _ path: String) {
        guard let text = text?.string, let seconds = seconds?.double else { return }
        let read = TimePosition(parsing: text)?.seconds.value
        if read.map({ abs($0 - seconds) > 0.001 }) ?? true {
            add(path, "\(text) is not the timecode of \(Timecode.text(of: seconds))")
        }
    }

    // MARK: - Sampling

    private mutating func checkSampling(_ document: JSON) {
        guard let sampling = document["sampling"] else { return }
        let timestamps = sampling["timestamps"]?.array ?? []
        for (index, timestamp) in timestamps.enumerated() {
            checkDecimals(timestamp, "/sampling/timestamps/\(index)")
        }
        let duration = document["video"]?["duration"]?.double ?? .infinity
        for (index, pair) in zip(timestamps, timestamps.dropFirst()).enumerated() {
            if let first = pair.0.double, let second = pair.1.double, second < first {
                add("/sampling/timestamps/\(index + 1)", "lies before the one before it")
            }
        }
        if let last = timestamps.last?.double, last > duration + Self.tolerance {
            add("/sampling/timestamps/\(timestamps.count - 1)", "lies beyond the video's duration")
        }
        let frames = sampling["frames"]?.int ?? 0
        if frames != timestamps.count {
            add("/sampling/frames", "\(frames) frames, but \(timestamps.count) timestamps")
        }
        let grids = sampling["grid_thw"]?.array ?? []
        let pairs = pairs(in: grids)
        // Every visual input repeats at most one frame.
        if 2 * pairs < frames || 2 * pairs > frames + grids.count {
            add("/sampling/grid_thw", "\(pairs) pairs cannot hold \(frames) frames")
        }
    }

    /// Temporal patches of all grids; bounded, as the numbers are the document's own.
    private func pairs(in grids: [JSON]) -> Int {
        grids.reduce(0) { $0 + min($1[0]?.int ?? 0, 1 << 30) }
    }

    private mutating func checkPairs(_ document: JSON) {
        let pairs = document["pairs"]?.array ?? []
        let frames = document["sampling"]?["timestamps"]?.array?.count ?? 0
        let expected = self.pairs(in: document["sampling"]?["grid_thw"]?.array ?? [])
        if pairs.count != expected {
            add("/pairs", "\(pairs.count) pairs, but the grid has \(expected)")
        }
        var lastStart = -Double.infinity
        for (index, pair) in pairs.enumerated() {
            let path = "/pairs/\(index)"
            if pair["index"]?.int != index {
                add(path + "/index", "expected \(index), found \(literal(pair["index"]))")
            }
            guard let start = pair["start"]?.double, let end = pair["end"]?.double,
                let first = pair["frames"]?[0]?.int, let second = pair["frames"]?[1]?.int
            else { continue }
            checkDecimals(pair["start"], path + "/start")
            checkDecimals(pair["end"], path + "/end")
            if end < start { add(path + "/end", "lies before the pair's start") }
            if start < lastStart { add(path + "/start", "lies before the pair before it") }
            lastStart = start
            if second < first || second >= frames {
                add(
                    path + "/frames",
                    "\(first) and \(second) are no two of \(frames) frames in order")
            }
        }
    }

    // MARK: - Answers

    private mutating func checkEvidence(_ document: JSON) {
        let duration = document["video"]?["duration"]?.double ?? .infinity
        var lastScore = Double.infinity
        for (index, part) in (document["evidence"]?.array ?? []).enumerated() {
            let path = "/evidence/\(index)"
            guard let start = part["start"]?.double, let end = part["end"]?.double,
                let score = part["score"]?.double
            else { continue }
            if end < start { add(path + "/end", "lies before the start") }
            if end > duration + Self.tolerance {
                add(path + "/end", "lies beyond the video's duration")
            }
            if score > lastScore { add(path + "/score", "is greater than the one before it") }
            lastScore = score
        }
    }

    private mutating func checkChoices(_ document: JSON) {
        guard let choices = document["choices"]?.array, let choice = document["choice"]?.string
        else { return }
        let labels = choices.compactMap { $0["label"]?.string }
        if !labels.contains(where: { $0.utf8.elementsEqual(choice.utf8) }) {
            add("/choice", "is none of the choices")
        }
        let total = choices.reduce(0) { $0 + ($1["probability"]?.double ?? 0) }
        if abs(total - 1) > 0.001 {
            add("/choices", "the probabilities add up to \(JSON.decimal(total).compact), not 1")
        }
    }

    // MARK: - Plans and reports

    private mutating func checkPlan(_ document: JSON) {
        var tokens = 0
        for (index, window) in (document["windows"]?.array ?? []).enumerated() {
            let path = "/windows/\(index)"
            if window["index"]?.int != index {
                add(path + "/index", "expected \(index), found \(literal(window["index"]))")
            }
            if let start = window["start"]?.double, let end = window["end"]?.double, end < start {
                add(path + "/end", "lies before the window's start")
            }
            let (sum, overflow) = tokens.addingReportingOverflow(window["visual_tokens"]?.int ?? 0)
            tokens = overflow ? .max : sum
        }
        if let stated = document["usage"]?["visual_tokens"]?.int, stated != tokens {
            add("/usage/visual_tokens", "\(stated), but the windows add up to \(tokens)")
        }
    }

    private mutating func checkValidation(_ document: JSON) {
        let faults = document["faults"]?.array?.count ?? 0
        if document["valid"]?.bool != (faults == 0) {
            add("/valid", "says \(literal(document["valid"])) with \(faults) faults")
        }
    }
}

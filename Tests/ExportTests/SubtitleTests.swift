import Export
import Foundation
import OrderedJSON
import Testing
import VideoUnderstanding

/// A reader of SubRip and WebVTT that shares no code with the writers.
struct ReadCue: Equatable {
    var start: Double
    var end: Double
    var text: String

    static func all(in text: String, isWebVTT: Bool) throws -> [ReadCue] {
        var blocks = text.components(separatedBy: "\n\n").filter { !$0.isEmpty }
        if isWebVTT {
            #expect(blocks.first == "WEBVTT")
            blocks.removeFirst()
        }
        return try blocks.enumerated().map { index, block in
            let lines = block.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.first == "\(index + 1)")
            let times = try #require(lines.dropFirst().first).components(separatedBy: " --> ")
            #expect(times.count == 2)
            let words = lines.dropFirst(2).joined(separator: "\n")
            return ReadCue(
                start: try seconds(times[0], isWebVTT), end: try seconds(times[1], isWebVTT),
                text: isWebVTT ? unescaped(words) : words)
        }
    }

    private static func seconds(_ text: String, _ isWebVTT: Bool) throws -> Double {
        let pattern =
            isWebVTT
            ? /([0-9]{2,}):([0-5][0-9]):([0-5][0-9])\.([0-9]{3})/
            : /([0-9]{2,}):([0-5][0-9]):([0-5][0-9]),([0-9]{3})/
        let match = try #require(try pattern.wholeMatch(in: text), "\(text)")
        func number(_ text: Substring) -> Int { Int(text) ?? -1 }
        let whole =
            (number(match.1) * 60 + number(match.2)) * 60 + number(match.3)
        return Double(whole * 1000 + number(match.4)) / 1000
    }

    private static func unescaped(_ text: String) -> String {
        text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
    }
}

struct SubtitleTests {
    static let formats: [ExportFormat] = [.srt, .vtt]

    private func cues(
        _ document: any Document, _ format: ExportFormat, _ layout: CueLayout = .whole
    ) throws -> [ReadCue] {
        let text = try Exported(format, try Samples.file(document), cues: layout).text
        return try ReadCue.all(in: text, isWebVTT: format == .vtt)
    }

    @Test(arguments: formats)
    func segmentsAreCues(format: ExportFormat) throws {
        let summary = Samples.summary([(4.0004, "A circle."), (8, "A square."), (12, "The end.")])
        #expect(
            try cues(summary, format) == [
                ReadCue(start: 0, end: 4, text: "A circle."),
                ReadCue(start: 4, end: 8, text: "A square."),
                ReadCue(start: 8, end: 12, text: "The end."),
            ])
    }

    // Hours have two digits at least, and as many as they need.
    @Test func hoursGrow() throws {
        let summary = Samples.summary([(3_599.9996, "a"), (360_000.5, "b"), (3_600_000, "c")])
        let srt = try Exported(.srt, try Samples.file(summary), cues: .whole).text
        #expect(srt.contains("1\n00:00:00,000 --> 01:00:00,000\na\n"))
        #expect(srt.contains("2\n01:00:00,000 --> 100:00:00,500\nb\n"))
        #expect(srt.contains("3\n100:00:00,500 --> 1000:00:00,000\nc\n"))
    }

    // Guards players, which take an empty line for the end of a cue and an arrow for times.
    @Test(arguments: [
        "One.\n\n\nTwo.", "One.\r\n\r\nTwo.", "One.\u{2029}\u{2028}Two.", "One.\n \t \nTwo.",
        "One.\u{B}\u{C}\u{0} Two.",
    ])
    func emptyLinesEndNoCue(text: String) throws {
        for format in Self.formats {
            let summary = Samples.summary([(5, text), (9, "x")])
            #expect(try cues(summary, format).map(\.text) == ["One. Two.", "x"])
        }
    }

    @Test func markupIsText() throws {
        let text = "a --> b & <i>c</i> {\\an8}d &lt; 1 < 2 {3}"
        let summary = Samples.summary([(5, text)])
        let read = try cues(summary, .vtt).map {
            $0.text.replacing("\n", with: " ").replacing("\u{2060}", with: "")
        }
        #expect(read == [text])
        let vtt = try Exported(.vtt, try Samples.file(summary)).text
        #expect(vtt.components(separatedBy: "-->").count == 2 && !vtt.contains("<i>"))
        let srt = try Exported(.srt, try Samples.file(summary)).text
        #expect(srt.components(separatedBy: "-->").count == 2)
        #expect(!srt.contains("<i") && !srt.contains("</") && !srt.contains("{\\"))
        #expect(srt.contains("1 < 2 {3}"), "what is no markup stays as it is")
        #expect(srt.replacing("\u{2060}", with: "").replacing("\n", with: " ").contains(text))
    }

    // Answers may overlap, be moments, and be in any order.
    @Test(arguments: formats)
    func cuesNeverOverlap(format: ExportFormat) throws {
        let value = try JSON.parse(
            #"[{"start":20,"end":30},{"start":0,"end":10,"title":"first"},{"start":5,"end":12},{"start":6,"end":9},{"start":40,"end":40},{"start":60,"end":60}]"#
        )
        let answer = Samples.answer(value, question: "When?")
        let text = try Exported(format, try Samples.file(answer))
        let cues = try ReadCue.all(in: text.text, isWebVTT: format == .vtt)
        #expect(
            cues == [
                ReadCue(start: 0, end: 10, text: "first"),
                ReadCue(start: 10, end: 12, text: "When?"),
                ReadCue(start: 20, end: 30, text: "When?"),
                ReadCue(start: 40, end: 41, text: "When?"),
            ])
        #expect(text.notices.count == 1, "two texts have no time left")
    }

    @Test func evidenceServesWhereTheAnswerHasNoTimes() throws {
        let answer = Samples.answer(
            "A dog.",
            evidence: [
                EvidenceRecord(range: TimeRange(start: 7, end: 9), keyframe: 8, score: 0.9),
                EvidenceRecord(range: TimeRange(start: 1, end: 2), keyframe: 1, score: 0.5),
            ])
        #expect(
            try cues(answer, .vtt) == [
                ReadCue(start: 1, end: 2, text: "A dog."),
                ReadCue(start: 7, end: 9, text: "A dog."),
            ])
    }

    // A long text is shown two lines at a time, whole, in order, and each part long enough.
    @Test func longTextsAreSplit() throws {
        let words = (1...100).map { "word\($0)" }.joined(separator: " ")
        let summary = Samples.summary([(30, words), (31, words), (60, "Short.")])
        let cues = try cues(summary, .srt, .split)
        let first = cues.filter { $0.end <= 30 }
        #expect(first.count > 5)
        #expect(first.map(\.text).joined(separator: " ").replacing("\n", with: " ") == words)
        for cue in first {
            let lines = cue.text.split(separator: "\n")
            #expect(lines.count <= 2 && lines.allSatisfy { $0.count <= 42 })
            #expect(cue.end - cue.start >= 1.5)
        }
        #expect(cues.filter { $0.start >= 30 }.count == 2, "a second has room for one cue")
        for (one, next) in zip(cues, cues.dropFirst()) { #expect(one.end == next.start) }
        #expect(cues.last?.end == 60)
    }

    // A word without end must neither be lost nor take for ever.
    @Test func endlessWordsAreCut() throws {
        let word = String(repeating: "x", count: 300_000)
        let cues = try cues(Samples.summary([(60, word)]), .srt)
        #expect(cues[0].text.replacing("\n", with: "") == word)
    }

    @Test func whatHasNoTimesIsSaid() throws {
        for (document, words) in [
            (Samples.answer("A dog.") as any Document, "the answer has none"),
            (Samples.error, "its job failed: input.not_found"),
            (Samples.summary([(0, "A picture.")], duration: 0), "less than a millisecond"),
        ] {
            let error = #expect(throws: Failure.self) {
                try Exported(.srt, try Samples.file(document))
            }
            #expect(error?.status == .badInput)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }

    @Test func severalSummariesAreAChoice() throws {
        let file = try Samples.file(
            Samples.summary([(10, "a")], id: "one"), Samples.summary([(10, "b")], id: "two"),
            Samples.error)
        let error = #expect(throws: Failure.self) { try Exported(.srt, file) }
        #expect(error?.status == .usage)
        #expect(error?.message.contains("--id two") == true)
        #expect(try file.selected(id: "two", index: nil).map(\.place) == [1])
        #expect(try file.selected(id: nil, index: 2).map(\.kind) == ["error"])
        #expect(throws: ExportError.self) { try file.selected(id: "two", index: 0) }
    }

    @Test func failedJobsAreTold() throws {
        let file = try Samples.file(Samples.error, Samples.summary([(10, "a")]))
        let exported = try Exported(.srt, file)
        #expect(exported.text.contains("\na\n"))
        #expect(exported.notices.count == 1)
        #expect(exported.notices.first?.contains("input.not_found") == true)
    }

    // FFmpeg must read what we write as the same cues.
    @Test(
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: "/usr/bin/ffmpeg"),
            "ffmpeg is not installed"), arguments: formats)
    func ffmpegReadsThem(format: ExportFormat) throws {
        let summary = Samples.summary([
            (4, "A <b>circle</b> & {\\an8}more --> of it."), (3_700.25, "x < y"), (3_800, "z"),
        ])
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("cues-\(UUID().uuidString).\(format.rawValue)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Exported(format, try Samples.file(summary), cues: .whole).text.write(
            to: file, atomically: false, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ffmpeg")
        process.arguments = ["-v", "error", "-i", file.path, "-f", "webvtt", "-"]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(errors.fileHandleForReading.readDataToEndOfFile().isEmpty)
        let blocks = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\n\n")
            .filter { $0.contains("-->") }
        #expect(blocks.count == 3)
        let plain = blocks.joined(separator: "\n").replacing("\u{2060}", with: "")
        #expect(plain.contains("00:04.000 --> 01:01:40.250\n"))
        #expect(plain.contains("circle") && plain.contains("of it.") && plain.contains("more"))
        #expect(plain.contains("an8"), "the code was not obeyed")
    }
}

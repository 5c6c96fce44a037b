import Export
import OrderedJSON
import Testing
import VideoUnderstanding

struct ChapterTests {
    private func chapters(
        _ parts: [(end: Double, text: String)], start: Double = 0, duration: Double? = nil
    ) throws -> [String] {
        let summary = Samples.summary(parts, start: start, duration: duration)
        let text = try Exported(.chapters, try Samples.file(summary)).text
        #expect(text.hasSuffix("\n"))
        return text.split(separator: "\n").map(String.init)
    }

    @Test func chaptersAreAList() throws {
        #expect(
            try chapters([(20, "Hello there. More."), (50.9, "A dog!"), (61, "The end")]) == [
                "0:00 Hello there", "0:20 A dog!", "0:50 The end",
            ])
    }

    @Test func hoursAreWrittenFromAnHourOn() throws {
        #expect(
            try chapters([(600, "a"), (3600, "b"), (36_000, "c"), (40_000, "d")]) == [
                "0:00 a", "10:00 b", "1:00:00 c", "10:00:00 d",
            ])
    }

    // Short segments are joined, and the longest of them gives the title.
    @Test func shortSegmentsAreJoined() throws {
        let parts: [(end: Double, text: String)] = [
            (4, "one"), (9, "two"), (12, "three"), (30, "four"), (39.5, "five"), (60, "six"),
            (63, "seven"),
        ]
        #expect(try chapters(parts) == ["0:00 two", "0:12 four", "0:30 six"])
    }

    // Fractions are cut off at both ends: what looks like 10 s may be less.
    @Test func tenSecondsAreCountedAsWritten() throws {
        #expect(
            try chapters([(10.9, "a"), (20.9, "b"), (31, "c"), (41, "d")])
                == ["0:00 a", "0:10 b", "0:20 c", "0:31 d"])
        let error = #expect(throws: Failure.self) {
            try chapters([(10.0, "a"), (20.0, "b"), (29.9, "c")])
        }
        #expect(error?.status == .badInput)
        #expect(error?.message.contains("only 2 of the 3 chapters") == true)
    }

    @Test func tooFewAreRefused() throws {
        for parts: [(end: Double, text: String)] in [
            [(100, "a")], [(50, "a"), (100, "b")], [(5, "a"), (9, "b"), (14, "c"), (20, "d")],
        ] {
            let error = #expect(throws: Failure.self) { try chapters(parts) }
            #expect(error?.status == .badInput)
            #expect(error?.message.contains("YouTube") == true)
        }
    }

    // The first chapter begins at 0:00 whatever part of the video was summarised.
    @Test func otherPartsAreNamed() throws {
        let parts: [(end: Double, text: String)] = [(80, "a"), (100, "b"), (120, "c")]
        #expect(
            try chapters(parts, start: 60, duration: 300) == [
                "0:00 (not described)", "1:00 a", "1:20 b", "1:40 c", "2:00 (not described)",
            ])
        #expect(try chapters(parts, start: 5, duration: 125) == ["0:00 a", "1:20 b", "1:40 c"])
    }

    @Test(arguments: [
        ("Dr. Who enters the room. He sits.", "Dr. Who enters the room"),
        ("  two\nlines ", "two lines"), ("a <script> & b", "a ‹script› & b"), ("", "Part 1"),
        ("3.5 metres of rope. Then a knot.", "3.5 metres of rope"),
        ("是一只狗。它在跑。", "是一只狗"),
        (
            "A very long sentence that goes on and on, until nobody can remember how it began at all",
            "A very long sentence that goes on and on, until nobody can…"
        ),
        (String(repeating: "x", count: 200), String(repeating: "x", count: 59) + "…"),
    ])
    func titlesAreShort(text: String, title: String) throws {
        let lines = try chapters([(20, text), (40, "b"), (60, "c")])
        #expect(lines.first == "0:00 \(title)")
    }

    @Test func answersOfEventsHaveChapters() throws {
        let value = try JSON.parse(
            #"{"chapters":[{"start":0,"end":15,"title":"In"},{"start":15,"end":40,"title":"Mid"},{"start":40,"end":60,"title":"Out"}]}"#
        )
        let text = try Exported(.chapters, try Samples.file(Samples.answer(value))).text
        #expect(text == "0:00 In\n0:15 Mid\n0:40 Out\n")
    }
}

/// A reader of RFC 4180 that shares no code with the writer.
func readCSV(_ text: String) throws -> [[String]] {
    var rows: [[String]] = []
    var row: [String] = []
    var cell: [UInt8] = []
    var isQuoted = false
    var bytes = Array(text.utf8)[...]
    while let byte = bytes.popFirst() {
        switch (byte, isQuoted) {
        case (UInt8(ascii: "\""), true):
            if bytes.first == UInt8(ascii: "\"") {
                cell.append(byte)
                bytes.removeFirst()
            } else {
                isQuoted = false
            }
        case (UInt8(ascii: "\""), false):
            #expect(cell.isEmpty, "a quotation mark inside a bare cell")
            isQuoted = true
        case (UInt8(ascii: ","), false):
            row.append(String(decoding: cell, as: UTF8.self))
            cell = []
        case (UInt8(ascii: "\r"), false):
            #expect(bytes.popFirst() == UInt8(ascii: "\n"))
            rows.append(row + [String(decoding: cell, as: UTF8.self)])
            (row, cell) = ([], [])
        case (UInt8(ascii: "\n"), false): Issue.record("a bare line feed")
        default: cell.append(byte)
        }
    }
    #expect(row.isEmpty && cell.isEmpty && !isQuoted, "the last line has an end")
    return rows
}

struct CSVTests {
    private func rows(_ documents: any Document...) throws -> [[String: String]] {
        let lines = documents.map { $0.json.compact + "\n" }.joined()
        let file = try ResultFile(Array(lines.utf8), name: "f")
        let table = try readCSV(try Exported(.csv, file).text)
        let header = try #require(table.first)
        return table.dropFirst().map { row in
            #expect(row.count == header.count)
            return Dictionary(uniqueKeysWithValues: zip(header, row))
        }
    }

    @Test func everythingIsARow() throws {
        let rows = try rows(
            Samples.summary([(4, "x"), (8.25, "y")], id: "s1"),
            Samples.answer(
                try JSON.parse(#"[{"start":1,"end":2.5}]"#), question: "When, and why?"),
            Samples.error)
        #expect(
            rows.map { $0["kind"] } == [
                "summary", "segment", "segment", "answer", "interval", "error",
            ])
        #expect(rows[2]["start"] == "4" && rows[2]["end"] == "8.25" && rows[2]["text"] == "y")
        #expect(rows[2]["end_timecode"] == "00:00:08.250" && rows[2]["id"] == "s1")
        #expect(rows[3]["question"] == "When, and why?")
        #expect(rows[4]["end"] == "2.5" && rows[4]["document"] == "1")
        #expect(rows[5]["note"] == "input.not_found" && rows[5]["video"] == "lost.mp4")
    }

    // A spreadsheet must not run what a model, or a file's name, says.
    @Test(arguments: ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", " =1", "＝1", "\n=1"])
    func formulasAreText(text: String) throws {
        let rows = try rows(Samples.summary([(4, text)], id: text, uri: text))
        #expect(rows[1]["text"] == "'" + text)
        #expect(rows[1]["id"] == "'" + text && rows[1]["video"] == "'" + text)
    }

    @Test(arguments: ["a,b", "a\"b", "a\nb", "a\r\nb", "\"", "", "a;b", "é\u{301} 漢字", "1=1"])
    func cellsComeBack(text: String) throws {
        #expect(try rows(Samples.summary([(4, text)]))[1]["text"] == text)
    }
}

struct MarkdownTests {
    private func markdown(_ documents: any Document...) throws -> String {
        let lines = documents.map { $0.json.compact + "\n" }.joined()
        return try Exported(.markdown, try ResultFile(Array(lines.utf8), name: "f")).text
    }

    @Test func resultsAreByVideo() throws {
        let text = try markdown(
            Samples.summary([(4, "x"), (8.25, "y")], whole: "All.\n\nMore."),
            Samples.summary([(9, "z")], uri: "other/b.mp4"),
            Samples.answer("A dog.", question: "Who?", duration: 8.25), Samples.error)
        #expect(
            text == """
                # clip.mp4

                0:08 · 640×360 · h264

                All.

                More.

                ## Segments

                - **0:00 – 0:04** x
                - **0:04 – 0:08.2** y

                ## Who?

                A dog.

                # b.mp4

                0:09 · 640×360 · h264

                All of it.

                # lost.mp4

                **Failed** (`input.not_found`): no such file: lost.mp4

                """)
    }

    @Test(arguments: [
        ("# no heading", "\\# no heading"), ("- no list", "\\- no list"),
        ("12. no list", "12\\. no list"), ("3) no list", "3\\) no list"),
        ("*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"),
        ("[a](javascript:x)", "\\[a\\](javascript:x)"), ("<script>", "\\<script\\>"),
        ("&lt;", "\\&lt;"), ("a|b", "a\\|b"), ("http://x.y", "http\\://x.y"),
        ("see www.x.y", "see www\\.x.y"), ("a - b + 1.5", "a - b + 1.5"), ("> quote", "\\> quote"),
        ("===", "\\==="), ("~~a~~", "\\~\\~a\\~\\~"), ("a\\b", "a\\\\b"),
        ("line\n# next", "line # next"),
    ])
    func textIsNoMarkup(text: String, expected: String) throws {
        let exported = try markdown(Samples.summary([(4, "x")], whole: text))
        #expect(exported.contains("\n\n\(expected)\n"), "\(exported)")
    }

    // A value with backticks in it must not end its block.
    @Test func fencesAreLongEnough() throws {
        let exported = try markdown(Samples.answer(["a": "```\n# x", "b": "````"]))
        #expect(exported.contains("\n`````json\n") && exported.contains("\n`````\n"))
    }
}
